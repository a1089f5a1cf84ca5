//! The keys that verify, and where they come from.

mod cache;
mod parameter_name;
#[cfg(feature = "ssm")]
pub mod ssm;

use std::error::Error;

use chrono::{DateTime, TimeDelta, Utc};
use tenant_aws::parameter::ParameterError;
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

/// The current key and, during a rotation, the previous one. Both verify, the previous one for a limited time.
#[derive(Debug)]
pub struct Keys {
    current: Key,
    previous: Option<Key>,
    /// When the current key was written.
    written_at: Option<DateTime<Utc>>,
    /// When the previous key ends. It does not verify without a time.
    previous_ends_at: Option<DateTime<Utc>>,
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
    /// The store does not respond, or fails.
    #[error("the parameter could not be read")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Any other error that the store responded with.
    #[error("reading the parameter is rejected")]
    Rejected(#[source] Box<dyn Error + Send + Sync>),
}

impl From<ParameterError> for KeySourceError {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::Missing(name) => Self::Missing(name),
            ParameterError::AccessDenied(source) => Self::AccessDenied(source),
            ParameterError::Throttled(source) => Self::Throttled(source),
            ParameterError::TimedOut => Self::TimedOut,
            ParameterError::Unavailable(source) => Self::Unavailable(source),
            ParameterError::Unusable { source, .. } | ParameterError::Rejected(source) => Self::Rejected(source),
        }
    }
}

impl KeySourceError {
    /// Whether the store is out of order, which says nothing about the key. Everything else is the store's statement that
    /// the key may no longer be used, or cannot be.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::TimedOut | Self::Unavailable(_) => true,
            Self::Missing(_) | Self::Unusable { .. } | Self::AccessDenied(_) | Self::Rejected(_) => false,
        }
    }
}

impl Keys {
    /// The current key, with its version if versions are numbered.
    #[must_use]
    pub fn new(current: SigningKey, version: Option<i64>) -> Self {
        Self {
            current: Key::new(current, KeyRole::Current, version),
            previous: None,
            written_at: None,
            previous_ends_at: None,
        }
    }

    /// The same, with the time at which the current key was written. The age of the previous key counts from it.
    #[must_use]
    pub fn written_at(self, written_at: DateTime<Utc>) -> Self {
        Self {
            written_at: Some(written_at),
            ..self
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

    /// Ends the previous key when the current one is older than this.
    pub(crate) fn limit_previous(&mut self, max_age: TimeDelta) {
        self.previous_ends_at = self
            .written_at
            .and_then(|written_at| written_at.checked_add_signed(max_age));
    }

    /// The key that made the signature, if any.
    pub(crate) fn find_signer(&self, request: &SignedRequest, now: DateTime<Utc>) -> Option<&Key> {
        let previous = self.previous.as_ref().filter(|_| self.accepts_previous(now));
        [Some(&self.current), previous]
            .into_iter()
            .flatten()
            .find(|key| request.verify(&key.value).is_ok())
    }

    /// The previous key, whether or not it still verifies.
    pub(crate) fn previous(&self) -> Option<&Key> {
        self.previous.as_ref()
    }

    /// When the previous key ends, if that is known.
    pub(crate) fn previous_ends_at(&self) -> Option<DateTime<Utc>> {
        self.previous_ends_at
    }

    /// Whether the previous key, if there is one, still verifies.
    pub(crate) fn accepts_previous(&self, now: DateTime<Utc>) -> bool {
        self.previous_ends_at.is_some_and(|ends_at| now < ends_at)
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

    const NOW: DateTime<Utc> = DateTime::from_timestamp(1_705_314_600, 0).unwrap();
    const CURRENT_KEY: &[u8] = b"example-psk-0123456789abcdef";
    const PREVIOUS_KEY: &[u8] = b"previous-psk-fedcba9876543210";

    fn key(value: &[u8]) -> SigningKey {
        SigningKey::new(value).unwrap()
    }

    fn request_signed_with(value: &[u8]) -> SignedRequest {
        let method = Method::parse("GET").unwrap();
        let uris = CandidateUris::new(["/api/v1/delivery-configs"], &[("", ""); 0]).unwrap();
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
        let mut keys = Keys::new(key(CURRENT_KEY), Some(3))
            .with_previous(key(PREVIOUS_KEY), Some(2))
            .written_at(NOW);
        keys.limit_previous(TimeDelta::days(7));
        for (value, role, version) in [
            (CURRENT_KEY, KeyRole::Current, "current:3"),
            (PREVIOUS_KEY, KeyRole::Previous, "previous:2"),
        ] {
            let key = keys.find_signer(&request_signed_with(value), NOW).unwrap();
            assert_eq!((key.role(), key.version()), (role, version));
        }
        assert!(
            keys.find_signer(&request_signed_with(b"another-psk-89abcdef01234567"), NOW)
                .is_none()
        );
    }

    #[test]
    fn previous_key_ends_by_the_age_of_the_current_one() {
        let verifies = |keys: &Keys, value, seconds| {
            let now = NOW + TimeDelta::seconds(seconds);
            keys.find_signer(&request_signed_with(value), now).is_some()
        };
        let keys = || Keys::new(key(CURRENT_KEY), Some(3)).with_previous(key(PREVIOUS_KEY), Some(2));
        let mut limited = keys().written_at(NOW);
        limited.limit_previous(TimeDelta::seconds(60));
        for (seconds, expected) in [(-1, true), (0, true), (59, true), (60, false), (86_400, false)] {
            assert_eq!(verifies(&limited, PREVIOUS_KEY, seconds), expected, "{seconds}");
            assert!(verifies(&limited, CURRENT_KEY, seconds));
        }
        limited.limit_previous(TimeDelta::zero());
        assert!(!verifies(&limited, PREVIOUS_KEY, 0), "an age of 0 never accepts it");

        let mut of_unknown_age = keys();
        of_unknown_age.limit_previous(TimeDelta::days(7));
        assert!(!verifies(&of_unknown_age, PREVIOUS_KEY, 0));
        assert!(!verifies(&keys().written_at(NOW), PREVIOUS_KEY, 0), "no limit was set");
    }

    #[test]
    fn only_failures_of_the_store_itself_are_outages() {
        let cause = || "x".into();
        for (error, is_outage) in [
            (KeySourceError::TimedOut, true),
            (KeySourceError::Throttled(cause()), true),
            (KeySourceError::Unavailable(cause()), true),
            (KeySourceError::Missing("/psk".to_owned()), false),
            (KeySourceError::AccessDenied(cause()), false),
            (KeySourceError::Rejected(cause()), false),
            (
                KeySourceError::Unusable {
                    name: "/psk".to_owned(),
                    source: KeyError::TooShort,
                },
                false,
            ),
        ] {
            assert_eq!(error.is_outage(), is_outage, "{error}");
        }
    }
}
