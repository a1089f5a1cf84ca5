//! Between entries and DynamoDB's items.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tenant_core::{
    ConfigKey, Field, VERSION_ATTRIBUTE,
    history::{Actor, Before, Entry, Event, FeedCursor, Image, Images, LastChange, Retention, Revision},
};

use crate::item::{Item, number, text, time};

/// The sort key.
pub(super) const POSITION: &str = "position";
/// The time to live.
pub(super) const EXPIRES_AT: &str = "expires_at";
/// The day of recording.
pub(super) const RECORDED_DAY: &str = "recorded_day";
/// The place in a feed.
pub(super) const RECORDED: &str = "recorded";
pub(super) const EVENT: &str = "event";

const TENANT_ID: &str = Field::TenantId.name();
const TYPE: &str = Field::Type.name();
const REVISION: &str = "revision";
const ACTOR: &str = "actor";
/// In the map of the actor.
const ACTOR_TYPE: &str = "type";
/// For people: the revision has it, too.
const CHANGED_AT: &str = "changed_at";
const RECORDED_AT: &str = "recorded_at";
/// How much of the item there is.
const IMAGES: &str = "images";
/// The item after the change, as JSON that `aws dynamodb put-item --item` takes. Absent where there is no item.
const AFTER: &str = "after";
/// The attributes that were different before, as JSON; null for one that the item did not have, and null as a whole
/// where there was no item. Absent where nobody knows.
const BEFORE: &str = "before";
/// The names of the attributes that changed, as JSON, where their values are too large.
const CHANGED: &str = "changed";

const WHOLE: &str = "whole";
const MODELLED: &str = "modelled";
const NAMES: &str = "names";
const TRUNCATED: &str = "truncated";

/// Separates the parts of a position. No type key contains it, nor any other character before it.
const SEPARATOR: char = '#';
/// After every revision, and before every type key that is longer.
const AFTER_REVISIONS: &str = "#~";
/// A longer type is hashed: a sort key has 1,024 bytes at most.
const MAX_PLAIN_TYPE_BYTES: usize = 128;

/// The key of a position.
pub(super) fn key(tenant_id: &str, position: &str) -> Item {
    Item::from([
        (TENANT_ID.to_owned(), text(tenant_id)),
        (POSITION.to_owned(), text(position)),
    ])
}

/// The first part of the positions of a configuration. A person may write a type with any characters, so one that could
/// be confused with another, or is too long, is hashed.
fn type_key(delivery_type: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if delivery_type.len() <= MAX_PLAIN_TYPE_BYTES && delivery_type.bytes().all(is_plain) {
        delivery_type.to_owned()
    } else {
        format!(".{}", hex::encode(Sha256::digest(delivery_type)))
    }
}

/// Where the entry is among those of its tenant.
pub(super) fn position(delivery_type: &str, revision: &Revision) -> String {
    format!("{}{SEPARATOR}{}", type_key(delivery_type), revision.by_time())
}

/// A text before the positions of a configuration's changes from this second on, and after those of earlier ones.
pub(super) fn position_at(delivery_type: &str, second: DateTime<Utc>) -> String {
    format!("{}{SEPARATOR}{}", type_key(delivery_type), Revision::time_text(second))
}

/// A text before all positions of a configuration.
pub(super) fn first_position(delivery_type: &str) -> String {
    format!("{}{SEPARATOR}", type_key(delivery_type))
}

/// A text after all positions of a configuration, and before those of the next one.
pub(super) fn last_position(delivery_type: &str) -> String {
    format!("{}{AFTER_REVISIONS}", type_key(delivery_type))
}

/// Whether the item is an entry, and not one for the recording itself.
pub(super) fn is_entry(item: &Item) -> bool {
    text_of(item, POSITION).is_some_and(|position| !position.starts_with(SEPARATOR))
}

/// The configuration whose entry this is.
pub(super) fn config_key(item: &Item) -> Option<ConfigKey> {
    ConfigKey::new(text_of(item, TENANT_ID)?, text_of(item, TYPE)?).ok()
}

