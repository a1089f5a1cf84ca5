//! Items and records as the stream has them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tenant_core::{
    ConfigKey,
    history::{ChangeKind, Entry, Image, LAST_CHANGE_ATTRIBUTE, LastChange, Record, Revision, UserIdentity},
};

/// 2023-11-14T22:13:20Z
pub(crate) const NOW: i64 = 1_700_000_000;

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(crate) fn key() -> ConfigKey {
    ConfigKey::new("acme", "s3").unwrap()
}

/// An item with these attributes, in DynamoDB's JSON, beside its key.
pub(crate) fn item(attributes: Value) -> Image {
    let mut item = json!({"tenant_id": {"S": "acme"}, "type": {"S": "s3"}});
    let Value::Object(attributes) = attributes else {
        unreachable!("the tests pass objects")
    };
    for (name, value) in attributes {
        item[name] = value;
    }
    Image::from_json(item).unwrap()
}

/// The item with another attribute.
pub(crate) fn with(image: &Image, name: &str, attribute: Value) -> Image {
    let attributes = image.iter().map(|(name, value)| (name.to_owned(), value.clone()));
    Image::new(attributes.chain([(name.to_owned(), attribute)]))
}

/// The item without an attribute.
pub(crate) fn without(image: &Image, name: &str) -> Image {
    let attributes = image.iter().filter(|(found, _)| *found != name);
    Image::new(attributes.map(|(name, value)| (name.to_owned(), value.clone())))
}

/// The item as a request left it.
pub(crate) fn by_request(image: &Image, request_id: &str, kind: ChangeKind) -> Image {
    with(
        image,
        LAST_CHANGE_ATTRIBUTE,
        last_change(request_id, kind).to_attribute(),
    )
}

pub(crate) fn last_change(request_id: &str, kind: ChangeKind) -> LastChange {
    LastChange {
        request_id: request_id.to_owned(),
        kind,
        key: Some("current:1".to_owned()),
        at: at(NOW),
        note: None,
        cause: None,
        restored_from: None,
    }
}

pub(crate) fn revision(sequence_number: u64, seconds: i64) -> Revision {
    Revision::from_record("2023-11-01T00:00:00.000", &sequence_number.to_string(), at(seconds)).unwrap()
}

pub(crate) fn record(sequence_number: u64, seconds: i64, old: Option<&Image>, new: Option<&Image>) -> Record {
    Record {
        key: key(),
        revision: revision(sequence_number, seconds),
        old: old.cloned(),
        new: new.cloned(),
        identity: None,
    }
}

pub(crate) fn entry(old: Option<&Image>, new: Option<&Image>) -> Entry {
    record(1, NOW, old, new).into_entry(at(NOW + 1)).unwrap()
}

pub(crate) fn ttl_identity() -> UserIdentity {
    UserIdentity {
        kind: "Service".to_owned(),
        principal_id: "dynamodb.amazonaws.com".to_owned(),
    }
}
