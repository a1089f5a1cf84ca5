//! Keys from the SSM Parameter Store.
//!
//! One `GetParameters` call asks for `NAME`, which is the newest version, and for `NAME:previous`, the version with the
//! label `previous`. To rotate: put that label on the current version, then write the new value. Both keys verify until
//! the label is removed, or until the newest version has been there for `PREVIOUS_KEY_MAX_AGE`: its `LastModifiedDate` is
//! when it was written. How SSM responds:
//!
//! - A version is identified by its `Selector`, `:previous`. Emulators may omit it; then the higher version is the
//!   newest.
//! - A label that no version has is listed in `InvalidParameters`, which is normal: there is no rotation then.
//! - `/aws/reference/secretsmanager/ID` is a secret of Secrets Manager, which has no version numbers but stages:
//!   `ID:AWSPREVIOUS` is the value before the last rotation, and Secrets Manager moves that stage by itself. Its public
//!   documentation does not describe the response for a missing stage, and one emulator rejects the whole call. So a call
//!   that is rejected for its names is repeated for the newest version alone.
//!
//! The value is overwritten once the key is made. Copies that the SDK and TLS made on the way are out of reach.

use std::{cmp::Reverse, time::Duration};

use aws_sdk_ssm::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_parameters::GetParametersError,
    types::Parameter,
};
use chrono::{DateTime, Utc};
use lambda::chain;
use tenant_aws::parameter::ParameterError;
pub use tenant_aws::parameter::client;
use tenant_core::signature::{KeyWarning, SigningKey};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{KeySource, KeySourceError, Keys, ParameterName};

/// For a whole read: three attempts and their pauses take up to 3 x 1 + 0.15 s, and a second call may follow. The rest of
/// the function's 5 s is for the verification.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

/// SSM's codes for a name that does not exist.
const NOT_FOUND: [&str; 4] = [
    "ParameterNotFound",
    "ParameterVersionNotFound",
    "ResourceNotFoundException",
    "ValidationException",
];

/// Reads keys from one parameter.
#[derive(Debug, Clone)]
pub struct SsmKeySource {
    client: Client,
    name: ParameterName,
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
            Err(error) if has_code(&error, &NOT_FOUND) => self.get(vec![newest]).await,
            response => response,
        };
        self.to_keys(parameters.map_err(ParameterError::from)?)
    }

    async fn get(&self, names: Vec<String>) -> Result<Vec<Parameter>, SdkError<GetParametersError>> {
        let response = self
            .client
            .get_parameters()
            .set_names(Some(names))
            .with_decryption(true)
            .send()
            .await?;
        Ok(response.parameters.unwrap_or_default())
    }

    fn to_keys(&self, parameters: Vec<Parameter>) -> Result<Keys, KeySourceError> {
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

        let version = version_number(&current);
        let written_at = current.last_modified_date().and_then(time_of);
        let mut keys = Keys::new(self.signing_key(current)?, version);
        if let Some(written_at) = written_at {
            keys = keys.written_at(written_at);
        }
        let Some(previous) = previous else { return Ok(keys) };
        let version = version_number(&previous);
        match self.signing_key(previous) {
            Ok(key) => Ok(keys.with_previous(key, version)),
            // An unusable old version must not take the service down.
            Err(error) => {
                tracing::warn!(cause = chain(&error), "the previous key is ignored");
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
        if let Some(warning) = KeyWarning::for_value(value.as_bytes()) {
            tracing::warn!(
                event = "key_unusual",
                parameter = self.name.as_str(),
                version = parameter.version,
                cause = chain(&warning),
                "the stored key is probably not what its owner meant"
            );
        }
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
fn version_number(parameter: &Parameter) -> Option<i64> {
    Some(parameter.version).filter(|version| *version > 0)
}

fn time_of(time: &aws_sdk_ssm::primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

fn has_code(error: &SdkError<GetParametersError>, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}
