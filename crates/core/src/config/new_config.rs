//! A configuration that can be created.

use serde_json::json;

use super::{field_value::FieldValue, names::DeliveryType, stored::StoredConfig, update::makes_too_large};
use crate::{tenant_id::TenantId, violation::FieldError};

/// A configuration that can be created: every rule holds and defaults are filled in. Only
/// [`parse_create`](super::parse_create) makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConfig {
    tenant_id: TenantId,
    delivery_type: DeliveryType,
    values: Vec<FieldValue>,
}

impl NewConfig {
    pub(super) const fn new(tenant_id: TenantId, delivery_type: DeliveryType, values: Vec<FieldValue>) -> Self {
        Self {
            tenant_id,
            delivery_type,
            values,
        }
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    /// The type of the destination.
    #[must_use]
    pub const fn delivery_type(&self) -> DeliveryType {
        self.delivery_type
    }

    /// [`Self::into_values`] without taking them.
    #[must_use]
    pub fn values(&self) -> &[FieldValue] {
        &self.values
    }

    /// The fields that a creation stores, besides key and times.
    #[must_use]
    pub fn as_stored(&self) -> StoredConfig {
        let values = self.values.iter();
        StoredConfig::from_attributes(values.map(|value| (value.field().name(), json!(value.data()))))
    }

    /// The rule that the configuration breaks where the item that gets its values would become larger than the table
    /// allows. It is reported for the largest value.
    #[must_use]
    pub fn too_large(&self) -> FieldError {
        makes_too_large(self.values.iter().map(|value| (value.field(), value.data().bytes())))
    }

    /// The values to store besides key, times and version, in model order. They always include `enabled`, because the
    /// log processor treats a missing value as false.
    #[must_use]
    pub fn into_values(self) -> Vec<FieldValue> {
        self.values
    }
}