/// The item of an entry.
pub(super) fn from_entry(entry: &Entry, retention: Retention) -> Item {
    let (tenant_id, delivery_type) = (entry.key.tenant_id(), entry.key.delivery_type());
    let recorded = FeedCursor::for_entry(entry);
    let mut item = key(tenant_id, &position(delivery_type, &entry.revision));
    let mut insert = |name: &str, value| item.insert(name.to_owned(), value);
    insert(TYPE, text(delivery_type));
    insert(REVISION, text(&entry.revision.to_string()));
    insert(EVENT, text(entry.event.as_str()));
    insert(ACTOR, actor_map(&entry.actor));
    insert(CHANGED_AT, time(entry.changed_at()));
    insert(
        RECORDED_AT,
        text(&entry.recorded_at.to_rfc3339_opts(SecondsFormat::Millis, true)),
    );
    insert(RECORDED_DAY, text(&recorded.day().to_string()));
    insert(RECORDED, text(recorded.as_str()));
    if let Some(version) = &entry.version {
        insert(VERSION_ATTRIBUTE, text(version));
    }
    if let Some(seconds) = retention.expires_at(entry.changed_at()) {
        insert(EXPIRES_AT, number(seconds));
    }
    let kind = match &entry.images {
        Images::Whole { .. } => WHOLE,
        Images::Modelled { .. } => MODELLED,
        Images::Names(_) => NAMES,
        Images::Truncated => TRUNCATED,
    };
    insert(IMAGES, text(kind));
    match &entry.images {
        Images::Whole { after, before } | Images::Modelled { after, before } => {
            if let Some(after) = after {
                insert(AFTER, json_text(after));
            }
            match before {
                Before::Absent => drop(insert(BEFORE, json_text(&None::<()>))),
                Before::Values(values) => drop(insert(BEFORE, json_text(values))),
                Before::Unknown => {}
            }
        }
        Images::Names(names) => drop(insert(CHANGED, json_text(names))),
        Images::Truncated => {}
    }
    item
}

/// Whether the item has the key of this entry.
pub(super) fn is_of(item: &Item, entry: &Entry) -> bool {
    text_of(item, TENANT_ID) == Some(entry.key.tenant_id())
        && text_of(item, POSITION) == Some(&position(entry.key.delivery_type(), &entry.revision))
}

/// Reads an item. `None` if a person changed it so that it is not an entry any more.
pub(super) fn to_entry(item: &Item) -> Option<Entry> {
    let recorded_at = DateTime::parse_from_rfc3339(text_of(item, RECORDED_AT)?).ok()?;
    Some(Entry {
        key: config_key(item)?,
        revision: text_of(item, REVISION)?.parse().ok()?,
        event: Event::from_name(text_of(item, EVENT)?)?,
        actor: actor(item.get(ACTOR)?.as_m().ok()?)?,
        recorded_at: recorded_at.to_utc(),
        version: text_of(item, VERSION_ATTRIBUTE).map(str::to_owned),
        images: images(item)?,
    })
}

/// The length of an entry's images as JSON, without parsing them.
pub(super) fn json_bytes(item: &Item) -> usize {
    let texts = [AFTER, BEFORE, CHANGED].map(|name| text_of(item, name).map_or(0, str::len));
    texts.iter().sum()
}

/// A text attribute.
pub(super) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn images(item: &Item) -> Option<Images> {
    match text_of(item, IMAGES)? {
        WHOLE => Some(Images::Whole {
            after: after(item)?,
            before: before(item)?,
        }),
        MODELLED => Some(Images::Modelled {
            after: after(item)?,
            before: before(item)?,
        }),
        NAMES => serde_json::from_str(text_of(item, CHANGED)?).map(Images::Names).ok(),
        TRUNCATED => Some(Images::Truncated),
        _ => None,
    }
}

#[expect(clippy::option_option, reason = "unreadable, or of a deletion")]
fn after(item: &Item) -> Option<Option<Image>> {
    match text_of(item, AFTER) {
        Some(json) => Image::from_json(serde_json::from_str(json).ok()?).map(Some),
        None => Some(None),
    }
}

fn before(item: &Item) -> Option<Before> {
    let Some(json) = text_of(item, BEFORE) else {
        return Some(Before::Unknown);
    };
    let values: Option<BTreeMap<String, Option<Value>>> = serde_json::from_str(json).ok()?;
    Some(values.map_or(Before::Absent, Before::Values))
}

fn actor_map(actor: &Actor) -> AttributeValue {
    let mut members = Item::from([(ACTOR_TYPE.to_owned(), text(actor.kind()))]);
    match actor {
        Actor::Api(change) => {
            let change = change.members().into_iter();
            members.extend(change.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))));
        }
        Actor::Ttl | Actor::Direct => {}
    }
    AttributeValue::M(members)
}

