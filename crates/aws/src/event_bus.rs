//! Putting events on a bus of `EventBridge`.

use std::{error::Error, sync::OnceLock, time::Duration};

use aws_sdk_eventbridge::{Client, primitives::DateTime, types::PutEventsRequestEntry};
use aws_types::SdkConfig;
use futures_util::future::join_all;

use crate::Limits;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(2),
    operation: Some(Duration::from_secs(4)),
    attempts: 3,
    first_backoff: Duration::from_millis(50),
    max_backoff: Duration::from_millis(500),
};
/// The most events and bytes of a call. Sources: `PutEvents` in the Amazon `EventBridge` API Reference, and "Calculating
/// `PutEvents` event entry size" in the Amazon `EventBridge` User Guide.
const BATCH: usize = 10;
const BATCH_BYTES: usize = 256 * 1024;
/// What the time of an event counts.
const TIME_BYTES: usize = 14;
/// How often events are put that `EventBridge` failed to take although it took the call.
const TRIES: usize = 2;

/// One bus, whose client is made when something is first put.
#[derive(Debug)]
pub struct EventBus {
    sdk: SdkConfig,
    name: String,
    client: OnceLock<Client>,
}

/// An event on a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    /// Who says so: rules match it.
    pub source: String,
    /// What happened: rules match it.
    pub detail_type: String,
    /// A JSON object.
    pub detail: String,
    /// When it happened, in seconds since 1970.
    pub time: i64,
}

/// Events that were not put. All others were.
#[derive(Debug, thiserror::Error)]
#[error("{unput} events were not put on the bus")]
pub struct EventBusError {
    /// How many.
    pub unput: usize,
    /// Why the first of them was not.
    pub source: Box<dyn Error + Send + Sync>,
}

/// What `EventBridge` says about an event that it did not take.
#[derive(Debug, thiserror::Error)]
#[error("EventBridge did not take the event: {code}")]
struct NotTaken {
    code: String,
}

impl EventBus {
    /// The bus of this name or ARN.
    #[must_use]
    pub fn new(sdk: SdkConfig, name: impl Into<String>) -> Self {
        Self {
            sdk,
            name: name.into(),
            client: OnceLock::new(),
        }
    }

    /// Puts the events on the bus.
    pub async fn put(&self, events: &[BusEvent]) -> Result<(), EventBusError> {
        let mut failed: Option<EventBusError> = None;
        let putting = batches(events).into_iter().map(|batch| self.put_batch(batch));
        for unput in join_all(putting).await.into_iter().filter_map(Result::err) {
            match &mut failed {
                Some(failed) => failed.unput += unput.unput,
                None => failed = Some(unput),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn put_batch(&self, batch: &[BusEvent]) -> Result<(), EventBusError> {
        let mut events: Vec<&BusEvent> = batch.iter().collect();
        let mut failed = Ok(());
        for _ in 0..TRIES {
            failed = self.put_once(&mut events).await;
            if events.is_empty() {
                break;
            }
        }
        failed
    }

    /// Leaves those of the events that `EventBridge` did not take, but might take the next time.
    async fn put_once(&self, events: &mut Vec<&BusEvent>) -> Result<(), EventBusError> {
        let client = self.client.get_or_init(|| Client::new(&LIMITS.apply(&self.sdk)));
        let entries = events.iter().map(|event| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(&event.source)
                .detail_type(&event.detail_type)
                .detail(&event.detail)
                .time(DateTime::from_secs(event.time))
                .build()
        });
        let response = client.put_events().set_entries(Some(entries.collect())).send().await;
        let response = match response {
            Ok(response) => response,
            Err(cause) => {
                let unput = std::mem::take(events).len();
                return Err(EventBusError {
                    unput,
                    source: cause.into(),
                });
            }
        };
        // In the order of the entries.
        let codes: Vec<Option<String>> = response
            .entries
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.error_code)
            .collect();
        let mut codes_of = codes.iter();
        events.retain(|_| codes_of.next().is_some_and(Option::is_some));
        match codes.into_iter().flatten().next() {
            None => Ok(()),
            Some(code) => Err(EventBusError {
                unput: events.len(),
                source: NotTaken { code }.into(),
            }),
        }
    }
}

/// As many events as a call takes, in their order. One that is too large is alone, and `EventBridge` will reject it.
fn batches(events: &[BusEvent]) -> Vec<&[BusEvent]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (place, event) in events.iter().enumerate() {
        let size = TIME_BYTES + event.source.len() + event.detail_type.len() + event.detail.len();
        if place > start && (place - start == BATCH || bytes + size > BATCH_BYTES) {
            batches.push(&events[start..place]);
            (start, bytes) = (place, 0);
        }
        bytes += size;
    }
    if start < events.len() {
        batches.push(&events[start..]);
    }
    batches
}
