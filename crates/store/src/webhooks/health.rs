//! The health of endpoints, as attempts show it.

use chrono::{DateTime, Utc};
use tenant_core::webhook::{Admission, HealthChange, Outcome, Scope, Webhook, WebhookId};

use super::{WebhookStore, endpoint_item};
use crate::{error::StoreError, placeholders::Placeholders, table::Written};

/// How often an outcome is noted while others note theirs: a notifier makes ten attempts at a time.
const MAX_ROUNDS: u32 = 20;

impl WebhookStore {
    /// Whether a delivery may be attempted. Of all that ask at the end of a pause, one gets [`Admission::Probe`].
    pub async fn admit(&self, webhook: &Webhook, now: DateTime<Utc>) -> Result<Admission, StoreError> {
        let admission = webhook.health.admit(now);
        if admission != Admission::Probe {
            return Ok(admission);
        }
        let probing = Webhook {
            health: webhook.health.probed(now),
            ..webhook.clone()
        };
        let is_first = self.write_health(webhook, &probing).await?;
        let wait = probing.health.open_until.unwrap_or(now);
        Ok(if is_first {
            Admission::Probe
        } else {
            Admission::Wait(wait)
        })
    }

    /// Notes how an attempt ended. Returns what that meant for the endpoint, which may have been deleted meanwhile.
    pub async fn note(
        &self,
        scope: &Scope,
        id: &WebhookId,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Result<Option<(Webhook, HealthChange)>, StoreError> {
        for _ in 0..MAX_ROUNDS {
            let before = match self.get(scope, id).await {
                Ok(read) => read.value,
                Err(StoreError::NotFound) => return Ok(None),
                Err(error) => return Err(error),
            };
            let (health, change) = before.health.after(outcome, now);
            let mut after = Webhook {
                health,
                ..before.clone()
            };
            if let Some(HealthChange::Disabled(reason)) = change {
                if !before.settings.enabled {
                    return Ok(None);
                }
                after.settings.enabled = false;
                after.disabled = Some((reason, now));
                after.updated_at = now;
            }
            if after == before || self.write_health(&before, &after).await? {
                return Ok(change.map(|change| (after, change)));
            }
        }
        Err(StoreError::Throttled("the endpoint keeps changing".into()))
    }

    /// Whether the endpoint was as it was before, and now is as it is after.
    async fn write_health(&self, before: &Webhook, after: &Webhook) -> Result<bool, StoreError> {
        let item = endpoint_item::from_webhook(before);
        let mut placeholders = Placeholders::default();
        let bound = endpoint_item::MODELLED.into_iter().chain([endpoint_item::HEALTH]);
        let condition = placeholders.is_unchanged(&item, bound);
        let after = endpoint_item::from_webhook(after);
        Ok(match self.table.put(after.clone(), condition, placeholders).await? {
            Written::Applied(()) => true,
            Written::Rejected(rejection) => rejection.may_have_been_applied && rejection.found == Some(after),
        })
    }
}
