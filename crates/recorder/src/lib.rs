//! The function that records the history: records of the table's stream in, entries of the history out.
//!
//! It has two kinds of events. Lambda delivers **records of the stream**, at least once and in the order of each item's
//! changes; the response names the first record that was not recorded, and Lambda delivers from there again. A schedule
//! asks for a **comparison**: what the table contains and the history does not is recorded as observed.
//!
//! A record's content never fails the function: nonsense, and even a defect of this service, is recorded as far as
//! possible and counted. Only faults of DynamoDB are failures. This crate must never write the table of configurations,
//! and never decide what a change was: [`tenant_core::history`] does.

pub mod config;
mod deadline;
mod event;
mod facts;
mod fan_out;
mod log;
pub mod metrics;
mod reconcile;
mod stream;

use chrono::{DateTime, Utc};
use lambda::{Handler, HandlerError, Invocation};
use tenant_core::history::{Entry, Record};
use tenant_store::{
    StoreError,
    history::{ConfigImages, HistoryStore},
};
use tokio::sync::OnceCell;

use self::{config::Settings, event::Event};

pub use self::fan_out::FanOut;

/// Decides what a record was: [`Record::into_entry`], unless a test wants another one.
pub type Decide = fn(Record, DateTime<Utc>) -> Option<Entry>;

/// The recorder function.
#[derive(Debug)]
pub struct Recorder {
    history: HistoryStore,
    configs: ConfigImages,
    settings: Settings,
    decide: Decide,
    /// Where events are queued, if there are webhooks.
    fan_out: Option<FanOut>,
    /// Whether this process has noted that there is a recording.
    started: OnceCell<()>,
}

impl Recorder {
    /// Records the changes of `configs` in `history`.
    #[must_use]
    pub fn new(history: HistoryStore, configs: ConfigImages, settings: Settings) -> Self {
        Self {
            history,
            configs,
            settings,
            decide: Record::into_entry,
            fan_out: None,
            started: OnceCell::new(),
        }
    }

    /// The same, which also queues each entry for the endpoints that want it.
    #[must_use]
    pub fn with_webhooks(self, fan_out: FanOut) -> Self {
        Self {
            fan_out: Some(fan_out),
            ..self
        }
    }

    /// The same with another decision. Tests use it to fail.
    #[must_use]
    pub fn with_decision(self, decide: Decide) -> Self {
        Self { decide, ..self }
    }

    /// Notes that there is a recording: once in a process, before the first entry.
    async fn start(&self) -> Result<(), StoreError> {
        let start = || async {
            let retention = self.settings.retention;
            self.history.start_recording(retention, Utc::now()).await.map(drop)
        };
        self.started.get_or_try_init(start).await.map(drop)
    }
}

impl Handler for Recorder {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        // Boxed, or the layout of the nested futures would be deeper than the compiler computes.
        match Event::parse(event)? {
            Event::Records(records) => Ok(Box::pin(self.record(records, invocation)).await),
            Event::Reconcile { stream } => Box::pin(self.reconcile(stream.as_deref(), invocation)).await,
        }
    }
}
