//! The schema of the one type that serializes by hand.

use std::borrow::Cow;

use utoipa::{PartialSchema, ToSchema, openapi};

use crate::config::StoredConfig;

/// A reference: crate `openapi` makes the schema itself from the fields of each delivery type.
impl PartialSchema for StoredConfig {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        openapi::Ref::from_schema_name(Self::name()).into()
    }
}

impl ToSchema for StoredConfig {
    fn name() -> Cow<'static, str> {
        "DeliveryConfig".into()
    }
}
