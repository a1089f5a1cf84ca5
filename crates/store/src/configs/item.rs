//! Between configurations and DynamoDB's items.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use tenant_core::{
    Assumption, Change, ConfigKey, Cursor, EntityTag, Field, FieldData, FieldRole, FieldValue, LabelChanges, NewConfig,
    StoredConfig, VERSION_ATTRIBUTE,
    history::{LAST_CHANGE_ATTRIBUTE, LastChange},
};

use crate::{
    item::{self, Item, number, text, time},
    item_update::ItemUpdate,
    json::json_value,
    placeholders::Placeholders,
    tag::{Tagged, entity_tag},
};

/// The attributes that a configuration consists of. The entity tag covers them, and a conditional write binds to them.
pub(crate) fn modelled_attributes() -> impl Iterator<Item = &'static str> {
    Field::ALL.into_iter().map(Field::name).chain([VERSION_ATTRIBUTE])
}

/// The key of an item.
pub(crate) fn key(key: &ConfigKey) -> Item {
    key_of(key.tenant_id(), key.delivery_type())
}

/// The key of these two texts.
pub(crate) fn key_of(tenant_id: &str, delivery_type: &str) -> Item {
    Item::from([
        (Field::TenantId.name().to_owned(), text(tenant_id)),
        (Field::Type.name().to_owned(), text(delivery_type)),
    ])
}

/// The key after which a page starts.
pub(crate) fn start_key(cursor: &Cursor) -> Item {
    key_of(cursor.tenant_id(), cursor.delivery_type())
}

/// The cursor after an item.
pub(crate) fn cursor(item: &Item) -> Cursor {
    Cursor::new(key_text(item, Field::TenantId), key_text(item, Field::Type))
}

/// Whether this is the item of that type among those of a tenant.
pub(crate) fn has_type(item: &Item, delivery_type: &str) -> bool {
    key_text(item, Field::Type) == delivery_type
}

/// The key of an item as its two texts.
pub(crate) fn key_texts(item: &Item) -> (String, String) {
    let text = |field| key_text(item, field).to_owned();
    (text(Field::TenantId), text(Field::Type))
}

/// A part of the item's key, which always consists of two strings.
fn key_text(item: &Item, field: Field) -> &str {
    let value = item.get(field.name()).and_then(|value| value.as_s().ok());
    value.map(String::as_str).unwrap_or_default()
}

/// A new item: key, values, times, version and the change that created it.
pub(crate) fn new_item(config: &NewConfig, version: &str, by: &LastChange, now: DateTime<Utc>) -> Item {
    let mut item = key_of(config.tenant_id().as_str(), config.delivery_type().as_str());
    let values = config.clone().into_values().into_iter();
    item.extend(values.map(|value| (value.field().name().to_owned(), attribute(value))));
    item.insert(Field::CreatedAt.name().to_owned(), time(now));
    item.insert(Field::UpdatedAt.name().to_owned(), time(now));
    item.insert(VERSION_ATTRIBUTE.to_owned(), text(version));
    item.insert(LAST_CHANGE_ATTRIBUTE.to_owned(), last_change(by));
    item
}

/// The changes that an update makes to an item, which is at hand if it was read. `enabled` is stored even where the update
/// does not name it: a missing value means off, and stays off.
pub(crate) fn item_update(
    field_changes: &[Change],
    read: Option<&Item>,
    version: &str,
    by: &LastChange,
    now: DateTime<Utc>,
) -> ItemUpdate {
    let mut changes = bookkeeping(version, by, now);
    let mut names_enabled = false;
    for change in field_changes {
        names_enabled |= change.field() == Field::Enabled;
        match change {
            Change::Set(value) => changes.set.push((value.field().name(), attribute(value.clone()))),
            Change::Remove(field) => changes.remove.push(field.name()),
            Change::MergeLabels(labels) => {
                let stored = read.and_then(|item| item.get(change.field().name()));
                changes.set.push((change.field().name(), merged(stored, labels)));
            }
        }
    }
    if !names_enabled {
        changes
            .set_if_absent
            .push((Field::Enabled.name(), AttributeValue::Bool(false)));
    }
    changes
}

