//! Writing configurations. Each write is one conditional call, so that of two concurrent writers only one wins.

use chrono::{DateTime, Utc};
use tenant_core::{ConfigUpdate, DeliveryType, Field, NewConfig, StoredConfig, TenantId, VERSION_ATTRIBUTE};

use super::{ConfigStore, item};
use crate::{
    error::StoreError,
    item::Item,
    placeholders::Placeholders,
    precondition::Precondition,
    table::{Rejection, Written},
    tag::Tagged,
};

/// An update that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The configuration that the update changed. `None` where a retry found that an earlier attempt had made the update,
    /// unless the precondition had it read first.
    pub before: Option<StoredConfig>,
    /// The configuration as it is now.
    pub after: Tagged<StoredConfig>,
}

impl ConfigStore {
    /// Stores a new configuration. An expired one is replaced; one that is alive is [`StoreError::AlreadyExists`].
    pub async fn create(&self, config: &NewConfig, now: DateTime<Utc>) -> Result<Tagged<StoredConfig>, StoreError> {
        let version = (self.new_version)()?;
        let item = item::new_item(config, &version, now);
        let mut placeholders = Placeholders::default();
        let condition = placeholders.is_free(Field::TenantId.name(), Field::Ttl.name(), now);
        match self.table.put(item.clone(), condition, placeholders).await? {
            Written::Applied(()) => Ok(item::tagged_config(item)),
            Written::Rejected(rejection) => rejection
                .own_work(VERSION_ATTRIBUTE, &version)
                .map(|found| item::tagged_config(found.clone()))
                .ok_or(StoreError::AlreadyExists),
        }
    }

    /// Changes the fields that `update` names and no other attribute. Without a precondition this is one call; with one, a
    /// consistent read comes first and the write is bound to what was read: if anybody changes the item in between, by
    /// whatever means, it is [`StoreError::PreconditionFailed`].
    pub async fn update(
        &self,
        tenant: &TenantId,
        delivery_type: DeliveryType,
        update: &ConfigUpdate,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<Updated, StoreError> {
        let key = item::key(tenant.as_str(), delivery_type.as_str());
        let read = self.read_for(&key, precondition, now).await?;
        let requirement = update.requirement(delivery_type);
        let broken_by = |item: &Item| requirement.as_ref()?.broken_by(&item::stored_config(item.clone()));
        if let Some(error) = read.as_ref().and_then(broken_by) {
            return Err(StoreError::Contradicted(error));
        }
        let version = (self.new_version)()?;
        let changes = item::item_update(update, &version, now);
        let mut placeholders = Placeholders::default();
        let expression = changes.expression(&mut placeholders);
        let mut condition = condition(&mut placeholders, read.as_ref(), now);
        if let (None, Some(requirement)) = (&read, &requirement) {
            let name = requirement.field().name();
            let required = placeholders.contradicts_nothing(name, requirement.contradictions());
            condition = format!("{condition} AND {required}");
        }
        match self.table.update(key, expression, condition, placeholders).await? {
            Written::Applied(before) => {
                // The condition includes that the item exists.
                let before = before.unwrap_or_default();
                Ok(Updated {
                    before: Some(item::stored_config(before.clone())),
                    after: item::tagged_config(changes.apply(before)),
                })
            }
            Written::Rejected(rejection) => {
                let found = rejection.own_work(VERSION_ATTRIBUTE, &version);
                let found = found.ok_or_else(|| match (cause_of(&rejection, now), &rejection.found) {
                    // Without a read the item exists, so it does not meet the requirement.
                    (StoreError::PreconditionFailed, Some(item)) if read.is_none() => {
                        broken_by(item).map_or(StoreError::PreconditionFailed, StoreError::Contradicted)
                    }
                    (cause, _) => cause,
                })?;
                Ok(Updated {
                    before: read.map(item::stored_config),
                    after: item::tagged_config(found.clone()),
                })
            }
        }
    }

    /// Deletes a configuration and returns it as it was; `None` where a retry found that an earlier attempt had deleted
    /// it. The precondition works as it does for an update.
    pub async fn delete(
        &self,
        tenant: &TenantId,
        delivery_type: DeliveryType,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredConfig>, StoreError> {
        let key = item::key(tenant.as_str(), delivery_type.as_str());
        let read = self.read_for(&key, precondition, now).await?;
        let mut placeholders = Placeholders::default();
        let condition = condition(&mut placeholders, read.as_ref(), now);
        match self.table.delete(key, condition, placeholders).await? {
            Written::Applied(item) => Ok(item.map(item::stored_config)),
            // An earlier attempt deleted it and its response was lost. Even if another client had deleted it, the
            // configuration would be gone.
            Written::Rejected(Rejection {
                found: None,
                may_have_been_applied: true,
            }) => Ok(read.map(item::stored_config)),
            Written::Rejected(rejection) => Err(cause_of(&rejection, now)),
        }
    }

    /// What a write is to be bound to: the item, if the precondition asks for a content and the item has it.
    async fn read_for(
        &self,
        key: &Item,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<Option<Item>, StoreError> {
        let Precondition::Tags(tags) = precondition else {
            return Ok(None);
        };
        let item = self.table.get(key.clone()).await?;
        let item = item
            .filter(|item| !item::is_expired(item, now))
            .ok_or(StoreError::NotFound)?;
        if tags.contains(&item::tag(&item)) {
            Ok(Some(item))
        } else {
            Err(StoreError::PreconditionFailed)
        }
    }
}

/// The condition of a change: the item is as it was read, or merely exists.
fn condition(placeholders: &mut Placeholders, read: Option<&Item>, now: DateTime<Utc>) -> String {
    if let Some(read) = read {
        placeholders.is_unchanged(read, item::modelled_attributes())
    } else {
        let exists = placeholders.exists(Field::TenantId.name());
        format!("{exists} AND {}", placeholders.is_alive(Field::Ttl.name(), now))
    }
}

/// Why the condition of a change was not met.
fn cause_of(rejection: &Rejection, now: DateTime<Utc>) -> StoreError {
    match &rejection.found {
        Some(item) if !item::is_expired(item, now) => StoreError::PreconditionFailed,
        _ => StoreError::NotFound,
    }
}
