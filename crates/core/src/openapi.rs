//! Schemas that are not derived: that of the one type that serializes by hand, and those of names.

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

/// A text that is one of these, without a schema of its own: generators for Go name the values of all such schemas alike,
/// and several lists of names have the same ones.
pub(crate) fn one_of(names: &[&str], description: &str) -> openapi::Object {
    openapi::ObjectBuilder::new()
        .schema_type(openapi::Type::String)
        .enum_values(Some(names.iter().copied()))
        .description(Some(description))
        .build()
}
