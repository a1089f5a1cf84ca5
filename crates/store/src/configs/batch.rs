//! The operations of a batch, one by one: each is made as the request for one configuration makes it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tenant_core::{
    ConfigKey, ConfigUpdate, EntityTag, FieldDiff, Found, IfMatch, NewConfig, Obstacle, Operation, Plan, StoredConfig,
    history::LastChange,
};
use tokio::time::Instant;

use super::{
    ConfigStore, item,
    write::{MAX_ROUNDS, Updated, keeps_changing},
};
use crate::{error::StoreError, item::Item, precondition::Precondition, tag::Tagged};

/// What an operation did.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// It created this configuration.
    Created(Tagged<StoredConfig>),
    /// It made this update.
    Updated(Updated),
    /// It deleted this item. `None` where a retry found that an earlier attempt had deleted it.
    Deleted(Option<StoredConfig>),
    /// Nothing: the configuration is there already, as it is to be, or the one to delete is not.
    Unchanged(Option<Tagged<StoredConfig>>),
}

/// What an operation would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Whether the operation would create a configuration.
    pub creates: bool,
    /// Whether it would write or delete anything.
    pub changes: bool,
    /// How it would change the fields of the configuration.
    pub diff: Vec<FieldDiff>,
    /// The tag of the configuration that is there already, as it is to be.
    pub tag: Option<EntityTag>,
}

impl ConfigStore {
    /// Makes an operation: one conditional write (a deletion: two), after a consistent read where the operation expects a content. An upsert is
    /// a creation, and an update only where that finds a configuration.
    pub async fn apply(
        &self,
        operation: &Operation,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Effect, StoreError> {
        match operation {
            Operation::Create(config) => self.create(config, by, now).await.map(Effect::Created),
            Operation::Update { key, update, if_match } => {
                let updated = self.update(key, update, &precondition(*if_match), by, now).await;
                updated.map(Effect::Updated)
            }
            Operation::Upsert { create, merge } => self.upsert(operation, create, merge, by, now).await,
            Operation::Delete {
                key,
                if_match,
                allow_missing,
            } => match self.delete(key, &precondition(*if_match), by).await {
                Err(StoreError::NotFound) if *allow_missing => Ok(Effect::Unchanged(None)),
                deleted => deleted.map(Effect::Deleted),
            },
        }
    }

    async fn upsert(
        &self,
        operation: &Operation,
        create: &NewConfig,
        merge: &ConfigUpdate,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Effect, StoreError> {
        let key = item::key(&operation.key());
        // The item that the last attempt found instead of what it expected. It is read only where an attempt returns it.
        let mut read: Option<Item> = None;
        for _ in 0..MAX_ROUNDS {
            let rejection = match read.take().filter(|item| !item::is_expired(item, now)) {
                None => match self.try_create(create, by, now).await? {
                    Ok(created) => return Ok(Effect::Created(created)),
                    Err(rejection) => rejection,
                },
                Some(item) => {
                    if operation.plan(Some(&found(&item, now)))? == Plan::Nothing {
                        return Ok(Effect::Unchanged(Some(item::tagged_config(item))));
                    }
                    match self.try_update(&key, merge, Some(item), by, now).await? {
                        Ok(updated) => return Ok(Effect::Updated(updated)),
                        Err(rejection) => rejection,
                    }
                }
            };
            read = rejection.found;
        }
        Err(keeps_changing())
    }

    /// What operations, at most 100 and of different configurations, would do now. Nothing is written. No call is made
    /// after `until`.
    pub async fn plan(
        &self,
        operations: &[&Operation],
        now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Vec<Result<Planned, Obstacle>>, StoreError> {
        let keys: Vec<_> = operations.iter().map(|operation| operation.key()).collect();
        let read = self.read_all(&keys, until).await?;
        let planned = operations.iter().zip(&read).map(|(operation, read)| {
            let found = read.as_ref().map(|item| found(item, now));
            let plan = operation.plan(found.as_ref())?;
            Ok(Planned {
                creates: matches!(plan, Plan::Create(_)),
                changes: plan != Plan::Nothing,
                diff: plan.diff(found.as_ref()),
                tag: found.filter(|_| plan == Plan::Nothing).map(|found| found.tag),
            })
        });
        Ok(planned.collect())
    }

    /// The item under each key, even if it has expired.
    ///
    /// One `BatchGetItem` instead of a hundred `GetItem`s: it reads the same and costs the same, in one round trip.
    pub(super) async fn read_all(&self, keys: &[ConfigKey], until: Instant) -> Result<Vec<Option<Item>>, StoreError> {
        let items = self.table.get_many(keys.iter().map(item::key).collect(), until).await?;
        let mut by_key: HashMap<_, _> = items.into_iter().map(|item| (item::key_texts(&item), item)).collect();
        let read = keys
            .iter()
            .map(|key| by_key.remove(&(key.tenant_id().to_owned(), key.delivery_type().to_owned())));
        Ok(read.collect())
    }
}

/// An item as the plan of an operation needs it.
pub(super) fn found(item: &Item, now: DateTime<Utc>) -> Found {
    Found {
        tag: item::tag(item),
        is_expired: item::is_expired(item, now),
        config: item::stored_config(item.clone()),
    }
}

fn precondition(if_match: Option<IfMatch>) -> Precondition {
    if_match.map_or(Precondition::None, |expected| {
        Precondition::Tags(expected.tag().into_iter().collect())
    })
}
