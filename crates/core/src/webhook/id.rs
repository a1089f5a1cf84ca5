//! Names: of endpoints, of their owners and of replays.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::{
    tenant_id::TenantId,
    violation::{ErrorCode, Violation},
};

/// Declares an identifier: a prefix and 128 random bits in 32 lower-case hexadecimal digits.
macro_rules! random_id {
    ($(#[$attribute:meta])* $Name:ident, $prefix:literal, $what:literal) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $Name(String);

        impl $Name {
            /// The form as an ECMAScript pattern.
            pub const PATTERN: &str = concat!("^", $prefix, "[0-9a-f]{32}$");

            /// The name of these random bits.
            #[must_use]
            pub fn new(random: [u8; 16]) -> Self {
                Self(format!(concat!($prefix, "{}"), hex::encode(random)))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $Name {
            type Err = Violation;

            fn from_str(text: &str) -> Result<Self, Violation> {
                let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
                let digits = text.strip_prefix($prefix).filter(|rest| rest.len() == 32);
                match digits {
                    Some(digits) if digits.bytes().all(is_digit) => Ok(Self(text.to_owned())),
                    _ => Err(Violation::new(ErrorCode::InvalidFormat, concat!("must be the id of ", $what))),
                }
            }
        }
    };
}

random_id! {
    /// The name of an endpoint.
    WebhookId, "wh_", "a webhook"
}
random_id! {
    /// The name of a replay.
    ReplayId, "rp_", "a replay"
}

/// Whose changes an endpoint gets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Those of every tenant.
    Global,
    /// Those of one tenant.
    Tenant(TenantId),
}

const GLOBAL: &str = "global";
const TENANT: &str = "tenant#";

impl Scope {
    /// The text in tables. No two scopes share one: `#` is in no tenant's identifier.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Global => GLOBAL.to_owned(),
            Self::Tenant(tenant) => format!("{TENANT}{tenant}"),
        }
    }

    /// Reads [`Scope::key`].
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        match key.strip_prefix(TENANT) {
            Some(tenant) => tenant.parse().ok().map(Self::Tenant),
            None => (key == GLOBAL).then_some(Self::Global),
        }
    }

    /// How many endpoints it has at most.
    #[must_use]
    pub const fn max_webhooks(&self) -> u32 {
        match self {
            Self::Global => 50,
            Self::Tenant(_) => 20,
        }
    }

    /// The tenant, unless the scope is global.
    #[must_use]
    pub const fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Global => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_its_prefix_and_its_bits() {
        let id = WebhookId::new([0xa5; 16]);
        assert_eq!(id.as_str(), format!("wh_{}", "a5".repeat(16)));
        assert_eq!(id.as_str().parse(), Ok(id));
        for text in [
            "",
            "wh_",
            "rp_a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
            "wh_A5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
            "wh_#",
        ] {
            assert!(text.parse::<WebhookId>().is_err(), "{text}");
        }
    }

    #[test]
    fn scope_is_read_from_its_key() {
        let tenant = |id: &str| Scope::Tenant(id.parse().unwrap());
        for scope in [Scope::Global, tenant("acme"), tenant("global"), tenant("tenant")] {
            assert_eq!(Scope::from_key(&scope.key()), Some(scope));
        }
        for key in ["", "acme", "tenant#", "tenant#a b", "Global"] {
            assert_eq!(Scope::from_key(key), None, "{key}");
        }
    }
}
