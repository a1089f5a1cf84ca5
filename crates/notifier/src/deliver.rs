//! From a message to the next state of a delivery.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tenant_core::webhook::{Admission, Delivery, DeliveryOrigin, Outcome, Progress, Webhook};
use tenant_store::{StoreError, webhooks::WakeUp};

use crate::{Handled, Notifier, NotifierError, Report, attempt::Attempted};

/// An attempt takes 15 seconds at most. One that has not ended by then is lost.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// Clocks of two processes may differ by this.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(500);

impl Notifier {
    /// Does what the row needs that the message points to.
    pub async fn handle(&self, wake_up: &WakeUp) -> Result<Report, NotifierError> {
        if wake_up.is_replay() {
            return Ok(self.continue_replay(wake_up).await?);
        }
        let now = self.now();
        let found = self
            .stores
            .deliveries
            .find(&wake_up.webhook_id, &wake_up.position)
            .await?;
        let Some(delivery) = found.filter(|delivery| is_due(delivery, now)) else {
            return Ok(Report::NOTHING);
        };
        let webhook = match self.stores.webhooks.get(&delivery.scope, &delivery.webhook).await {
            Ok(found) => found.value,
            Err(StoreError::NotFound) => return Ok(self.give_up(delivery, Progress::Cancelled, now).await?),
            Err(error) => return Err(error.into()),
        };
        let is_asked_for = matches!(delivery.origin, DeliveryOrigin::Test | DeliveryOrigin::Redelivery);
        if !webhook.settings.enabled && !is_asked_for {
            return Ok(self.give_up(delivery, Progress::Cancelled, now).await?);
        }
        if delivery.counts_for_health()
            && let Admission::Wait(until) = self.stores.webhooks.admit(&webhook, now).await?
        {
            return Ok(self.postpone(delivery, until, now).await?);
        }
        let Some(body) = self.body(&delivery, now).await? else {
            return Ok(self.give_up(delivery, Progress::Failed, now).await?);
        };
        // Before the claim: what cannot be signed stays due.
        let key = self.key.get().await?;
        let claim = random_name()?;
        if !self.stores.deliveries.claim(&delivery, &claim, now + LEASE).await? {
            return Ok(Report::NOTHING);
        }
        let attempted = self.attempt(&webhook, &delivery, body, key).await;
        Ok(self.conclude(&webhook, delivery, attempted, &claim).await?)
    }

    async fn conclude(
        &self,
        webhook: &Webhook,
        delivery: Delivery,
        attempted: Attempted,
        claim: &str,
    ) -> Result<Report, StoreError> {
        let now = self.now();
        let tries = delivery.tries.saturating_add(1);
        let pause = match attempted.outcome {
            Outcome::Failed => self.schedule.pause(tries, attempted.retry_after, random()?),
            Outcome::Succeeded | Outcome::Gone => None,
        };
        let progress = match (attempted.outcome, pause) {
            (Outcome::Succeeded, _) => Progress::Succeeded,
            (Outcome::Failed, Some(pause)) => Progress::Pending(later(now, pause)),
            (Outcome::Failed | Outcome::Gone, _) => Progress::Failed,
        };
        let mut attempts = delivery.attempts.clone();
        attempts.push(attempted.attempt);
        let surplus = attempts.len().saturating_sub(Delivery::MAX_ATTEMPTS);
        attempts.drain(..surplus);
        let concluded = Delivery {
            progress,
            tries,
            attempts,
            ..delivery
        };
        let is_ours = self.stores.deliveries.conclude(&concluded, claim).await?;
        let handled = Handled::Attempted(concluded.progress.status());
        let mut report = Report::new(handled, concluded.clone());
        if concluded.counts_for_health() {
            (report.endpoint, report.unsent) = self.note(webhook, attempted.outcome, now).await?;
        }
        if let (true, Some(pause)) = (is_ours, pause) {
            report.unsent += self.wake(vec![WakeUp::for_delivery(&concluded)], pause).await;
        }
        Ok(report)
    }

    async fn postpone(
        &self,
        delivery: Delivery,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Report, StoreError> {
        if !self.stores.deliveries.postpone(&delivery, until).await? {
            return Ok(Report::NOTHING);
        }
        let delay = (until - now).to_std().unwrap_or_default();
        let unsent = self.wake(vec![WakeUp::for_delivery(&delivery)], delay).await;
        Ok(Report {
            unsent,
            ..Report::new(Handled::Postponed, delivery)
        })
    }

    async fn give_up(&self, delivery: Delivery, progress: Progress, now: DateTime<Utc>) -> Result<Report, StoreError> {
        let claim = random_name()?;
        if !self.stores.deliveries.claim(&delivery, &claim, now + LEASE).await? {
            return Ok(Report::NOTHING);
        }
        let given_up = Delivery { progress, ..delivery };
        self.stores.deliveries.conclude(&given_up, &claim).await?;
        Ok(Report::new(Handled::GivenUp(progress.status()), given_up))
    }
}

fn is_due(delivery: &Delivery, now: DateTime<Utc>) -> bool {
    delivery
        .progress
        .due_at()
        .is_some_and(|due_at| due_at <= now + TOLERANCE)
}

fn later(now: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(pause)
        .ok()
        .and_then(|pause| now.checked_add_signed(pause))
        .unwrap_or(now)
}

fn random_name() -> Result<String, StoreError> {
    random_bytes().map(hex::encode)
}

pub(crate) fn random_bytes() -> Result<[u8; 16], StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unexpected(error.to_string().into()))?;
    Ok(bytes)
}

fn random() -> Result<u32, StoreError> {
    getrandom::u32().map_err(|error| StoreError::Unexpected(error.to_string().into()))
}
