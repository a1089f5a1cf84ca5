//! Creating, reading and changing endpoints.

use chrono::{DateTime, TimeDelta, Utc};
use tenant_core::{
    TenantId,
    webhook::{Health, Scope, Settings, SettingsUpdate, Webhook, WebhookId},
};

use super::{
    WebhookStore,
    endpoint_item::{self, MODELLED},
};
use crate::{
    error::StoreError,
    item::{Item, text},
    placeholders::Placeholders,
    precondition::Precondition,
    table::Written,
    tag::Tagged,
};

/// How often a change is tried while others keep changing the endpoint.
const MAX_ROUNDS: u32 = 5;

impl WebhookStore {
    /// Stores a new endpoint. [`StoreError::LimitReached`] if its scope has all that it may have.
    ///
    /// The endpoints are counted before and after. Of several creations at the limit, all may back out; never do more stay
    /// than the limit allows.
    pub async fn create(&self, webhook: &Webhook) -> Result<Tagged<Webhook>, StoreError> {
        let limit = usize::try_from(webhook.scope.max_webhooks()).unwrap_or(usize::MAX);
        if self.items(&webhook.scope).await?.len() >= limit {
            return Err(StoreError::LimitReached);
        }
        let item = endpoint_item::from_webhook(webhook);
        let mut placeholders = Placeholders::default();
        let condition = placeholders.is_absent(endpoint_item::ID);
        match self.table.put(item.clone(), condition, placeholders).await? {
            Written::Applied(()) => {}
            // The name is random, so what is there is the work of an earlier attempt.
            Written::Rejected(rejection) if rejection.may_have_been_applied => {}
            Written::Rejected(_) => return Err(StoreError::AlreadyExists),
        }
        if self.items(&webhook.scope).await?.len() > limit {
            self.remove(&webhook.scope, &webhook.id).await?;
            return Err(StoreError::LimitReached);
        }
        read(&item)
    }

    /// The endpoint.
    pub async fn get(&self, scope: &Scope, id: &WebhookId) -> Result<Tagged<Webhook>, StoreError> {
        read(&self.item(scope, id).await?)
    }

