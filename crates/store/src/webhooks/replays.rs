//! Replays, which are rows among the deliveries: what is due finds them as well.

use chrono::{DateTime, Utc};
use tenant_core::webhook::{Replay, ReplayId, ReplayState, WebhookId};

use super::{
    DeliveryStore, WakeUp,
    delivery_item::{self, CURSOR, DUE_AT, DUE_SHARD, STATUS},
};
use crate::{
    error::StoreError,
    item::{Item, millisecond_text, text},
    placeholders::Placeholders,
    table::Written,
};

impl WakeUp {
    /// Whether it points to a replay.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        delivery_item::is_replay(&self.position)
    }
}

impl DeliveryStore {
    /// Stores a new replay, due at once.
    pub async fn start_replay(&self, replay: &Replay) -> Result<(), StoreError> {
        self.table.replace(item(replay, replay.created_at)).await
    }

    /// The replay.
    pub async fn replay(&self, webhook: &WebhookId, id: &ReplayId) -> Result<Replay, StoreError> {
        let found = self
            .find_replay(webhook.as_str(), &delivery_item::replay_position(id))
            .await?;
        found.ok_or(StoreError::NotFound)
    }

    /// The replay that a message points to.
    pub async fn find_replay(&self, webhook_id: &str, position: &str) -> Result<Option<Replay>, StoreError> {
        let item = self.table.get(delivery_item::key(webhook_id, position)).await?;
        Ok(item.as_ref().and_then(delivery_item::to_replay))
    }

    /// Stores how far a replay came from what was read, to be continued at `due_at` if it is running. Returns whether nobody
    /// else continued it meanwhile.
    pub async fn save_replay(&self, read: &Replay, next: &Replay, due_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut placeholders = Placeholders::default();
        let read = item(read, due_at);
        let condition = placeholders.is_unchanged(&read, [STATUS, CURSOR]);
        let next = item(next, due_at);
        Ok(match self.table.put(next.clone(), condition, placeholders).await? {
            Written::Applied(()) => true,
            Written::Rejected(rejection) => rejection.may_have_been_applied && rejection.found == Some(next),
        })
    }
}

fn item(replay: &Replay, due_at: DateTime<Utc>) -> Item {
    let mut item = delivery_item::from_replay(replay);
    if replay.state == ReplayState::Running {
        item.insert(
            DUE_SHARD.to_owned(),
            text(&delivery_item::shard(replay.webhook.as_str())),
        );
        item.insert(DUE_AT.to_owned(), text(&millisecond_text(due_at)));
    }
    item
}
