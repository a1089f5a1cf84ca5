//! The events of the function.

use lambda::HandlerError;
use serde::Deserialize;
use serde_json::value::RawValue;
use tenant_store::webhooks::WakeUp;

/// What the function is asked to do.
#[derive(Debug)]
pub(crate) enum Event {
    /// Work on these messages of the queue.
    Messages(Vec<Message>),
    /// Find what is due.
    Sweep,
}

/// A message of the queue.
#[derive(Debug)]
pub(crate) struct Message {
    /// The name under which SQS knows it.
    pub(crate) id: String,
    /// What it points to. `None` if it is not a message of this service.
    pub(crate) wake_up: Option<WakeUp>,
}

#[derive(Deserialize)]
struct RawEvent<'a> {
    #[serde(rename = "Records")]
    records: Option<Vec<RawMessage>>,
    #[serde(borrow)]
    sweep: Option<&'a RawValue>,
}

/// Source: "Using Lambda with Amazon SQS" in the AWS Lambda Developer Guide.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMessage {
    message_id: String,
    body: String,
}

impl Event {
    /// Fails for what neither the queue nor the schedule sends.
    pub(crate) fn parse(event: &[u8]) -> Result<Self, HandlerError> {
        let event: RawEvent<'_> = serde_json::from_slice(event).map_err(|error| malformed(&error))?;
        match (event.records, event.sweep) {
            (Some(messages), None) => Ok(Self::Messages(messages.into_iter().map(Message::from).collect())),
            (None, Some(_)) => Ok(Self::Sweep),
            _ => Err(HandlerError::new(
                "InvalidEvent",
                "the event has neither Records nor sweep",
            )),
        }
    }
}

impl From<RawMessage> for Message {
    fn from(RawMessage { message_id, body }: RawMessage) -> Self {
        Self {
            id: message_id,
            wake_up: serde_json::from_str(&body).ok(),
        }
    }
}

/// Where parsing stopped, without quoting anything.
fn malformed(error: &serde_json::Error) -> HandlerError {
    let (line, column) = (error.line(), error.column());
    HandlerError::new(
        "InvalidEvent",
        format!("the event is not one of a queue: parsing stopped at line {line}, column {column}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_points_to_a_row() {
        let event =
            br#"{"Records":[{"messageId":"m","receiptHandle":"r","body":"{\"webhook_id\":\"w\",\"position\":\"p\"}",
            "attributes":{"ApproximateReceiveCount":"1"},"messageAttributes":{},"md5OfBody":"5","eventSource":"aws:sqs",
            "eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:a","awsRegion":"us-east-1"}]}"#;
        let Event::Messages(messages) = Event::parse(event).unwrap() else {
            panic!("messages")
        };
        let wake_up = WakeUp {
            webhook_id: "w".to_owned(),
            position: "p".to_owned(),
        };
        assert_eq!((&*messages[0].id, messages[0].wake_up.as_ref()), ("m", Some(&wake_up)));
    }

    #[test]
    fn message_of_somebody_else_keeps_its_name() {
        let event = br#"{"Records":[{"messageId":"m","body":"hello"}]}"#;
        let Event::Messages(messages) = Event::parse(event).unwrap() else {
            panic!("messages")
        };
        assert_eq!((&*messages[0].id, &messages[0].wake_up), ("m", &None));
    }

    #[test]
    fn sweep_and_an_empty_batch_are_events() {
        assert!(matches!(Event::parse(br#"{"sweep":{}}"#), Ok(Event::Sweep)));
        assert!(matches!(Event::parse(br#"{"Records":[]}"#), Ok(Event::Messages(messages)) if messages.is_empty()));
    }

    #[test]
    fn what_nobody_sends_is_an_invalid_event_that_quotes_nothing() {
        for event in [
            "{}",
            "[]",
            "secret",
            r#"{"Records":[],"sweep":{}}"#,
            r#"{"Records":[{"body":"secret"}]}"#,
        ] {
            let error = Event::parse(event.as_bytes()).unwrap_err();
            assert_eq!(error.kind, "InvalidEvent", "{event}");
            assert!(!error.message.contains("secret"), "{error}");
        }
    }
}