    /// The endpoints of a scope in the order of their creation. One that a person changed so that nothing can be sent is left
    /// out.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<Tagged<Webhook>>, StoreError> {
        let items = self.items(scope).await?;
        let mut webhooks: Vec<_> = items.iter().filter_map(endpoint_item::to_webhook).collect();
        webhooks.sort_by(|one, other| {
            let place = |webhook: &Webhook| (webhook.created_at, webhook.id.clone());
            place(&one.value).cmp(&place(&other.value))
        });
        Ok(webhooks)
    }

    /// Whether there is no endpoint at all: then nobody needs to ask for those of each tenant.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.table.scan_any(1, None).await?.items.is_empty())
    }

    /// The endpoints that may get a change of this tenant's.
    pub async fn for_tenant(&self, tenant: &TenantId) -> Result<Vec<Webhook>, StoreError> {
        let (tenant, global) = (Scope::Tenant(tenant.clone()), Scope::Global);
        let (mut webhooks, global) = futures_util::future::try_join(self.list(&tenant), self.list(&global)).await?;
        webhooks.extend(global);
        Ok(webhooks.into_iter().map(|webhook| webhook.value).collect())
    }

    /// Changes settings. An endpoint that is enabled again has a clean health.
    pub async fn update(
        &self,
        scope: &Scope,
        id: &WebhookId,
        update: &SettingsUpdate,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<Tagged<Webhook>, StoreError> {
        self.change(scope, id, precondition, |webhook| {
            let is_disabled = !webhook.settings.enabled;
            let settings: Settings = update.clone().apply(webhook.settings);
            let is_enabled_again = is_disabled && settings.enabled;
            Webhook {
                settings,
                updated_at: now,
                health: if is_enabled_again {
                    Health::default()
                } else {
                    webhook.health
                },
                disabled: webhook.disabled.filter(|_| !is_enabled_again),
                ..webhook
            }
        })
        .await
    }

    /// Begins the next epoch: the former secret signs as well until the grace ends, and one before it never again.
    pub async fn rotate(
        &self,
        scope: &Scope,
        id: &WebhookId,
        grace: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Tagged<Webhook>, StoreError> {
        self.change(scope, id, &Precondition::None, |webhook| Webhook {
            epoch: webhook.epoch.saturating_add(1),
            previous_until: Some(now + grace),
            updated_at: now,
            ..webhook
        })
        .await
    }

    /// Deletes the endpoint. Its deliveries are cancelled when they are due.
    pub async fn delete(
        &self,
        scope: &Scope,
        id: &WebhookId,
        precondition: &Precondition,
    ) -> Result<Webhook, StoreError> {
        let item = self.item(scope, id).await?;
        let read = read(&item)?;
        check(&read, precondition)?;
        let mut placeholders = Placeholders::default();
        let condition = match precondition {
            Precondition::None => placeholders.exists(endpoint_item::ID),
            Precondition::Tags(_) => placeholders.is_unchanged(&item, MODELLED),
        };
        let key = endpoint_item::key(scope, id);
        match self.table.delete(key, condition, placeholders).await? {
            Written::Applied(_) => Ok(read.value),
            Written::Rejected(rejection) if rejection.may_have_been_applied && rejection.found.is_none() => {
                Ok(read.value)
            }
            Written::Rejected(rejection) => Err(match rejection.found {
                Some(_) => StoreError::PreconditionFailed,
                None => StoreError::NotFound,
            }),
        }
    }

    /// Writes what `change` makes of the endpoint, bound to everything that was read.
    pub(super) async fn change(
        &self,
        scope: &Scope,
        id: &WebhookId,
        precondition: &Precondition,
        change: impl Fn(Webhook) -> Webhook,
    ) -> Result<Tagged<Webhook>, StoreError> {
        for _ in 0..MAX_ROUNDS {
            let item = self.item(scope, id).await?;
            let before = read(&item)?;
            check(&before, precondition)?;
            let after = endpoint_item::from_webhook(&change(before.value));
            let mut placeholders = Placeholders::default();
            let bound = MODELLED.into_iter().chain([endpoint_item::HEALTH]);
            let condition = placeholders.is_unchanged(&item, bound);
            match self.table.put(after.clone(), condition, placeholders).await? {
                Written::Applied(()) => return read(&after),
                Written::Rejected(rejection)
                    if rejection.may_have_been_applied && rejection.found.as_ref() == Some(&after) =>
                {
                    return read(&after);
                }
                // Perhaps only the health has changed: the next read shows it.
                Written::Rejected(_) => {}
            }
        }
        Err(StoreError::Throttled("the endpoint keeps changing".into()))
    }

    pub(super) async fn item(&self, scope: &Scope, id: &WebhookId) -> Result<Item, StoreError> {
        let found = self.table.get(endpoint_item::key(scope, id)).await?;
        found.ok_or(StoreError::NotFound)
    }

    async fn items(&self, scope: &Scope) -> Result<Vec<Item>, StoreError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let mut placeholders = Placeholders::default();
            let partition = placeholders.equals(endpoint_item::SCOPE, text(&scope.key()));
            let batch = self.table.query(partition, None, placeholders, start).await?;
            items.extend(batch.items);
            match batch.next {
                Some(next) => start = Some(next),
                None => return Ok(items),
            }
        }
    }

    async fn remove(&self, scope: &Scope, id: &WebhookId) -> Result<(), StoreError> {
        let mut placeholders = Placeholders::default();
        let condition = placeholders.exists(endpoint_item::ID);
        let key = endpoint_item::key(scope, id);
        self.table.delete(key, condition, placeholders).await.map(drop)
    }
}

/// An item that a person changed so that nothing can be sent does not exist for clients, who can only create another one.
fn read(item: &Item) -> Result<Tagged<Webhook>, StoreError> {
    endpoint_item::to_webhook(item).ok_or(StoreError::NotFound)
}

fn check(read: &Tagged<Webhook>, precondition: &Precondition) -> Result<(), StoreError> {
    match precondition {
        Precondition::None => Ok(()),
        Precondition::Tags(tags) if tags.contains(&read.tag) => Ok(()),
        Precondition::Tags(_) => Err(StoreError::PreconditionFailed),
    }
}
