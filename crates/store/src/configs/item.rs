//! Between configurations and DynamoDB's items.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_core::{
    Change, ConfigUpdate, Cursor, EntityTag, Field, FieldData, FieldValue, NewConfig, StoredConfig, VERSION_ATTRIBUTE,
};

use crate::{
    item::{self, Item, number, text, time},
    item_update::ItemUpdate,
    tag::{Tagged, entity_tag},
};

/// The attributes that a configuration consists of. The entity tag covers them, and a conditional write binds to them.
pub(crate) fn modelled_attributes() -> impl Iterator<Item = &'static str> {
    Field::ALL.into_iter().map(Field::name).chain([VERSION_ATTRIBUTE])
}

/// The key of a configuration.
pub(crate) fn key(tenant_id: &str, delivery_type: &str) -> Item {
    Item::from([
        (Field::TenantId.name().to_owned(), text(tenant_id)),
        (Field::Type.name().to_owned(), text(delivery_type)),
    ])
}

/// The key after which a page starts.
pub(crate) fn start_key(cursor: &Cursor) -> Item {
    key(cursor.tenant_id(), cursor.delivery_type())
}

/// The cursor after an item. A key always consists of two strings.
pub(crate) fn cursor(item: &Item) -> Cursor {
    let text = |field: Field| {
        item.get(field.name())
            .and_then(|value| value.as_s().ok())
            .map(String::as_str)
            .unwrap_or_default()
    };
    Cursor::new(text(Field::TenantId), text(Field::Type))
}

/// A new item: key, values, times and version.
pub(crate) fn new_item(config: &NewConfig, version: &str, now: DateTime<Utc>) -> Item {
    let mut item = key(config.tenant_id().as_str(), config.delivery_type().as_str());
    let values = config.clone().into_values().into_iter();
    item.extend(values.map(|value| (value.field().name().to_owned(), attribute(value))));
    item.insert(Field::CreatedAt.name().to_owned(), time(now));
    item.insert(Field::UpdatedAt.name().to_owned(), time(now));
    item.insert(VERSION_ATTRIBUTE.to_owned(), text(version));
    item
}

/// The changes that an update makes to an item. `enabled` is stored even where the update does not name it: a missing
/// value means off, and stays off.
pub(crate) fn item_update(update: &ConfigUpdate, version: &str, now: DateTime<Utc>) -> ItemUpdate {
    let mut changes = ItemUpdate {
        set: vec![(Field::UpdatedAt.name(), time(now)), (VERSION_ATTRIBUTE, text(version))],
        ..ItemUpdate::default()
    };
    let mut names_enabled = false;
    for change in update.changes() {
        names_enabled |= change.field() == Field::Enabled;
        match change {
            Change::Set(value) => changes.set.push((value.field().name(), attribute(value.clone()))),
            Change::Remove(field) => changes.remove.push(field.name()),
        }
    }
    if !names_enabled {
        changes
            .set_if_absent
            .push((Field::Enabled.name(), AttributeValue::Bool(false)));
    }
    changes
}

/// The attribute of a value.
fn attribute(value: FieldValue) -> AttributeValue {
    match value.into_data() {
        FieldData::Text(text) => AttributeValue::S(text),
        FieldData::Boolean(boolean) => AttributeValue::Bool(boolean),
        FieldData::Number(whole) => number(whole),
        FieldData::List(texts) => AttributeValue::L(texts.into_iter().map(AttributeValue::S).collect()),
    }
}

/// Reads an item, whether this service or a person wrote it.
pub(crate) fn stored_config(item: Item) -> StoredConfig {
    StoredConfig::from_attributes(
        item.into_iter()
            .filter(|(name, _)| is_modelled(name))
            .map(|(name, attribute)| {
                // Binary is the only type of attribute without a JSON form.
                let value = serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(attribute)
                    .unwrap_or_else(|_| Value::String("(binary)".to_owned()));
                (name, value)
            }),
    )
}

/// Reads an item together with its entity tag.
pub(crate) fn tagged_config(item: Item) -> Tagged<StoredConfig> {
    Tagged {
        tag: tag(&item),
        value: stored_config(item),
    }
}

/// The entity tag of a configuration.
pub(crate) fn tag(item: &Item) -> EntityTag {
    entity_tag(item, modelled_attributes())
}

fn is_modelled(name: &str) -> bool {
    name == VERSION_ATTRIBUTE || Field::from_name(name).is_some()
}

/// Whether the item is past its time to live.
pub(crate) fn is_expired(item: &Item, now: DateTime<Utc>) -> bool {
    item::is_expired(item, Field::Ttl.name(), now)
}
