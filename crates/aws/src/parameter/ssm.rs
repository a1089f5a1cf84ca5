//! Parameters of the SSM Parameter Store.
//!
//! A value is overwritten once it is parsed. Copies that the SDK and TLS made on the way are out of reach.

use std::{error::Error, str::FromStr, sync::OnceLock, time::Duration};

use aws_sdk_ssm::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_types::SdkConfig;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::ParameterError;
use crate::{ErrorClass, Limits, classify};

/// The pauses between attempts take up to 50 and 100 ms.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(1),
    operation: None,
    attempts: 3,
    first_backoff: Duration::from_millis(50),
    max_backoff: Duration::from_millis(100),
};
/// For a whole read: three attempts and their pauses take up to 3 x 1 + 0.15 s.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

/// SSM's code for a name that does not exist.
const NOT_FOUND: &str = "ParameterNotFound";
/// SSM's code for a KMS key that is disabled or that the function is not allowed to use.
const INVALID_KMS_KEY: &str = "InvalidKeyId";

/// A client with time-outs; the SDK has none by default.
#[must_use]
pub fn client(sdk: &SdkConfig) -> Client {
    Client::new(&LIMITS.apply(sdk))
}

/// One parameter, whose client is made when it is first read.
#[derive(Debug)]
pub struct Parameter {
    sdk: SdkConfig,
    name: String,
    client: OnceLock<Client>,
}

impl Parameter {
    /// The parameter of this name.
    #[must_use]
    pub fn new(sdk: SdkConfig, name: impl Into<String>) -> Self {
        Self {
            sdk,
            name: name.into(),
            client: OnceLock::new(),
        }
    }

    pub(super) async fn read<T>(&self) -> Result<T, ParameterError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        let reading = timeout(READ_TIMEOUT, self.value()).await;
        let value = reading.unwrap_or(Err(ParameterError::TimedOut))?;
        value.parse().map_err(|error: T::Err| ParameterError::Unusable {
            name: self.name.clone(),
            source: error.into(),
        })
    }

    async fn value(&self) -> Result<Zeroizing<String>, ParameterError> {
        let client = self.client.get_or_init(|| client(&self.sdk));
        let request = client.get_parameter().name(&self.name).with_decryption(true);
        match request.send().await {
            Ok(response) => {
                let value = response.parameter.and_then(|parameter| parameter.value);
                Ok(Zeroizing::new(value.unwrap_or_default()))
            }
            Err(error) if error.code() == Some(NOT_FOUND) => Err(ParameterError::Missing(self.name.clone())),
            Err(error) => Err(error.into()),
        }
    }
}

impl<E> From<SdkError<E>> for ParameterError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        match classify(&error) {
            ErrorClass::TimedOut => Self::TimedOut,
            ErrorClass::Throttled => Self::Throttled(error.into()),
            ErrorClass::Denied | ErrorClass::UnknownIdentity | ErrorClass::InvalidCredentials => {
                Self::AccessDenied(error.into())
            }
            ErrorClass::Other if error.code() == Some(INVALID_KMS_KEY) => Self::AccessDenied(error.into()),
            ErrorClass::Other if error.as_service_error().is_some() => Self::Rejected(error.into()),
            // Of the others there was no response that could be read.
            ErrorClass::Unreachable | ErrorClass::ServerFault | ErrorClass::Other => Self::Unavailable(error.into()),
        }
    }
}
