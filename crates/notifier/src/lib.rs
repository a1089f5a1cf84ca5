//! Sends events to the endpoints that subscribe to them.
//!
//! A row of the table of deliveries is the truth: this crate claims it, makes one attempt, and stores what became of it and
//! when the next attempt is due. A message, or the sweep, only says where to look. So an attempt that is lost with its
//! process is repeated, with the same event id and the same body.
//!
//! This crate must never connect to an address that [`tenant_core::webhook::check_addresses`] has not accepted, nor follow a
//! redirect, and it never decides what an event is or who gets it.

mod attempt;
#[cfg(feature = "https")]
pub mod config;
mod deliver;
mod event;
mod fault;
mod function;
pub mod http;
mod log;
pub mod metrics;
mod operational;
mod replay;
mod report;

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tenant_aws::parameter::{ParameterError, Secret};
use tenant_core::webhook::{MasterKey, Schedule};
use tenant_store::{
    StoreError,
    history::HistoryStore,
    webhooks::{DeliveryStore, WakeUp, WakeUps, WebhookStore},
};

use self::http::Sender;

pub use self::{
    function::NotifierFunction,
    report::{Handled, Report, Swept},
};

/// The tables that the notifier reads and writes.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The endpoints.
    pub webhooks: WebhookStore,
    /// Their deliveries.
    pub deliveries: DeliveryStore,
    /// The history, from which bodies are made.
    pub history: HistoryStore,
}

/// Makes attempts. Cheap to clone.
#[derive(Clone)]
pub struct Notifier {
    stores: Stores,
    wake_ups: Arc<dyn WakeUps>,
    key: Arc<Secret<MasterKey>>,
    sender: Sender,
    schedule: Arc<Schedule>,
    clock: Clock,
}

/// Which time it is.
type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Why a message was not worked on. What it points to stays due.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// A table cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key cannot be read, so nothing can be signed.
    #[error("the master key of the webhooks cannot be read")]
    MasterKey(#[from] ParameterError),
}

/// The longest delay of a message. What is due later is found by the sweep.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// Rows that one sweep finds in each part of the index.
const SWEPT: u16 = 500;

impl Notifier {
    /// Sends what is due in these tables.
    #[must_use]
    pub fn new(
        stores: Stores,
        wake_ups: Arc<dyn WakeUps>,
        key: Arc<Secret<MasterKey>>,
        sender: Sender,
        schedule: Schedule,
    ) -> Self {
        Self {
            stores,
            wake_ups,
            key,
            sender,
            schedule: Arc::new(schedule),
            clock: Arc::new(Utc::now),
        }
    }

    /// The same with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self {
            clock: Arc::new(clock),
            ..self
        }
    }

    fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Finds the rows that are due and wakes somebody for each.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<Swept, StoreError> {
        let due = self.stores.deliveries.due(now, SWEPT).await?;
        let wake_ups = due.iter().map(|due| due.wake_up.clone()).collect();
        let unsent = self.wake(wake_ups, Duration::ZERO).await;
        Ok(Swept { due, unsent })
    }

    /// Messages are hints: what is not sent is found by the next sweep. Returns how many of them failed, all if any did.
    async fn wake(&self, wake_ups: Vec<WakeUp>, delay: Duration) -> u32 {
        if wake_ups.is_empty() || delay > LONGEST_DELAY {
            return 0;
        }
        let count = u32::try_from(wake_ups.len()).unwrap_or(u32::MAX);
        let Err(error) = self.wake_ups.send(wake_ups, delay).await else {
            return 0;
        };
        tracing::warn!(
            error = error.0.to_string(),
            "deliveries wait for the sweep: their messages were not sent"
        );
        count
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier")
            .field("stores", &self.stores)
            .finish_non_exhaustive()
    }
}
