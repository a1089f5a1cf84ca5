//! The event with which Lambda invokes a function for the records of a table's stream, in JSON.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use dynoxide::{
    Item,
    actions::get_records::{Record, UserIdentity},
};
use serde::Serialize;

/// Lambda's limit on the payload of an invocation: 6 MB.
const MAX_BYTES: usize = 6 * 1024 * 1024;

/// An event that is being written.
pub(super) struct EventWriter(Vec<u8>);

/// Where a record comes from, which its database does not know.
pub(super) struct Origin<'a> {
    pub(super) region: &'a str,
    pub(super) stream_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventRecord<'a> {
    #[serde(rename = "eventID")]
    event_id: &'a str,
    event_name: &'a str,
    event_version: &'a str,
    event_source: &'a str,
    aws_region: &'a str,
    dynamodb: Change<'a>,
    /// Only of what the service does by itself: the deletion of expired items.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<&'a UserIdentity>,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change<'a> {
    /// In seconds since 1970.
    approximate_creation_date_time: i64,
    keys: &'a Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_image: Option<&'a Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_image: Option<&'a Item>,
    sequence_number: &'a str,
    size_bytes: i64,
    stream_view_type: &'a str,
}

impl EventWriter {
    pub(super) fn new() -> Self {
        Self(br#"{"Records":["#.to_vec())
    }

    /// Adds a record. Returns whether it fits: the first one always does, since items have a limit.
    pub(super) fn push(&mut self, record: &Record, origin: &Origin<'_>) -> serde_json::Result<bool> {
        let Self(bytes) = self;
        let before = bytes.len();
        let is_first = bytes.ends_with(b"[");
        if !is_first {
            bytes.push(b',');
        }
        serde_json::to_writer(&mut *bytes, &EventRecord::new(record, origin))?;
        let fits = is_first || bytes.len() + b"]}".len() <= MAX_BYTES;
        if !fits {
            bytes.truncate(before);
        }
        Ok(fits)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend(b"]}");
        self.0
    }
}

impl<'a> EventRecord<'a> {
    fn new(record: &'a Record, origin: &Origin<'a>) -> Self {
        let change = &record.dynamodb;
        Self {
            event_id: &record.event_id,
            event_name: &record.event_name,
            event_version: &record.event_version,
            event_source: &record.event_source,
            aws_region: origin.region,
            dynamodb: Change {
                #[expect(clippy::cast_possible_truncation, reason = "the database keeps whole seconds")]
                approximate_creation_date_time: change.approximate_creation_date_time as i64,
                keys: &change.keys,
                new_image: change.new_image.as_ref(),
                old_image: change.old_image.as_ref(),
                sequence_number: &change.sequence_number,
                size_bytes: change.size_bytes,
                stream_view_type: &change.stream_view_type,
            },
            user_identity: record.user_identity.as_ref(),
            event_source_arn: origin.stream_arn,
        }
    }
}
