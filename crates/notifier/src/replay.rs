//! Replays: a page at a time, so that one of many events holds nobody up.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tenant_core::{
    PageLimit,
    history::{Entry, FeedCursor},
    webhook::{
        Content, Delivery, DeliveryOrigin, EventId, EventType, Replay, ReplayState, ReplayStatus, Scope as Owner,
        Webhook,
    },
};
use tenant_store::{
    StoreError,
    history::Scope,
    webhooks::{DeliveryQuery, WakeUp},
};

use crate::{Handled, Notifier, Report};

/// Events that are examined at a time.
const PAGE: &str = "100";
/// A part takes seconds. One that has not ended by then is done again.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How far a replay is, what it has queued, and the pause before its next part.
type Part = (Replay, Vec<WakeUp>, Duration);

impl Notifier {
    /// Queues the next part of a replay.
    pub(crate) async fn continue_replay(&self, wake_up: &WakeUp) -> Result<Report, StoreError> {
        let deliveries = &self.stores.deliveries;
        let found = deliveries.find_replay(&wake_up.webhook_id, &wake_up.position).await?;
        let Some(replay) = found.filter(|replay| replay.state == ReplayState::Running) else {
            return Ok(Report::NOTHING);
        };
        let now = self.now();
        let webhook = match self.stores.webhooks.get(&replay.scope, &replay.webhook).await {
            Ok(found) if found.value.settings.enabled => Some(found.value),
            Ok(_) | Err(StoreError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let (next, queued, pause) = match webhook {
            None => (
                Replay {
                    state: ReplayState::Cancelled,
                    ..replay.clone()
                },
                Vec::new(),
                Duration::ZERO,
            ),
            Some(webhook) if replay.request.reads_history() => self.replay_history(&webhook, &replay, now).await?,
            Some(webhook) => self.replay_deliveries(&webhook, &replay, now).await?,
        };
        let mut unsent = self.wake(queued, Duration::ZERO).await;
        if deliveries.save_replay(&replay, &next, now + LEASE).await? && next.state == ReplayState::Running {
            unsent += self.wake(vec![wake_up.clone()], pause).await;
        }
        Ok(Report {
            handled: Handled::Replayed,
            unsent,
            ..Report::NOTHING
        })
    }

    /// Events of the history without a delivery; or with one, if all are asked for.
    async fn replay_history(&self, webhook: &Webhook, replay: &Replay, now: DateTime<Utc>) -> Result<Part, StoreError> {
        let request = &replay.request;
        let start = replay.cursor.clone().unwrap_or_else(|| FeedCursor::at(request.since));
        let scope = match &replay.scope {
            Owner::Global => Scope::All,
            Owner::Tenant(tenant) => Scope::Tenant(tenant.as_str()),
        };
        let page = self.stores.history.feed(scope, &start, None, page_limit(), now).await?;
        let in_time = |entry: &&Entry| (request.since..request.until).contains(&entry.changed_at());
        let mut wake_ups = Vec::new();
        for entry in page.entries.iter().filter(in_time) {
            let Some(event) = EventType::for_entry(entry).filter(|event| webhook.wants(*event, entry)) else {
                continue;
            };
            wake_ups.extend(self.queue(webhook, entry, event, request.status, now).await?);
        }
        // The feed ends some seconds before now. What it does not show yet is examined when it does.
        let is_over = page.next.time() >= request.until + SLACK || (!page.has_more && now >= request.until + SETTLED);
        let pause = if page.has_more { Duration::ZERO } else { PAUSE };
        let next = advance(replay, page.entries.len(), &wake_ups, (!is_over).then_some(page.next));
        Ok((next, wake_ups, pause))
    }

    async fn queue(
        &self,
        webhook: &Webhook,
        entry: &Entry,
        event: EventType,
        status: ReplayStatus,
        now: DateTime<Utc>,
    ) -> Result<Option<WakeUp>, StoreError> {
        let id = EventId::for_entry(entry);
        let content = (id.clone(), event, Content::Change(entry.key.clone()));
        let owner = (webhook.scope.clone(), webhook.id.clone());
        let delivery = Delivery::new(owner, content, DeliveryOrigin::Replay, now);
        if self.stores.deliveries.insert(&delivery).await? {
            return Ok(Some(WakeUp::for_delivery(&delivery)));
        }
        if status != ReplayStatus::All {
            return Ok(None);
        }
        let restarted = self
            .stores
            .deliveries
            .restart(&webhook.id, &id, DeliveryOrigin::Replay, now)
            .await?;
        Ok(Some(WakeUp::for_delivery(&restarted)))
    }

    /// Deliveries that did not arrive.
    async fn replay_deliveries(
        &self,
        webhook: &Webhook,
        replay: &Replay,
        now: DateTime<Utc>,
    ) -> Result<Part, StoreError> {
        let mut wake_ups = Vec::new();
        let (mut examined, mut before) = (0, None);
        loop {
            let query = DeliveryQuery {
                since: Some(replay.request.since),
                until: Some(replay.request.until),
                before,
                limit: page_limit(),
                ..DeliveryQuery::default()
            };
            let page = self.stores.deliveries.page(&webhook.id, &query).await?;
            examined += page.deliveries.len();
            for delivery in &page.deliveries {
                if replay.request.repeats(delivery.progress.status()) {
                    let deliveries = &self.stores.deliveries;
                    let restarted = deliveries
                        .restart(&webhook.id, &delivery.event, DeliveryOrigin::Replay, now)
                        .await?;
                    wake_ups.push(WakeUp::for_delivery(&restarted));
                }
            }
            match page.next {
                Some(next) => before = Some(next),
                None => return Ok((advance(replay, examined, &wake_ups, None), wake_ups, Duration::ZERO)),
            }
        }
    }
}

/// The feed is in the order of recording, which follows the change by seconds.
const SLACK: TimeDelta = TimeDelta::seconds(5);
/// So long after a change, the feed shows it: it is 5 seconds behind the recording.
const SETTLED: TimeDelta = TimeDelta::seconds(15);
/// How long a replay that has come to the end of the feed waits for more of it.
const PAUSE: Duration = Duration::from_secs(2);

fn advance(replay: &Replay, examined: usize, queued: &[WakeUp], cursor: Option<FeedCursor>) -> Replay {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Replay {
        state: if cursor.is_some() {
            ReplayState::Running
        } else {
            ReplayState::Completed
        },
        cursor: cursor.or_else(|| replay.cursor.clone()),
        examined: replay.examined.saturating_add(count(examined)),
        queued: replay.queued.saturating_add(count(queued.len())),
        ..replay.clone()
    }
}

fn page_limit() -> PageLimit {
    PAGE.parse().unwrap_or_default()
}
