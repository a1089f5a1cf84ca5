//! The keys that verify, and where they come from.

mod cache;
mod parameter_name;
pub mod ssm;

use std::error::Error;

use tenant_core::signature::{KeyError, SignedRequest, SigningKey};

pub use cache::{KeyCache, KeyEvents, KeysUnavailable, Lease};
pub use parameter_name::{ParameterName, ParameterNameError};

/// The label of the previous key, in SSM and in key versions.
const PREVIOUS: &str = "previous";

/// Where keys are read from.
pub trait KeySource: Send + Sync + 'static {
    /// Reads the keys. It completes within a few seconds in any case.
    fn fetch(&self) -> impl Future<Output = Result<Keys, KeySourceError>> + Send;
}

/// The current key and, during a rotation, the previous one. Both verify.
#[derive(Debug)]
pub struct Keys {
    current: Key,
    previous: Option<Key>,
}

/// A key that verifies.
#[derive(Debug)]
pub(crate) struct Key {
    value: SigningKey,
    role: KeyRole,
    version: String,
}

/// The role of a key in a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRole {
    /// Clients should sign with it.
    Current,
    /// It was current before, and will be withdrawn.
    Previous,
}

/// Why keys could not be read. The sources are for the log; none contains a value.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// There is no parameter with the configured name.
    #[error("there is no parameter {0}")]
    Missing(String),
    /// Its value is not a usable key.
    #[error("the parameter {name} cannot be used")]
    Unusable {
        /// The parameter.
        name: String,
        /// What is wrong with its value.
        source: KeyError,
    },
    /// The function is not allowed to read the parameter, or to use the KMS key that encrypts it.
    #[error("reading the parameter is denied")]
    AccessDenied(#[source] Box<dyn Error + Send + Sync>),
    /// Too many calls.
    #[error("reading the parameter is throttled")]
    Throttled(#[source] Box<dyn Error + Send + Sync>),
    /// No response in time.
    #[error("reading the parameter took too long")]
    TimedOut,
    /// Any other failure.
    #[error("the parameter could not be read")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl Keys {
    /// The current key, with its version if versions are numbered.
    #[must_use]
    pub fn new(current: SigningKey, version: Option<i64>) -> Self {
        Self {
            current: Key::new(current, KeyRole::Current, version),
            previous: None,
        }
    }

    /// The same with the previous key.
    #[must_use]
    pub fn with_previous(self, previous: SigningKey, version: Option<i64>) -> Self {
        Self {
            previous: Some(Key::new(previous, KeyRole::Previous, version)),
            ..self
        }
    }

    /// The key that made the signature, if any.
    pub(crate) fn find_signer(&self, request: &SignedRequest) -> Option<&Key> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| request.verify(&key.value).is_ok())
    }
}

impl Key {
    fn new(value: SigningKey, role: KeyRole, version: Option<i64>) -> Self {
        let label = match role {
            KeyRole::Current => "current",
            KeyRole::Previous => PREVIOUS,
        };
        let version = version.map_or_else(|| label.to_owned(), |version| format!("{label}:{version}"));
        Self { value, role, version }
    }

    pub(crate) fn role(&self) -> KeyRole {
        self.role
    }

    /// Its name in the log and in the policy's context, such as `current:3`. For people: programs use the role.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

#[cfg(test)]
mod tests {
    use tenant_core::signature::{CandidateUris, Message, Method, Timestamp, sign};

    use super::*;

    const CURRENT_KEY: &[u8] = b"example-psk-0123456789abcdef";
    const PREVIOUS_KEY: &[u8] = b"previous-psk-fedcba9876543210";

    fn key(value: &[u8]) -> SigningKey {
        SigningKey::new(value).unwrap()
    }

    fn request_signed_with(value: &[u8]) -> SignedRequest {
        let method = Method::parse("GET").unwrap();
        let uris = CandidateUris::new("/api/v1/delivery-configs", None, &[("", ""); 0]).unwrap();
        let timestamp = Timestamp::parse("2024-01-15T10:30:00Z").unwrap();
        let message = Message {
            method: &method,
            uri: &uris.iter().next().unwrap(),
            timestamp: &timestamp,
            body_digest: None,
        };
        let signature = sign(&key(value), &message);
        SignedRequest {
            method,
            uris,
            timestamp,
            body_digest: None,
            signature,
        }
    }

    #[test]
    fn key_that_signed_is_found_with_its_role() {
        let keys = Keys::new(key(CURRENT_KEY), Some(3)).with_previous(key(PREVIOUS_KEY), Some(2));
        for (value, role, version) in [
            (CURRENT_KEY, KeyRole::Current, "current:3"),
            (PREVIOUS_KEY, KeyRole::Previous, "previous:2"),
        ] {
            let key = keys.find_signer(&request_signed_with(value)).unwrap();
            assert_eq!((key.role(), key.version()), (role, version));
        }
        assert!(
            keys.find_signer(&request_signed_with(b"another-psk-89abcdef01234567"))
                .is_none()
        );
    }
}
