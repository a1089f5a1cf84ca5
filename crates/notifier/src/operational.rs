//! Events about endpoints themselves.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tenant_core::{
    TenantId,
    webhook::{
        Content, Delivery, DeliveryOrigin, DisabledReason, EventId, EventType, HealthChange, Outcome, Scope, Webhook,
        endpoint_event,
    },
};
use tenant_store::{StoreError, webhooks::WakeUp};

use crate::{Notifier, deliver::random_bytes};

impl Notifier {
    /// Notes how an attempt ended. What that means for the endpoint is an event of its own. Returns it, and how many
    /// messages were not sent.
    pub(crate) async fn note(
        &self,
        webhook: &Webhook,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Result<(Option<HealthChange>, u32), StoreError> {
        let noted = self
            .stores
            .webhooks
            .note(&webhook.scope, &webhook.id, outcome, now)
            .await?;
        let Some((webhook, change)) = noted else {
            return Ok((None, 0));
        };
        let (event, reason) = match change {
            HealthChange::Failing => (EventType::EndpointFailing, None),
            HealthChange::Recovered => (EventType::EndpointRecovered, None),
            HealthChange::Disabled(reason) => (EventType::EndpointDisabled, Some(reason)),
        };
        tracing::warn!(
            webhook_id = webhook.id.as_str(),
            tenant_id = webhook.scope.tenant().map(TenantId::as_str),
            event = event.as_str(),
            reason = reason.map(DisabledReason::as_str),
            "the state of an endpoint has changed"
        );
        let id = EventId::random(random_bytes()?, now);
        let body = endpoint_event(&id, event, &webhook, reason).to_json();
        let mut wake_ups = Vec::new();
        for subscriber in self.stores.webhooks.list(&Scope::Global).await? {
            let subscriber = subscriber.value;
            // One about itself would not arrive, or has been overtaken by its own success.
            if subscriber.id == webhook.id || !subscriber.wants_operational(event) {
                continue;
            }
            let content = (id.clone(), event, Content::Body(body.clone()));
            let delivery = Delivery::new((subscriber.scope, subscriber.id), content, DeliveryOrigin::Event, now);
            self.stores.deliveries.insert(&delivery).await?;
            wake_ups.push(WakeUp::for_delivery(&delivery));
        }
        Ok((Some(change), self.wake(wake_ups, Duration::ZERO).await))
    }
}
