//! The keys that verify, and where they come from.

mod cache;
mod parameter_name;
pub mod ssm;

use std::error::Error;

use tenant_core::signature::{KeyError, SignedRequest, SigningKey};

pub use cache::{KeyCache, KeyEvents, KeysUnavailable, Lease};
pub use parameter_name::{ParameterName, ParameterNameError};

/// The label of the key before the one in use, as SSM and the versions of keys have it.
pub(crate) const PREVIOUS: &str = "previous";

/// Where keys are read from.
pub trait KeySource: Send + Sync + 'static {
    /// Reads the keys anew. It ends within a few seconds, whatever happens.
    fn fetch(&self) -> impl Future<Output = Result<Keys, KeySourceError>> + Send;
}

/// The key in use and, while a rotation lasts, the one before it. Both verify.
#[derive(Debug)]
pub struct Keys {
    current: Key,
    previous: Option<Key>,
}

#[derive(Debug)]
struct Key {
    signing_key: SigningKey,
    /// What the log and the answer call it.
    version: String,
}

/// Why keys could not be read. The sources are for the log; none holds a value.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// There is no key under the name that was configured.
    #[error("there is no parameter {0}")]
    Missing(String),
    /// There is one, but it cannot be used.
    #[error("the parameter {name} cannot be used")]
    Unusable {
        /// The parameter.
        name: String,
        /// What is wrong with its value.
        source: KeyError,
    },
    /// The function may not read the parameter or the KMS key that encrypts it.
    #[error("the parameter may not be read")]
    AccessDenied(#[source] Box<dyn Error + Send + Sync>),
    /// Too many calls.
    #[error("reading the parameter is throttled")]
    Throttled(#[source] Box<dyn Error + Send + Sync>),
    /// No answer in time.
    #[error("reading the parameter took too long")]
    TimedOut,
    /// Any other failure.
    #[error("the parameter could not be read")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl Keys {
    /// The key in use, of this version if versions are counted.
    #[must_use]
    pub fn new(current: SigningKey, version: Option<i64>) -> Self {
        Self {
            current: Key::new(current, "current", version),
            previous: None,
        }
    }

    /// The same with the key that was in use before.
    #[must_use]
    pub fn with_previous(self, previous: SigningKey, version: Option<i64>) -> Self {
        Self {
            previous: Some(Key::new(previous, PREVIOUS, version)),
            ..self
        }
    }

    /// The version of the key that made the signature, such as `current:3`; none if neither did.
    pub(crate) fn version_that_signed(&self, request: &SignedRequest) -> Option<&str> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| request.verify(&key.signing_key).is_ok())
            .map(|key| key.version.as_str())
    }
}

impl Key {
    fn new(signing_key: SigningKey, label: &str, version: Option<i64>) -> Self {
        let version = version.map_or_else(|| label.to_owned(), |version| format!("{label}:{version}"));
        Self { signing_key, version }
    }
}
