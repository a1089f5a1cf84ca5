//! From entries of the history to deliveries for the endpoints that want them.
//!
//! A delivery is stored before anybody is woken, and an entry is recorded before its deliveries are stored: what is lost in
//! between is done again when Lambda delivers the record again. A delivery that exists is left as it is.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use chrono::Utc;
use futures_util::future::try_join_all;
use tenant_core::{
    TenantId,
    history::Entry,
    webhook::{Content, Delivery, DeliveryOrigin, EventId, EventType, Scope, Webhook},
};
use tenant_store::{
    StoreError,
    webhooks::{DeliveryStore, WakeUp, WakeUps, WebhookStore},
};

/// Queues events. Cheap to clone.
#[derive(Clone)]
pub struct FanOut {
    webhooks: WebhookStore,
    deliveries: DeliveryStore,
    wake_ups: Arc<dyn WakeUps>,
}

/// Deliveries that are stored at a time.
const CONCURRENT_WRITES: usize = 10;

impl FanOut {
    /// Queues events for the endpoints of one table in the other one.
    #[must_use]
    pub fn new(webhooks: WebhookStore, deliveries: DeliveryStore, wake_ups: Arc<dyn WakeUps>) -> Self {
        Self {
            webhooks,
            deliveries,
            wake_ups,
        }
    }

    /// Stores a delivery of each entry for each endpoint that wants it.
    pub(crate) async fn queue(&self, entries: &[&Entry]) -> Result<(), StoreError> {
        if entries.is_empty() || self.webhooks.is_empty().await? {
            return Ok(());
        }
        let subscribers = self.subscribers(entries).await?;
        let mut deliveries = Vec::new();
        for entry in entries {
            let Some(event) = EventType::for_entry(entry) else {
                continue;
            };
            let for_tenant = subscribers.get(entry.key.tenant_id()).into_iter().flatten();
            let all = for_tenant.chain(&subscribers[GLOBAL]);
            deliveries.extend(
                all.filter(|webhook| webhook.wants(event, entry))
                    .map(|webhook| delivery(webhook, event, entry)),
            );
        }
        let mut wake_ups = Vec::new();
        for part in deliveries.chunks(CONCURRENT_WRITES) {
            let inserted = try_join_all(part.iter().map(|delivery| self.deliveries.insert(delivery))).await?;
            let new = part.iter().zip(inserted).filter(|(_, is_new)| *is_new);
            wake_ups.extend(new.map(|(delivery, _)| WakeUp::for_delivery(delivery)));
        }
        self.wake(wake_ups).await;
        Ok(())
    }

    /// Messages are hints: what is not sent is found by the next sweep.
    async fn wake(&self, wake_ups: Vec<WakeUp>) {
        if wake_ups.is_empty() {
            return;
        }
        if let Err(error) = self.wake_ups.send(wake_ups, Duration::ZERO).await {
            tracing::warn!(
                error = error.0.to_string(),
                "deliveries wait for the sweep: their messages were not sent"
            );
        }
    }

    /// The endpoints by the tenant whose changes they get.
    async fn subscribers<'e>(&self, entries: &[&'e Entry]) -> Result<HashMap<&'e str, Vec<Webhook>>, StoreError> {
        let mut scopes: HashMap<&str, Scope> = HashMap::from([(GLOBAL, Scope::Global)]);
        for entry in entries {
            // A key by hand may have a tenant that no endpoint can have.
            if let Ok(tenant) = entry.key.tenant_id().parse::<TenantId>() {
                scopes.entry(entry.key.tenant_id()).or_insert(Scope::Tenant(tenant));
            }
        }
        let lists = scopes.into_iter().map(|(name, scope)| async move {
            let webhooks = self.webhooks.list(&scope).await?;
            let webhooks = webhooks.into_iter().map(|webhook| webhook.value).collect();
            Ok::<_, StoreError>((name, webhooks))
        });
        Ok(try_join_all(lists).await?.into_iter().collect())
    }
}

/// No tenant: its identifier is not empty.
const GLOBAL: &str = "";

fn delivery(webhook: &Webhook, event: EventType, entry: &Entry) -> Delivery {
    let content = (EventId::for_entry(entry), event, Content::Change(entry.key.clone()));
    let owner = (webhook.scope.clone(), webhook.id.clone());
    Delivery::new(owner, content, DeliveryOrigin::Event, Utc::now())
}

impl fmt::Debug for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut")
            .field("webhooks", &self.webhooks)
            .finish_non_exhaustive()
    }
}
