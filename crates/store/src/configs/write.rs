//! Creating and changing configurations. Each write is one conditional call, so that of two concurrent writers only one
//! wins, and names the request that makes it.

use chrono::{DateTime, Utc};
use tenant_core::{ConfigKey, ConfigUpdate, Field, NewConfig, StoredConfig, history::LastChange};

use super::{ConfigStore, item, last_change::own_work};
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
    /// unless the item was read first.
    pub before: Option<StoredConfig>,
    /// The configuration as it is now.
    pub after: Tagged<StoredConfig>,
}

/// How often an update that depends on the item is tried while others keep changing the item.
pub(super) const MAX_ROUNDS: u32 = 5;

impl ConfigStore {
    /// Stores a new configuration. An expired one is replaced; one that is alive is [`StoreError::AlreadyExists`].
    pub async fn create(
        &self,
        config: &NewConfig,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Tagged<StoredConfig>, StoreError> {
        let created = self.try_create(config, by, now).await?;
        created.map_err(|_| StoreError::AlreadyExists)
    }

    /// Stores a new configuration unless there is one.
    pub(super) async fn try_create(
        &self,
        config: &NewConfig,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Result<Tagged<StoredConfig>, Rejection>, StoreError> {
        let version = (self.new_version)()?;
        let item = item::new_item(config, &version, by, now);
        let mut placeholders = Placeholders::default();
        let condition = is_free(&mut placeholders, now);
        match self.table.put(item.clone(), condition, placeholders).await? {
            Written::Applied(()) => Ok(Ok(item::tagged_config(item))),
            Written::Rejected(rejection) => Ok(match own_work(&rejection, by) {
                Some(found) => Ok(item::tagged_config(found.clone())),
                None => Err(rejection),
            }),
        }
    }

    /// Changes the fields that `update` names and no other attribute. Without a precondition this is one call, where the item
    /// is as the update assumes. Otherwise the update is resolved against the item, and the write is bound to what was read:
    /// if anybody changes the item in between, by whatever means, the update starts again. With a precondition a consistent
    /// read comes first, and such a change is [`StoreError::PreconditionFailed`].
    pub async fn update(
        &self,
        key: &ConfigKey,
        update: &ConfigUpdate,
        precondition: &Precondition,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Updated, StoreError> {
        let key = item::key(key);
        let mut read = self.read_for(&key, precondition, Some(now)).await?;
        for _ in 0..MAX_ROUNDS {
            let rejection = match self.try_update(&key, update, read, by, now).await? {
                Ok(updated) => return Ok(updated),
                Err(rejection) => rejection,
            };
            match (rejection.found, precondition) {
                (Some(found), Precondition::None) if !item::is_expired(&found, now) => read = Some(found),
                (Some(found), Precondition::Tags(_)) if !item::is_expired(&found, now) => {
                    return Err(StoreError::PreconditionFailed);
                }
                _ => return Err(StoreError::NotFound),
            }
        }
        Err(keeps_changing())
    }

    /// Applies the update to the item that was read, or to one that is as the update assumes.
    pub(super) async fn try_update(
        &self,
        key: &Item,
        update: &ConfigUpdate,
        read: Option<Item>,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Result<Updated, Rejection>, StoreError> {
        let version = (self.new_version)()?;
        let mut placeholders = Placeholders::default();
        let (changes, condition) = match &read {
            Some(read) => {
                let resolved = update.resolve(&item::stored_config(read.clone()));
                let unchanged = placeholders.is_unchanged(read, item::modelled_attributes());
                (resolved.map_err(StoreError::BrokenRules)?, unchanged)
            }
            None => (update.changes().to_vec(), is_as_assumed(&mut placeholders, update, now)),
        };
        let changes = item::item_update(&changes, read.as_ref(), &version, by, now);
        let expression = changes.expression(&mut placeholders);
        let written = self
            .table
            .update(key.clone(), expression, condition, placeholders)
            .await;
        match written.map_err(|error| broken_rule(error, update))? {
            Written::Applied(before) => {
                // The condition includes that the item exists.
                let before = before.unwrap_or_default();
                Ok(Ok(Updated {
                    before: Some(item::stored_config(before.clone())),
                    after: item::tagged_config(changes.apply(before)),
                }))
            }
            Written::Rejected(rejection) => Ok(match own_work(&rejection, by) {
                Some(found) => Ok(Updated {
                    before: read.map(item::stored_config),
                    after: item::tagged_config(found.clone()),
                }),
                None => Err(rejection),
            }),
        }
    }

    /// What a write is to be bound to: the item, if the precondition asks for a content and the item has it. With a time, an
    /// item that has expired by then does not exist.
    pub(super) async fn read_for(
        &self,
        key: &Item,
        precondition: &Precondition,
        alive_at: Option<DateTime<Utc>>,
    ) -> Result<Option<Item>, StoreError> {
        let Precondition::Tags(tags) = precondition else {
            return Ok(None);
        };
        let item = self.table.get(key.clone()).await?;
        let item = item
            .filter(|item| !alive_at.is_some_and(|now| item::is_expired(item, now)))
            .ok_or(StoreError::NotFound)?;
        if tags.contains(&item::tag(&item)) {
            Ok(Some(item))
        } else {
            Err(StoreError::PreconditionFailed)
        }
    }
}

/// The condition of a creation: there is no configuration, or only an expired one.
pub(super) fn is_free(placeholders: &mut Placeholders, now: DateTime<Utc>) -> String {
    placeholders.is_free(Field::TenantId.name(), Field::Ttl.name(), now)
}

/// "The item exists and has not expired".
pub(super) fn is_alive(placeholders: &mut Placeholders, now: DateTime<Utc>) -> String {
    let exists = placeholders.exists(Field::TenantId.name());
    format!("{exists} AND {}", placeholders.is_alive(Field::Ttl.name(), now))
}

/// The condition of an update without a read: the item exists, and is as the update assumes.
fn is_as_assumed(placeholders: &mut Placeholders, update: &ConfigUpdate, now: DateTime<Utc>) -> String {
    let mut conditions = vec![is_alive(placeholders, now)];
    let assumptions = update.assumptions().into_iter();
    conditions.extend(assumptions.map(|assumption| item::holds(assumption, placeholders)));
    conditions.join(" AND ")
}

/// The failure of a write that depends on an item which is another one each time.
pub(super) fn keeps_changing() -> StoreError {
    StoreError::Throttled("others keep changing the item".into())
}

/// Only the update knows which of its values is the largest.
fn broken_rule(error: StoreError, update: &ConfigUpdate) -> StoreError {
    match error {
        StoreError::TooLarge(_) => StoreError::BrokenRules(vec![update.too_large()]),
        error => error,
    }
}
