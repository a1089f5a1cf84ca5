//! Keys from the SSM Parameter Store.
//!
//! One `GetParameters` call asks for `NAME`, which is the newest version, and for `NAME:previous`, the version that bears
//! the label `previous`. To rotate: put that label on the version in use, then write the new value. Both keys verify
//! until the label is taken away. How SSM answers:
//!
//! - A version is told apart by its `Selector`, `:previous`. Emulators may leave it out; then the higher version is the
//!   newest.
//! - A label that no version bears is listed in `InvalidParameters`, which is normal: there is no rotation then.
//! - `/aws/reference/secretsmanager/ID` is a secret of Secrets Manager, which has no versions to count but stages:
//!   `ID:AWSPREVIOUS` is the value before the last rotation, and Secrets Manager moves that stage by itself. Its public
//!   documentation does not say how a stage that is missing is answered, and one emulator refuses the whole call, so
//!   when a call is refused for what it asks, it is made again for the newest version alone.
//!
//! The value is overwritten once the key is made. What the SDK and TLS held of it on the way is out of reach.

use std::{cmp::Reverse, time::Duration};

use aws_sdk_ssm::{
    Client,
    config::{self, retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::get_parameters::GetParametersError,
    types::Parameter,
};
use aws_types::SdkConfig;
use lambda::chain;
use tenant_core::signature::SigningKey;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{KeySource, KeySourceError, Keys, ParameterName};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// For one attempt, connecting included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 3;
/// The pauses between attempts are random, up to 50 and 100 ms.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// For all there is to a read: three attempts and their pauses take up to 3 x 1 + 0.15 s, and a second call may follow.
/// It leaves the rest of the function's 5 s to the judgement.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

/// What SSM says when it is asked for something that is not there.
const NOT_THERE: [&str; 4] = [
    "ParameterNotFound",
    "ParameterVersionNotFound",
    "ResourceNotFoundException",
    "ValidationException",
];
const ACCESS_DENIED: [&str; 5] = [
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
    "InvalidKeyId",
];
const THROTTLED: [&str; 4] = [
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
];

/// Reads keys from one parameter.
#[derive(Debug, Clone)]
pub struct SsmKeySource {
    client: Client,
    name: ParameterName,
}

/// A client with the times within which SSM must answer; the SDK's own defaults know no limit.
#[must_use]
pub fn client(sdk: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF);
    let config = config::Builder::from(sdk)
        .timeout_config(timeouts)
        .retry_config(retries);
    Client::from_conf(config.build())
}

impl SsmKeySource {
    /// Reads from the parameter `name` through `client`, which should be [`client`]'s.
    #[must_use]
    pub fn new(client: Client, name: ParameterName) -> Self {
        Self { client, name }
    }

    async fn read(&self) -> Result<Keys, KeySourceError> {
        let (newest, previous) = (self.name.as_str().to_owned(), self.name.previous());
        let parameters = match self.get(vec![newest.clone(), previous]).await {
            Err(error) if is_code_of(&error, &NOT_THERE) => self.get(vec![newest]).await,
            answer => answer,
        };
        self.keys(parameters.map_err(into_source_error)?)
    }

    async fn get(&self, names: Vec<String>) -> Result<Vec<Parameter>, SdkError<GetParametersError>> {
        let answer = self
            .client
            .get_parameters()
            .set_names(Some(names))
            .with_decryption(true)
            .send()
            .await?;
        Ok(answer.parameters.unwrap_or_default())
    }

    fn keys(&self, parameters: Vec<Parameter>) -> Result<Keys, KeySourceError> {
        let (labelled, mut unlabelled): (Vec<_>, Vec<_>) = parameters
            .into_iter()
            .partition(|parameter| self.is_labelled_previous(parameter));
        unlabelled.sort_by_key(|parameter| Reverse(parameter.version));
        let mut unlabelled = unlabelled.into_iter();

        let current = unlabelled
            .next()
            .ok_or_else(|| KeySourceError::Missing(self.name.as_str().to_owned()))?;
        // A label that is on the newest version selects the same key twice.
        let previous = unlabelled
            .chain(labelled)
            .next()
            .filter(|previous| previous.version == 0 || previous.version != current.version);

        let version = counted_version(&current);
        let keys = Keys::new(self.signing_key(current)?, version);
        let Some(previous) = previous else { return Ok(keys) };
        let version = counted_version(&previous);
        match self.signing_key(previous) {
            Ok(key) => Ok(keys.with_previous(key, version)),
            // It must not take the service down that an old version is useless.
            Err(error) => {
                tracing::warn!(cause = chain(&error), "the previous key is left out");
                Ok(keys)
            }
        }
    }

    fn is_labelled_previous(&self, parameter: &Parameter) -> bool {
        let label = self.name.previous_label();
        let selector = parameter.selector().map(|selector| selector.trim_start_matches(':'));
        selector == Some(label)
            || parameter
                .name()
                .is_some_and(|name| name.ends_with(&format!(":{label}")))
    }

    fn signing_key(&self, parameter: Parameter) -> Result<SigningKey, KeySourceError> {
        let value = Zeroizing::new(parameter.value.unwrap_or_default());
        SigningKey::new(value.as_bytes()).map_err(|source| KeySourceError::Unusable {
            name: self.name.as_str().to_owned(),
            source,
        })
    }
}

impl KeySource for SsmKeySource {
    async fn fetch(&self) -> Result<Keys, KeySourceError> {
        timeout(READ_TIMEOUT, self.read())
            .await
            .unwrap_or(Err(KeySourceError::TimedOut))
    }
}

/// Secrets have no version numbers.
fn counted_version(parameter: &Parameter) -> Option<i64> {
    Some(parameter.version).filter(|version| *version > 0)
}

fn is_code_of(error: &SdkError<GetParametersError>, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

fn into_source_error(error: SdkError<GetParametersError>) -> KeySourceError {
    match error {
        SdkError::TimeoutError(_) => KeySourceError::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => KeySourceError::TimedOut,
        error if is_code_of(&error, &ACCESS_DENIED) => KeySourceError::AccessDenied(error.into()),
        error if is_code_of(&error, &THROTTLED) => KeySourceError::Throttled(error.into()),
        error => KeySourceError::Unavailable(error.into()),
    }
}