fn actor(members: &Item) -> Option<Actor> {
    let kind = text_of(members, ACTOR_TYPE)?;
    let request = || LastChange::from_members(|name| text_of(members, name)).map(Actor::Api);
    [Actor::Ttl, Actor::Direct]
        .into_iter()
        .find(|actor| actor.kind() == kind)
        .or_else(request)
}

/// JSON of strings, lists and maps by strings does not fail.
fn json_text(value: &impl Serialize) -> AttributeValue {
    AttributeValue::S(serde_json::to_string(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenant_core::history::{ChangeKind, Record};

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn revision(seconds: i64) -> Revision {
        Revision::from_record("2023-11-01T00:00:00.000", "123456789012345678901", at(seconds)).unwrap()
    }

    fn image(json: Value) -> Image {
        Image::from_json(json).unwrap()
    }

    #[test]
    fn positions_of_one_type_are_apart_from_those_of_every_other() {
        let long = "t".repeat(1024);
        let types = [
            "s3", "s3-x", "s3_", "s30", "s3#0", "s3#~", "s3.", "s3 ", "S3", "~", ".", "#", "\u{e9}", "\u{0}", &long,
        ];
        for one in types {
            let position = position(one, &revision(1_700_000_000));
            assert!(position.len() < 200, "{position}");
            assert!(!position.starts_with(SEPARATOR));
            for other in types {
                let bounds = first_position(other)..last_position(other);
                assert_eq!(bounds.contains(&position), one == other, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn time_is_a_place_among_the_positions() {
        let position = position("s3", &revision(1_700_000_000));
        assert!(position_at("s3", at(1_700_000_000)) < position && position < position_at("s3", at(1_700_000_001)));
    }

    #[test]
    fn entry_is_read_as_it_is_written() {
        let change = LastChange {
            request_id: "r-1".to_owned(),
            kind: ChangeKind::Restore,
            key: Some("current:1".to_owned()),
            at: at(1_700_000_000),
            note: Some("back".parse().unwrap()),
            cause: None,
            restored_from: Some(revision(1)),
        };
        let item = image(json!({
            "tenant_id": {"S": "acme"}, "type": {"S": "s3"}, "version": {"S": "v1"}, "last_change": change.to_attribute(),
            "odd": {"L": [{"B": "AQI="}, {"NS": ["1E+100"]}, {"M": {"": {"NULL": true}}}]}
        }));
        let huge = |name: &str, letter: &str| {
            let mut item: serde_json::Map<_, _> = item.clone().into();
            item.insert(name.to_owned(), json!({ "S": letter.repeat(250_000) }));
            image(item.into())
        };
        for (old, new) in [
            (None, Some(item.clone())),
            (Some(item.clone()), None),
            (Some(image(json!({"tenant_id": {"S": "acme"}}))), Some(item.clone())),
            (Some(huge("note", "a")), Some(huge("note", "b"))),
            (Some(huge("bucket_name", "a")), Some(huge("bucket_name", "b"))),
            (None, None),
        ] {
            let record = Record {
                key: ConfigKey::new("acme", "s3").unwrap(),
                revision: revision(1_700_000_000),
                old,
                new,
                identity: None,
            };
            let entry = record.into_entry(at(1_700_000_001)).unwrap();
            let written = from_entry(&entry, "10".parse().unwrap());
            assert_eq!(written[EXPIRES_AT], number(1_700_864_000));
            assert_eq!(to_entry(&written).as_ref(), Some(&entry));
            let observed = Entry::observed(entry.key.clone(), None, Some(item.clone()), at(1_700_000_001));
            let written = from_entry(&observed, Retention::FOR_EVER);
            assert_eq!((to_entry(&written), written.get(EXPIRES_AT)), (Some(observed), None));
        }
    }

    #[test]
    fn item_that_a_person_changed_is_not_an_entry() {
        let entry = Entry::observed(ConfigKey::new("acme", "s3").unwrap(), None, None, at(1_700_000_001));
        let written = from_entry(&entry, Retention::FOR_EVER);
        for name in [TYPE, REVISION, EVENT, ACTOR, RECORDED_AT, IMAGES] {
            let mut item = written.clone();
            item.insert(name.to_owned(), text("changed"));
            // Any text is a type.
            assert_eq!(to_entry(&item).is_some(), name == TYPE, "{name}");
            item.remove(name);
            assert_eq!(to_entry(&item), None, "{name}");
        }
    }
}
