//! Sends events to the endpoints that subscribe to them.
//!
//! A row of the table of deliveries is the truth: this crate claims it, makes one attempt, and stores what became of it and
//! when the next attempt is due. A message, or the sweep, only says where to look. So an attempt that is lost with its
//! process is repeated, with the same event id and the same body.
//!
//! This crate must never connect to an address that [`tenant_core::webhook::check_addresses`] has not accepted, nor follow a
//! redirect, and it never decides what an event is or who gets it.

mod attempt;
mod deliver;
pub mod http;
mod operational;
mod replay;

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tenant_core::webhook::{MasterKey, Schedule};
use tenant_store::{
    StoreError,
    history::HistoryStore,
    webhooks::{DeliveryStore, Due, WakeUp, WakeUps, WebhookStore},
};

use self::http::Sender;

pub use self::deliver::Handled;

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
    key: Arc<MasterKey>,
    sender: Sender,
    schedule: Arc<Schedule>,
}

/// The longest delay of a message. What is due later is found by the sweep.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// Rows that one sweep finds in each part of the index.
const SWEPT: u16 = 500;

impl Notifier {
    /// Sends what is due in these tables.
    #[must_use]
    pub fn new(stores: Stores, wake_ups: Arc<dyn WakeUps>, key: MasterKey, sender: Sender, schedule: Schedule) -> Self {
        Self {
            stores,
            wake_ups,
            key: Arc::new(key),
            sender,
            schedule: Arc::new(schedule),
        }
    }

    /// Finds the rows that are due and wakes somebody for each. Returns them, the one that waits longest first.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<Vec<Due>, StoreError> {
        let due = self.stores.deliveries.due(now, SWEPT).await?;
        let wake_ups = due.iter().map(|due| due.wake_up.clone()).collect();
        self.wake(wake_ups, Duration::ZERO).await;
        Ok(due)
    }

    /// Messages are hints: what is not sent is found by the next sweep.
    async fn wake(&self, wake_ups: Vec<WakeUp>, delay: Duration) {
        if wake_ups.is_empty() || delay > LONGEST_DELAY {
            return;
        }
        if let Err(error) = self.wake_ups.send(wake_ups, delay).await {
            tracing::warn!(
                error = error.0.to_string(),
                "deliveries wait for the sweep: their messages were not sent"
            );
        }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier")
            .field("stores", &self.stores)
            .finish_non_exhaustive()
    }
}
