//! Messages that make what is due found sooner.

use std::{error::Error, future::Future, pin::Pin, time::Duration};

use serde::{Deserialize, Serialize};
use tenant_core::webhook::{Delivery, Replay};

/// Points to a row that is due.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WakeUp {
    /// The partition.
    pub webhook_id: String,
    /// The row.
    pub position: String,
}

/// The messages were not sent. What they point to is found by the sweep.
#[derive(Debug, thiserror::Error)]
#[error("the wake-up messages were not sent")]
pub struct WakeUpError(#[source] pub Box<dyn Error + Send + Sync>);

/// Where the messages are sent.
pub trait WakeUps: Send + Sync {
    /// Sends these, to arrive after the delay, which is 15 minutes at most. Some may have been sent after an error.
    fn send<'a>(
        &'a self,
        wake_ups: Vec<WakeUp>,
        delay: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<(), WakeUpError>> + Send + 'a>>;
}

impl WakeUp {
    /// The message for a delivery.
    #[must_use]
    pub fn for_delivery(delivery: &Delivery) -> Self {
        Self {
            webhook_id: delivery.webhook.to_string(),
            position: delivery.event.position(),
        }
    }

    /// The message for a replay.
    #[must_use]
    pub fn for_replay(replay: &Replay) -> Self {
        Self {
            webhook_id: replay.webhook.to_string(),
            position: super::delivery_item::replay_position(&replay.id),
        }
    }
}
