//! The key of an item, whether or not a configuration can be created under it.

use super::names::DeliveryType;
use crate::{tenant_id::TenantId, violation::Violation};

/// The key of an item: any two texts that the table accepts. People write items by hand, so one may exist under a key that
/// no configuration can be created with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigKey {
    tenant_id: String,
    delivery_type: String,
}

/// Why no configuration can be created under a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// The tenant ID breaks a rule.
    #[error("the tenant ID is invalid")]
    TenantId(#[source] Violation),
    /// There is no such delivery type.
    #[error("the delivery type is invalid")]
    DeliveryType(#[source] Violation),
}

impl ConfigKey {
    /// DynamoDB's limit for a partition key.
    pub const MAX_TENANT_ID_BYTES: usize = 2048;
    /// DynamoDB's limit for a sort key.
    pub const MAX_TYPE_BYTES: usize = 1024;

    /// Any key that the table can hold. Fails only where neither an item nor a configuration can have it.
    pub fn new(tenant_id: impl Into<String>, delivery_type: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = Self {
            tenant_id: tenant_id.into(),
            delivery_type: delivery_type.into(),
        };
        let fits = (1..=Self::MAX_TENANT_ID_BYTES).contains(&key.tenant_id.len())
            && (1..=Self::MAX_TYPE_BYTES).contains(&key.delivery_type.len());
        if !fits {
            key.parse()?;
        }
        Ok(key)
    }

    /// The key of a configuration.
    #[must_use]
    pub fn for_config(tenant_id: &TenantId, delivery_type: DeliveryType) -> Self {
        Self {
            tenant_id: tenant_id.as_str().to_owned(),
            delivery_type: delivery_type.as_str().to_owned(),
        }
    }

    /// The partition key.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        &self.tenant_id
    }

    /// The sort key.
    #[must_use]
    pub fn delivery_type(&self) -> &str {
        &self.delivery_type
    }

    /// The parts of a key under which a configuration can be created.
    pub fn parse(&self) -> Result<(TenantId, DeliveryType), InvalidKey> {
        Ok((
            self.tenant_id.parse().map_err(InvalidKey::TenantId)?,
            self.delivery_type.parse().map_err(InvalidKey::DeliveryType)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_a_configuration_parses_to_its_parts() {
        let tenant: TenantId = "acme".parse().unwrap();
        let key = ConfigKey::for_config(&tenant, DeliveryType::S3);
        assert_eq!(ConfigKey::new("acme", "s3"), Ok(key.clone()));
        assert_eq!(key.parse(), Ok((tenant, DeliveryType::S3)));
    }

    #[test]
    fn key_of_a_hand_written_item_is_accepted_and_reported_as_invalid() {
        for tenant_id in ["acme.corp", "O'Neil", "a/b", "\u{e9}", "a b", &"t".repeat(2048)] {
            let key = ConfigKey::new(tenant_id, "s3").unwrap();
            assert!(matches!(key.parse(), Err(InvalidKey::TenantId(_))), "{tenant_id}");
        }
        for delivery_type in ["splunk", "CloudWatch", " ", &"t".repeat(1024)] {
            let key = ConfigKey::new("acme", delivery_type).unwrap();
            assert!(
                matches!(key.parse(), Err(InvalidKey::DeliveryType(_))),
                "{delivery_type}"
            );
        }
    }

    #[test]
    fn key_that_the_table_cannot_hold_is_rejected() {
        let (long, longer) = ("t".repeat(1025), "t".repeat(2049));
        for (tenant_id, delivery_type) in [
            ("", "s3"),
            ("acme", ""),
            (longer.as_str(), "s3"),
            ("acme", long.as_str()),
        ] {
            assert!(ConfigKey::new(tenant_id, delivery_type).is_err());
        }
    }
}
