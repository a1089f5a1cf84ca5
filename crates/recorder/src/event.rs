//! The events of the function.
//!
//! `aws_lambda_events` has types for the stream's, but fails a whole batch for one odd record, and would bring
//! `serde_dynamo` and a second form of attributes along (`docs/decisions/0003-own-stream-event.md`).

use chrono::{DateTime, Utc};
use lambda::HandlerError;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tenant_core::{
    ConfigKey, Field,
    history::{Image, Record, Revision, UserIdentity},
};

/// What the function is asked to do.
#[derive(Debug)]
pub(crate) enum Event {
    /// Record these records of the stream, in this order.
    Records(Vec<StreamRecord>),
    /// Compare the table with the history.
    Reconcile {
        /// The ARN of the stream whose records are delivered, if the caller knows it.
        stream: Option<String>,
    },
}

/// A record of the stream.
#[derive(Debug)]
pub(crate) struct StreamRecord {
    /// The name under which Lambda knows it.
    pub(crate) sequence_number: String,
    pub(crate) key: ConfigKey,
    pub(crate) revision: Revision,
    /// `None` if the items are not what a record may contain.
    pub(crate) content: Option<Record>,
}

#[derive(Deserialize)]
struct RawEvent<'a> {
    #[serde(rename = "Records", borrow)]
    records: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    reconcile: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawComparison {
    stream: Option<String>,
}

/// What every record has. The images are read later: whatever is wrong with them, the record has a name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRecord<'a> {
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
    #[serde(borrow)]
    dynamodb: RawChange<'a>,
    #[serde(borrow)]
    user_identity: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawChange<'a> {
    keys: Value,
    sequence_number: String,
    /// In seconds since 1970. Optional in the API's reference, although every record has it.
    approximate_creation_date_time: Option<f64>,
    #[serde(borrow)]
    new_image: Option<&'a RawValue>,
    #[serde(borrow)]
    old_image: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawIdentity {
    #[serde(rename = "type")]
    kind: String,
    principal_id: String,
}

/// Between the stream's name and its label in an ARN.
const STREAM: &str = "/stream/";
/// As seconds the year 5138, as milliseconds 1973. Kinesis has milliseconds in the same field.
const FIRST_MILLISECONDS: f64 = 1e11;

impl Event {
    /// Fails for what neither Lambda nor the schedule sends: then there is nothing to record. Lambda repeats such an
    /// event, and keeps its records in the end.
    pub(crate) fn parse(event: &[u8]) -> Result<Self, HandlerError> {
        let event: RawEvent<'_> = serde_json::from_slice(event).map_err(|error| malformed(&error))?;
        match (event.records, event.reconcile) {
            (Some(records), None) => {
                let now = Utc::now();
                let records: Result<_, _> = records
                    .into_iter()
                    .map(|record| StreamRecord::parse(record, now))
                    .collect();
                Ok(Self::Records(records?))
            }
            (None, Some(request)) => {
                // A person may write anything here to ask for a comparison.
                let request: Option<RawComparison> = serde_json::from_str(request.get()).ok();
                Ok(Self::Reconcile {
                    stream: request.and_then(|request| request.stream),
                })
            }
            _ => Err(invalid("the event has neither Records nor reconcile")),
        }
    }
}

impl StreamRecord {
    fn parse(record: &RawValue, now: DateTime<Utc>) -> Result<Self, HandlerError> {
        let record: RawRecord<'_> = serde_json::from_str(record.get()).map_err(|error| malformed(&error))?;
        let change = record.dynamodb;
        let key = key(&change.keys).ok_or_else(|| invalid("a record has another key than the table"))?;
        let label = record.event_source_arn.rsplit_once(STREAM).map(|(_, label)| label);
        let changed_at = change.approximate_creation_date_time.and_then(time).unwrap_or(now);
        let revision = Revision::from_record(label.unwrap_or_default(), &change.sequence_number, changed_at)
            .map_err(|error| invalid(&error.to_string()))?;
        let content = (|| {
            Some(Record {
                key: key.clone(),
                revision: revision.clone(),
                old: image(change.old_image)?,
                new: image(change.new_image)?,
                identity: record.user_identity.and_then(identity),
            })
        })();
        Ok(Self {
            sequence_number: change.sequence_number,
            key,
            revision,
            content,
        })
    }
}

/// `None` if it is not an item.
#[expect(clippy::option_option, reason = "unreadable, or absent")]
fn image(json: Option<&RawValue>) -> Option<Option<Image>> {
    match json {
        None => Some(None),
        Some(json) => Image::from_json(serde_json::from_str(json.get()).ok()?).map(Some),
    }
}

fn key(keys: &Value) -> Option<ConfigKey> {
    let part = |field: Field| keys.get(field.name())?.get("S")?.as_str();
    ConfigKey::new(part(Field::TenantId)?, part(Field::Type)?).ok()
}

/// An identity of another form is not that of the service.
fn identity(json: &RawValue) -> Option<UserIdentity> {
    let identity: RawIdentity = serde_json::from_str(json.get()).ok()?;
    Some(UserIdentity {
        kind: identity.kind,
        principal_id: identity.principal_id,
    })
}

fn time(number: f64) -> Option<DateTime<Utc>> {
    let seconds = if number < FIRST_MILLISECONDS {
        number
    } else {
        number / 1000.0
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number that is too large saturates, and is not a time"
    )]
    let seconds = seconds as i64;
    DateTime::from_timestamp(seconds, 0)
}

