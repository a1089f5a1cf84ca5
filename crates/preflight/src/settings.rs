//! The identity that the checks use, and their time limit.

use std::{fmt, str::FromStr, time::Duration};

use tenant_core::RoleArn;

/// The limit for all checks of one configuration together: half of the function's own 10 s.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// The settings of the checks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The role that delivers: directly to S3, and through the customer's role to CloudWatch Logs.
    pub central_role: RoleArn,
    /// The external ID that the service presents when it assumes a customer's role. `None` means the ID of the service's
    /// account.
    pub external_id: Option<ExternalId>,
    /// After this, checks without a result are skipped.
    pub deadline: Duration,
}

impl Settings {
    /// Checks with this role, with the account's ID as the external ID and the default deadline.
    #[must_use]
    pub const fn new(central_role: RoleArn) -> Self {
        Self {
            central_role,
            external_id: None,
            deadline: DEADLINE,
        }
    }
}

/// The place of the tenant's ID in an external ID.
const TENANT_ID: &str = "{tenant_id}";

/// An external ID, the same for every tenant or with `{tenant_id}` for the tenant's ID. Not a secret: it keeps a customer's
/// role from being assumed on behalf of another customer, which only an ID of its own for each tenant does.
///
/// Source: `AssumeRole` in the AWS STS API Reference: 2 to 1,224 of `A-Za-z0-9_+=,.@:/-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalId(String);

/// A text that is not a valid external ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an external ID must be 2 to 1224 characters of A-Z a-z 0-9 _ + = , . @ : / - and may contain {TENANT_ID}")]
pub struct InvalidExternalId;

impl ExternalId {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The external ID for this tenant. Fails if the tenant's ID makes it one that STS does not accept.
    pub(crate) fn for_tenant(&self, tenant_id: &str) -> Result<String, InvalidExternalId> {
        let external_id = self.0.replace(TENANT_ID, tenant_id);
        if is_accepted_by_sts(&external_id) {
            Ok(external_id)
        } else {
            Err(InvalidExternalId)
        }
    }
}

fn is_accepted_by_sts(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    (2..=1224).contains(&text.len()) && text.bytes().all(is_allowed)
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExternalId {
    type Err = InvalidExternalId;

    fn from_str(text: &str) -> Result<Self, InvalidExternalId> {
        // With a short ID for the tenant, which leaves the most room.
        if is_accepted_by_sts(&text.replace(TENANT_ID, "ab")) {
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
    fn external_id_follows_the_rules_of_sts() {
        for text in ["12", "123456789012", "a+b=c,d.e@f:g/h-i_j", &"x".repeat(1224)] {
            assert_eq!(text.parse::<ExternalId>().unwrap().as_str(), text);
        }
        for text in ["{tenant_id}", "ours-{tenant_id}", "{tenant_id}/{tenant_id}"] {
            assert_eq!(text.parse::<ExternalId>().unwrap().as_str(), text);
        }
        for text in [
            "{tenant}",
            "{tenant_id",
            "{{tenant_id}}",
            "",
            "1",
            "a b",
            "a\n",
            "é1",
            "a*",
            &"x".repeat(1225),
        ] {
            assert_eq!(text.parse::<ExternalId>(), Err(InvalidExternalId), "{text:?}");
        }
    }

    #[test]
    fn external_id_contains_the_tenant_where_it_is_asked_to() {
        let for_tenant = |text: &str, tenant| text.parse::<ExternalId>().unwrap().for_tenant(tenant);
        assert_eq!(for_tenant("ours", "acme").as_deref(), Ok("ours"));
        assert_eq!(for_tenant("ours-{tenant_id}", "acme").as_deref(), Ok("ours-acme"));
        for tenant in ["", "a", "O'Neil", "a b", "*", "{tenant_id}", &"x".repeat(1225)] {
            assert_eq!(for_tenant("{tenant_id}", tenant), Err(InvalidExternalId), "{tenant:?}");
        }
    }
}
