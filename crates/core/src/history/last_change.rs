//! The attribute in which a write of this service names itself.

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::{attribute, image::Image, revision::Revision};
use crate::violation::{ErrorCode, Violation};

/// The name of the attribute. Log processors ignore it, as all attributes that they do not know.
pub const LAST_CHANGE_ATTRIBUTE: &str = "last_change";
/// The member of the map that says what the request did.
pub const LAST_CHANGE_KIND: &str = "kind";

named_enum! {
    /// What a write of this service was for.
    pub enum ChangeKind -> as_str {
        /// A creation.
        Create = "create",
        /// An update.
        Update = "update",
        /// A deletion. On an item that still exists, the mark that precedes it.
        Delete = "delete",
        /// The restoration of an earlier revision.
        Restore = "restore",
        /// An operation of a batch.
        Batch = "batch",
        /// A step of the rollout of a template.
        Rollout = "rollout",
    }
}

/// Who made the last change of an item through this service: a map of strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastChange {
    /// The request, by the id that its client knows. Two changes never share one, unless they are operations of one
    /// batch.
    pub request_id: String,
    /// What the change was for.
    pub kind: ChangeKind,
    /// The key that signed the request, as `current:3`.
    pub key: Option<String>,
    /// When the request was handled.
    pub at: DateTime<Utc>,
    /// What the client says about the change.
    pub note: Option<ChangeNote>,
    /// What made the service change it, such as `rollout:ID`.
    pub cause: Option<String>,
    /// The revision that was restored.
    pub restored_from: Option<Revision>,
}

/// What a client says about a change: 1 to 256 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNote(String);

const REQUEST_ID: &str = "request_id";
const KEY: &str = "key";
const AT: &str = "at";
const NOTE: &str = "note";
const CAUSE: &str = "cause";
const RESTORED_FROM: &str = "restored_from";

/// A longer text is not one that this service wrote, and would make entries as large as a person likes.
const MAX_TEXT_BYTES: usize = 256;

impl LastChange {
    /// The members of the map.
    #[must_use]
    pub fn members(&self) -> Vec<(&'static str, String)> {
        let always = [
            (REQUEST_ID, self.request_id.clone()),
            (LAST_CHANGE_KIND, self.kind.to_string()),
            (AT, self.at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        ];
        let optional = [
            (KEY, self.key.clone()),
            (NOTE, self.note.as_ref().map(|note| note.as_str().to_owned())),
            (CAUSE, self.cause.clone()),
            (RESTORED_FROM, self.restored_from.as_ref().map(ToString::to_string)),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(name, text)| text.map(|text| (name, text)));
        always.into_iter().chain(optional).collect()
    }

    /// Reads the members of the map. `None` if this service did not write it: then nobody named themselves.
    #[must_use]
    pub fn from_members<'a>(member: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let text = |name| member(name).filter(|text| (1..=MAX_TEXT_BYTES).contains(&text.len()));
        Some(Self {
            request_id: text(REQUEST_ID)?.to_owned(),
            kind: ChangeKind::from_name(text(LAST_CHANGE_KIND)?)?,
            key: text(KEY).map(str::to_owned),
            at: DateTime::parse_from_rfc3339(text(AT)?).ok()?.to_utc(),
            note: member(NOTE).and_then(|note| note.parse().ok()),
            cause: text(CAUSE).map(str::to_owned),
            restored_from: text(RESTORED_FROM).and_then(|revision| revision.parse().ok()),
        })
    }

    /// Reads the attribute of an item.
    pub(super) fn read(image: &Image) -> Option<Self> {
        let members = image.get(LAST_CHANGE_ATTRIBUTE).and_then(attribute::members)?;
        Self::from_members(|name| members.get(name).and_then(attribute::text))
    }

    /// The attribute in DynamoDB's JSON.
    #[must_use]
    pub fn to_attribute(&self) -> Value {
        let members = self.members().into_iter();
        let members: Value = members
            .map(|(name, text)| (name.to_owned(), serde_json::json!({ "S": text })))
            .collect();
        serde_json::json!({ "M": members })
    }
}

impl ChangeNote {
    /// The maximum length in characters.
    pub const MAX_CHARS: usize = 256;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChangeNote {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            Err(Violation::new(ErrorCode::Empty, "must not be empty"))
        } else if text.chars().count() > Self::MAX_CHARS {
            Err(Violation::new(
                ErrorCode::TooLong,
                "must be at most 256 characters long",
            ))
        } else if text.chars().any(char::is_control) {
            Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must not contain control characters",
            ))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> LastChange {
        LastChange {
            request_id: "r-1".to_owned(),
            kind: ChangeKind::Restore,
            key: Some("current:3".to_owned()),
            at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
            note: Some("back to Monday".parse().unwrap()),
            cause: Some("rollout:7".to_owned()),
            restored_from: Some(Revision::observed_after(None, DateTime::UNIX_EPOCH)),
        }
    }

    fn item(attribute: &Value) -> Image {
        Image::from_json(json!({ LAST_CHANGE_ATTRIBUTE: attribute })).unwrap()
    }

    #[test]
    fn attribute_is_read_as_it_is_written() {
        let small = LastChange {
            key: None,
            note: None,
            cause: None,
            restored_from: None,
            ..full()
        };
        assert_eq!(small.members().len(), 3);
        for change in [full(), small] {
            assert_eq!(LastChange::read(&item(&change.to_attribute())), Some(change));
        }
    }

    #[test]
    fn attribute_that_a_person_wrote_names_nobody() {
        let valid = full().to_attribute();
        let long = "r".repeat(257);
        for (name, text) in [
            ("request_id", ""),
            ("request_id", &long),
            ("kind", "patch"),
            ("at", "today"),
        ] {
            let mut attribute = valid.clone();
            attribute["M"][name] = json!({ "S": text });
            assert_eq!(LastChange::read(&item(&attribute)), None, "{name}: {text}");
        }
        for attribute in [
            json!({"S": "me"}),
            json!({"M": {}}),
            json!({"M": {"request_id": {"N": "1"}}}),
        ] {
            assert_eq!(LastChange::read(&item(&attribute)), None, "{attribute}");
        }
        assert_eq!(LastChange::read(&Image::default()), None);
    }

    #[test]
    fn invalid_text_beside_a_request_is_left_out() {
        let mut attribute = full().to_attribute();
        for name in ["key", "cause", "note", "restored_from"] {
            attribute["M"][name] = json!({ "S": "x".repeat(1000) });
        }
        let read = LastChange::read(&item(&attribute)).unwrap();
        assert_eq!(
            (read.key, read.cause, read.note, read.restored_from),
            (None, None, None, None)
        );
    }

    #[test]
    fn note_is_a_line_of_256_characters() {
        assert!("\u{e9}".repeat(256).parse::<ChangeNote>().is_ok());
        for (note, code) in [
            (String::new(), ErrorCode::Empty),
            ("n".repeat(257), ErrorCode::TooLong),
            ("two\nlines".to_owned(), ErrorCode::InvalidFormat),
        ] {
            assert_eq!(note.parse::<ChangeNote>().unwrap_err().code, code);
        }
    }
}
