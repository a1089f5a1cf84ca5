//! Queueing, claiming and concluding deliveries.

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use tenant_core::{
    PageLimit,
    webhook::{Delivery, DeliveryOrigin, DeliveryStatus, EventId, Progress, WebhookId},
};

use super::{
    BY_DUE, DeliveryStore, WakeUp,
    delivery_item::{self, AFTER_POSITIONS, CLAIM, DUE_AT, FIRST_POSITION, POSITION, SHARDS, STATUS, WEBHOOK_ID},
};
use crate::{
    error::StoreError,
    item::{Item, millisecond_text, text, text_of, time_of},
    placeholders::Placeholders,
    table::{Range, Written},
};

/// Which deliveries of an endpoint.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// Those with this status.
    pub status: Option<DeliveryStatus>,
    /// Those of events of this second and later ones.
    pub since: Option<DateTime<Utc>>,
    /// Those of events before this second.
    pub until: Option<DateTime<Utc>>,
    /// Those of earlier events than this one.
    pub before: Option<EventId>,
    /// How many are examined at most.
    pub limit: PageLimit,
}

/// A page of deliveries, the newest event first.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryPage {
    /// Those among the examined ones that have the status.
    pub deliveries: Vec<Delivery>,
    /// The last event that was examined, unless there are no more.
    pub next: Option<EventId>,
}