/// The value of `last_change` for this change.
pub(super) fn last_change(change: &LastChange) -> AttributeValue {
    let members = change.members().into_iter();
    AttributeValue::M(members.map(|(name, value)| (name.to_owned(), text(&value))).collect())
}

/// The changes that give an item exactly the fields of this configuration, whatever it has. Its key and the time of its
/// creation stay.
pub(crate) fn item_replacement(config: &NewConfig, version: &str, by: &LastChange, now: DateTime<Utc>) -> ItemUpdate {
    let mut changes = bookkeeping(version, by, now);
    let values = config.values().iter();
    changes
        .set
        .extend(values.map(|value| (value.field().name(), attribute(value.clone()))));
    let writable = Field::ALL
        .into_iter()
        .filter(|field| field.spec().role == FieldRole::Writable);
    let absent = writable.filter(|field| config.values().iter().all(|value| value.field() != *field));
    changes.remove.extend(absent.map(Field::name));
    changes
}

/// What every change of an item writes.
fn bookkeeping(version: &str, by: &LastChange, now: DateTime<Utc>) -> ItemUpdate {
    ItemUpdate {
        set: vec![
            (Field::UpdatedAt.name(), time(now)),
            (VERSION_ATTRIBUTE, text(version)),
            (LAST_CHANGE_ATTRIBUTE, last_change(by)),
        ],
        ..ItemUpdate::default()
    }
}

/// The stored labels after these changes. The others keep their attributes, in whatever form a person wrote them.
fn merged(stored: Option<&AttributeValue>, changes: &LabelChanges) -> AttributeValue {
    let stored = stored.and_then(|labels| labels.as_m().ok());
    let mut labels = stored.cloned().unwrap_or_default();
    for (key, value) in changes.iter() {
        match value {
            Some(value) => labels.insert(key.to_owned(), text(value)),
            None => labels.remove(key),
        };
    }
    AttributeValue::M(labels)
}

/// The attribute of a value.
fn attribute(value: FieldValue) -> AttributeValue {
    match value.into_data() {
        FieldData::Text(text) => AttributeValue::S(text),
        FieldData::Boolean(boolean) => AttributeValue::Bool(boolean),
        FieldData::Number(whole) => number(whole),
        FieldData::List(texts) => AttributeValue::L(texts.into_iter().map(AttributeValue::S).collect()),
        FieldData::Map(texts) => map(texts),
    }
}

fn map(texts: BTreeMap<String, String>) -> AttributeValue {
    let members = texts.into_iter().map(|(key, text)| (key, AttributeValue::S(text)));
    AttributeValue::M(members.collect())
}

/// "The item is as the update assumes".
pub(crate) fn holds(assumption: Assumption<'_>, placeholders: &mut Placeholders) -> String {
    match assumption {
        Assumption::HasText(field, value) => placeholders.equals(field.name(), text(value)),
        // Not every text that is not blank, but every valid one. For others the update is resolved against the item.
        Assumption::HasAnyText(field) => placeholders.begins_visibly(field.name()),
        Assumption::LacksText(field, value) => placeholders.differs(field.name(), text(value)),
        Assumption::LacksSet(field, values) => placeholders.differs(field.name(), AttributeValue::Ss(values.to_vec())),
        Assumption::Meets(requirement) => {
            placeholders.contradicts_nothing(requirement.field().name(), requirement.contradictions())
        }
        Assumption::IsNotNull(field) => placeholders.differs(field.name(), AttributeValue::Null(true)),
        Assumption::IsAbsentOr(field, None) => placeholders.is_absent(field.name()),
        Assumption::IsAbsentOr(field, Some(texts)) => placeholders.is_absent_or(field.name(), map(texts.clone())),
        // Every item has a key.
        Assumption::Never => placeholders.is_absent(Field::TenantId.name()),
    }
}

/// Reads an item, whether this service or a person wrote it.
pub(crate) fn stored_config(item: Item) -> StoredConfig {
    let modelled = item.into_iter().filter(|(name, _)| is_modelled(name));
    StoredConfig::from_attributes(modelled.map(|(name, attribute)| (name, json_value(attribute))))
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
