//! With which identity deliveries are checked, and for how long.

use std::{fmt, str::FromStr, time::Duration};

use tenant_core::RoleArn;

/// All checks of one configuration together: half of the function's own 10 s.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// What the service is told about delivery.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The role that delivers: into S3 itself, into CloudWatch Logs through the customer's role.
    pub central_role: RoleArn,
    /// What the service shows when it assumes a customer's role; `None` is the id of the service's account.
    pub external_id: Option<ExternalId>,
    /// After this, what is not known is skipped.
    pub deadline: Duration,
}

impl Settings {
    /// Delivery through this role, with the account's id and the usual deadline.
    #[must_use]
    pub const fn new(central_role: RoleArn) -> Self {
        Self {
            central_role,
            external_id: None,
            deadline: DEADLINE,
        }
    }
}

/// An external id. No secret: it keeps a customer's role from being assumed on behalf of another one.
///
/// Source: `AssumeRole` in the AWS STS API Reference: 2 to 1,224 of `A-Za-z0-9_+=,.@:/-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalId(String);

/// A text that STS would not take for an external id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an external id has 2 to 1224 characters of A-Z a-z 0-9 _ + = , . @ : / -")]
pub struct InvalidExternalId;

impl ExternalId {
    /// The value as STS takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExternalId {
    type Err = InvalidExternalId;

    fn from_str(text: &str) -> Result<Self, InvalidExternalId> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
        if (2..=1224).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidExternalId)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_is_what_sts_takes() {
        for text in ["12", "123456789012", "a+b=c,d.e@f:g/h-i_j", &"x".repeat(1224)] {
            assert_eq!(text.parse::<ExternalId>().unwrap().as_str(), text);
        }
        for text in ["", "1", "a b", "a\n", "é1", "a*", &"x".repeat(1225)] {
            assert_eq!(text.parse::<ExternalId>(), Err(InvalidExternalId), "{text:?}");
        }
    }
}