/// Where parsing stopped, without quoting anything.
fn malformed(error: &serde_json::Error) -> HandlerError {
    let (line, column) = (error.line(), error.column());
    invalid(&format!(
        "the event is not one of the stream: parsing stopped at line {line}, column {column}"
    ))
}

fn invalid(message: &str) -> HandlerError {
    HandlerError::new("InvalidEvent", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Value {
        json!({
            "eventID": "f07f8ca4b0b26cb9c4e5e77e69f274ee", "eventName": "MODIFY", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "userIdentity": null,
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000,
                "Keys": {"tenant_id": {"S": "acme"}, "type": {"S": "s3"}},
                "NewImage": {"tenant_id": {"S": "acme"}, "type": {"S": "s3"}, "ttl": {"N": "1E+100"}},
                "OldImage": null,
                "SequenceNumber": "4421584500000000017450439091", "SizeBytes": 59, "StreamViewType": "NEW_AND_OLD_IMAGES"
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/a/stream/2015-05-11T21:21:33.291"
        })
    }

    fn parse(records: &[Value]) -> Result<Vec<StreamRecord>, HandlerError> {
        match Event::parse(json!({ "Records": records }).to_string().as_bytes())? {
            Event::Records(records) => Ok(records),
            Event::Reconcile { .. } => unreachable!("it has records"),
        }
    }

    #[test]
    fn record_has_its_name_its_time_and_its_items() {
        let [record] = &parse(&[record()]).unwrap()[..] else {
            panic!("one record")
        };
        assert_eq!(record.sequence_number, "4421584500000000017450439091");
        assert_eq!(record.revision.changed_at().timestamp(), 1_700_000_000);
        let content = record.content.as_ref().unwrap();
        assert_eq!((content.key.tenant_id(), content.key.delivery_type()), ("acme", "s3"));
        assert_eq!((&content.old, &content.identity), (&None, &None));
        let new = content.new.as_ref().unwrap();
        assert_eq!(new.get("ttl"), Some(&json!({"N": "1E+100"})));
    }

    #[test]
    fn identity_of_the_service_is_read_and_any_other_form_ignored() {
        let mut deletion = record();
        deletion["userIdentity"] = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        let records = parse(&[deletion.clone()]).unwrap();
        assert!(records[0].content.as_ref().unwrap().identity.as_ref().unwrap().is_ttl());
        for identity in [json!({}), json!("Service"), json!({"type": 1, "principalId": []})] {
            deletion["userIdentity"] = identity;
            let records = parse(&[deletion.clone()]).unwrap();
            assert_eq!(records[0].content.as_ref().unwrap().identity, None);
        }
    }

    #[test]
    fn items_that_are_nonsense_leave_the_record_its_name() {
        let deep = format!("{}1{}", r#"{"L":["#.repeat(200), "]}".repeat(200));
        for image in ["1", "\"a\"", "[]", &format!("{{\"a\":{deep}}}")] {
            let event = json!({ "Records": [record()] }).to_string();
            let event = event.replace(r#""OldImage":null"#, &format!(r#""OldImage":{image}"#));
            let Event::Records(records) = Event::parse(event.as_bytes()).unwrap() else {
                panic!("records")
            };
            assert_eq!(records[0].sequence_number, "4421584500000000017450439091");
            assert_eq!(records[0].content, None);
        }
    }

    #[test]
    fn time_may_be_absent_or_in_milliseconds() {
        let seconds = |time: Value| {
            let mut record = record();
            record["dynamodb"]["ApproximateCreationDateTime"] = time;
            parse(&[record]).unwrap()[0].revision.changed_at().timestamp()
        };
        for time in [json!(1_700_000_000.9), json!(1_700_000_000_900_i64), json!(1.7e9)] {
            assert_eq!(seconds(time), 1_700_000_000);
        }
        for time in [json!(null), json!(1e300)] {
            assert!(seconds(time.clone()).abs_diff(Utc::now().timestamp()) < 60, "{time}");
        }
    }

    #[test]
    fn what_nobody_sends_is_an_invalid_event_that_quotes_nothing() {
        let with = |pointer: &str, value: Value| {
            let mut record = record();
            *record.pointer_mut(pointer).unwrap() = value;
            json!({ "Records": [record] })
        };
        for event in [
            json!({}),
            json!("secret"),
            json!({"Records": null}),
            json!({"Records": "secret"}),
            json!({"Records": [], "reconcile": {}}),
            json!({"Records": [{"secret": 1}]}),
            with("/eventSourceARN", json!("arn:secret")),
            with("/eventSourceARN", json!("arn:a/stream/secret")),
            with("/dynamodb/SequenceNumber", json!("secret")),
            with("/dynamodb/Keys", json!({"tenant_id": {"S": "secret"}})),
            with("/dynamodb/Keys/type", json!({"N": "1"})),
        ] {
            let error = Event::parse(event.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.kind, "InvalidEvent", "{event}");
            assert!(!error.message.contains("secret"), "{error}");
        }
        assert!(Event::parse(b"not json").is_err());
    }

    #[test]
    fn comparison_is_asked_for_by_its_name() {
        for event in [r#"{"reconcile":{}}"#, r#"{"reconcile":true,"more":1}"#] {
            assert!(matches!(
                Event::parse(event.as_bytes()),
                Ok(Event::Reconcile { stream: None })
            ));
        }
    }
}