/// A row that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The row.
    pub wake_up: WakeUp,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl DeliveryStore {
    /// Stores a delivery, unless there is one of the same event. Returns whether there was none.
    pub async fn insert(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let item = delivery_item::from_delivery(delivery, None);
        let mut placeholders = Placeholders::default();
        let condition = placeholders.is_absent(WEBHOOK_ID);
        Ok(match self.table.put(item, condition, placeholders).await? {
            Written::Applied(()) => true,
            // Not known whose work it is. Then somebody may be woken in vain.
            Written::Rejected(rejection) => rejection.may_have_been_applied,
        })
    }

    /// The delivery of an event to an endpoint.
    pub async fn get(&self, webhook: &WebhookId, event: &EventId) -> Result<Delivery, StoreError> {
        let found = self.find(webhook.as_str(), &event.position()).await?;
        found
            .filter(|delivery| delivery.event == *event)
            .ok_or(StoreError::NotFound)
    }

    /// The delivery that a message points to. `None` if there is none, or a person changed it.
    pub async fn find(&self, webhook_id: &str, position: &str) -> Result<Option<Delivery>, StoreError> {
        let item = self.table.get(delivery_item::key(webhook_id, position)).await?;
        Ok(item.as_ref().and_then(delivery_item::to_delivery))
    }

    /// A page of an endpoint's deliveries.
    pub async fn page(&self, webhook: &WebhookId, query: &DeliveryQuery) -> Result<DeliveryPage, StoreError> {
        let mut placeholders = Placeholders::default();
        let filter = query
            .status
            .map(|status| placeholders.equals(STATUS, text(status.as_str())));
        let time_text = tenant_core::history::Revision::time_text;
        let range = Range {
            index: None,
            partition: (WEBHOOK_ID, webhook.to_string()),
            sort: (
                POSITION,
                query.since.map_or_else(|| FIRST_POSITION.to_owned(), time_text),
                query.until.map_or_else(|| AFTER_POSITIONS.to_owned(), time_text),
            ),
            descending: true,
            limit: query.limit.get().into(),
            start: query
                .before
                .as_ref()
                .map(|event| delivery_item::key(webhook.as_str(), &event.position())),
        };
        let batch = self.table.query_range(range, filter, placeholders).await?;
        let last = match &batch.next {
            Some(key) => {
                let position = text_of(key, POSITION).unwrap_or_default().to_owned();
                self.find(webhook.as_str(), &position)
                    .await?
                    .map(|delivery| delivery.event)
            }
            None => None,
        };
        Ok(DeliveryPage {
            deliveries: batch.items.iter().filter_map(delivery_item::to_delivery).collect(),
            next: last,
        })
    }

    /// Takes a pending delivery until `lease`, as it was read: the second one gets `false`. If nobody concludes it,
    /// it is due again then.
    pub async fn claim(&self, read: &Delivery, claim: &str, lease: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(due_at) = read.progress.due_at() else {
            return Ok(false);
        };
        let claimed = Delivery {
            progress: Progress::Pending(lease),
            ..read.clone()
        };
        let mut placeholders = Placeholders::default();
        let condition = placeholders.equals(DUE_AT, text(&millisecond_text(due_at)));
        let item = delivery_item::from_delivery(&claimed, Some(claim));
        Ok(match self.table.put(item, condition, placeholders).await? {
            Written::Applied(()) => true,
            Written::Rejected(rejection) => rejection.own_work(CLAIM, &text(claim)).is_some(),
        })
    }

    /// Makes a pending delivery due later, as it was read, without an attempt. Returns whether it still was so.
    pub async fn postpone(&self, read: &Delivery, until: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(due_at) = read.progress.due_at() else {
            return Ok(false);
        };
        let postponed = Delivery {
            progress: Progress::Pending(until),
            ..read.clone()
        };
        let mut placeholders = Placeholders::default();
        let condition = placeholders.equals(DUE_AT, text(&millisecond_text(due_at)));
        let item = delivery_item::from_delivery(&postponed, None);
        let written = self.table.put(item, condition, placeholders).await?;
        Ok(matches!(written, Written::Applied(())))
    }

    /// Stores what became of a claimed delivery. Returns whether it was still claimed by this attempt.
    pub async fn conclude(&self, delivery: &Delivery, claim: &str) -> Result<bool, StoreError> {
        let mut placeholders = Placeholders::default();
        let condition = placeholders.equals(CLAIM, text(claim));
        let item = delivery_item::from_delivery(delivery, None);
        Ok(match self.table.put(item.clone(), condition, placeholders).await? {
            Written::Applied(()) => true,
            Written::Rejected(rejection) => rejection.may_have_been_applied && rejection.found == Some(item),
        })
    }

    /// Makes a delivery due at once, with all attempts of the schedule before it. One that is under way is left alone.
    pub async fn restart(
        &self,
        webhook: &WebhookId,
        event: &EventId,
        origin: DeliveryOrigin,
        now: DateTime<Utc>,
    ) -> Result<Delivery, StoreError> {
        let key = delivery_item::key(webhook.as_str(), &event.position());
        for _ in 0..5 {
            let item = self.table.get(key.clone()).await?.ok_or(StoreError::NotFound)?;
            let read = delivery_item::to_delivery(&item).ok_or(StoreError::NotFound)?;
            if item.contains_key(CLAIM) {
                return Ok(read);
            }
            let restarted = Delivery {
                progress: Progress::Pending(now),
                origin,
                tries: 0,
                ..read
            };
            let mut placeholders = Placeholders::default();
            let condition = placeholders.is_unchanged(&item, [WEBHOOK_ID, STATUS, DUE_AT, CLAIM]);
            let item = delivery_item::from_delivery(&restarted, None);
            match self.table.put(item, condition, placeholders).await? {
                Written::Applied(()) => return Ok(restarted),
                Written::Rejected(_) => {}
            }
        }
        Err(StoreError::Throttled("the delivery keeps changing".into()))
    }

    /// Rows that are due, at most `limit` of each part of the index, the ones that wait longest first.
    pub async fn due(&self, now: DateTime<Utc>, limit: u16) -> Result<Vec<Due>, StoreError> {
        let batches = (0..SHARDS).map(|shard| {
            let range = Range {
                index: Some(BY_DUE.name),
                partition: (BY_DUE.partition_key, shard.to_string()),
                sort: (BY_DUE.sort_key, "0".to_owned(), millisecond_text(now)),
                descending: false,
                limit: limit.into(),
                start: None,
            };
            self.table.query_range(range, None, Placeholders::default())
        });
        let batches = try_join_all(batches).await?;
        let items = batches.into_iter().flat_map(|batch| batch.items);
        let mut due: Vec<_> = items.filter_map(|item| to_due(&item)).collect();
        due.sort_by_key(|due| due.since);
        Ok(due)
    }
}

fn to_due(item: &Item) -> Option<Due> {
    let text = |name| text_of(item, name).map(str::to_owned);
    Some(Due {
        wake_up: WakeUp {
            webhook_id: text(WEBHOOK_ID)?,
            position: text(POSITION)?,
        },
        since: time_of(item, DUE_AT)?,
    })
}
