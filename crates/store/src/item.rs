//! Between the model's values and DynamoDB's attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use tenant_core::{Cursor, DeliveryType, Field, FieldData, FieldValue, StoredConfig, VERSION_ATTRIBUTE};

/// An item, or a key, as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The key of a configuration.
pub(crate) fn key(tenant_id: &str, delivery_type: &str) -> Item {
    HashMap::from([
        (
            Field::TenantId.name().to_owned(),
            AttributeValue::S(tenant_id.to_owned()),
        ),
        (
            Field::Type.name().to_owned(),
            AttributeValue::S(delivery_type.to_owned()),
        ),
    ])
}

/// The key behind which a page begins.
pub(crate) fn start_key(cursor: &Cursor) -> Item {
    key(cursor.tenant_id(), cursor.delivery_type())
}

/// The cursor behind an item. A key is always two strings.
pub(crate) fn cursor(item: &Item) -> Cursor {
    let text = |field: Field| {
        item.get(field.name())
            .and_then(|value| value.as_s().ok())
            .map(String::as_str)
            .unwrap_or_default()
    };
    Cursor::new(text(Field::TenantId), text(Field::Type))
}

/// A new item: the values, its key, its times and its first version.
pub(crate) fn new_item(
    tenant_id: &str,
    delivery_type: DeliveryType,
    values: impl IntoIterator<Item = FieldValue>,
    now: DateTime<Utc>,
) -> Item {
    let mut item = key(tenant_id, delivery_type.as_str());
    item.extend(
        values
            .into_iter()
            .map(|value| (value.field().name().to_owned(), attribute(value))),
    );
    item.insert(Field::CreatedAt.name().to_owned(), AttributeValue::S(time(now)));
    item.insert(Field::UpdatedAt.name().to_owned(), AttributeValue::S(time(now)));
    item.insert(VERSION_ATTRIBUTE.to_owned(), number(first_version(now)));
    item
}

/// The version with which an item begins: microseconds since 1970.
///
/// A configuration that is deleted and created anew thereby never gets a version that the old one had, so that an
/// `If-Match` on the old one cannot hit the new one. Below 2^53 until the year 2255: safe in a JSON number.
pub(crate) fn first_version(now: DateTime<Utc>) -> i64 {
    now.timestamp_micros()
}

/// The version that an update which gave `version` at `now` found; none where the item had none to count on from.
#[must_use]
pub fn version_before(version: u64, now: DateTime<Utc>) -> Option<u64> {
    let first = u64::try_from(first_version(now)).unwrap_or_default();
    // An update of such an item begins with the first version, or with the one behind it.
    let is_counted_on = version != first && version != first + 1;
    version.checked_sub(1).filter(|_| is_counted_on)
}

/// A time as it is stored: RFC 3339, UTC, whole seconds.
pub(crate) fn time(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The attribute of a value.
pub(crate) fn attribute(value: FieldValue) -> AttributeValue {
    match value.into_data() {
        FieldData::Text(text) => AttributeValue::S(text),
        FieldData::Boolean(boolean) => AttributeValue::Bool(boolean),
        FieldData::Number(whole) => number(whole),
        FieldData::List(texts) => AttributeValue::L(texts.into_iter().map(AttributeValue::S).collect()),
    }
}

/// Reads an item, whoever wrote it.
pub(crate) fn stored_config(item: Item) -> StoredConfig {
    StoredConfig::from_attributes(
        item.into_iter()
            .filter(|(name, _)| is_modelled(name))
            .map(|(name, attribute)| {
                // Binary is the one kind of attribute that JSON has no value for.
                let value = serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(attribute)
                    .unwrap_or_else(|_| Value::String("(binary)".to_owned()));
                (name, value)
            }),
    )
}

/// The version that an item reads as.
pub(crate) fn version(item: &Item) -> u64 {
    let version = item.get(VERSION_ATTRIBUTE).cloned();
    stored_config(
        version
            .map(|version| (VERSION_ATTRIBUTE.to_owned(), version))
            .into_iter()
            .collect(),
    )
    .version()
}

fn is_modelled(name: &str) -> bool {
    name == VERSION_ATTRIBUTE || Field::from_name(name).is_some()
}

/// Whether DynamoDB may sweep the item. Only a number expires an item; a fraction of a second is cut off.
pub(crate) fn is_expired(item: &Item, now: DateTime<Utc>) -> bool {
    item.get(Field::Ttl.name())
        .and_then(|ttl| ttl.as_n().ok())
        .and_then(|seconds| seconds.parse::<f64>().ok())
        // Seconds since 1970 fit a double without loss.
        .is_some_and(|seconds| seconds < expiry_bound(now))
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay far below 2^52")]
fn expiry_bound(now: DateTime<Utc>) -> f64 {
    (now.timestamp() + 1) as f64
}
