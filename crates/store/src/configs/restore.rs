//! Making a configuration what it was.

use chrono::{DateTime, Utc};
use tenant_core::{ConfigKey, NewConfig, history::LastChange};

use super::{
    ConfigStore,
    batch::Effect,
    item,
    last_change::own_work,
    write::{MAX_ROUNDS, Updated, is_alive, keeps_changing},
};
use crate::{
    error::StoreError,
    item::Item,
    placeholders::Placeholders,
    precondition::Precondition,
    table::{Rejection, Written},
};

impl ConfigStore {
    /// Makes a configuration exactly `config`: its fields get these values, and lose those that `config` does not have.
    /// Attributes that are not fields stay, and so does the time of the creation. Where there is no configuration, or only
    /// an expired one, it is created.
    ///
    /// Without a precondition this is one call for a configuration that exists, whatever it contains. With one, a
    /// consistent read comes first and the write is bound to it; what does not exist meets none.
    pub async fn restore(
        &self,
        config: &NewConfig,
        precondition: &Precondition,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Effect, StoreError> {
        let key = item::key(&ConfigKey::for_config(config.tenant_id(), config.delivery_type()));
        let read = match self.read_for(&key, precondition, Some(now)).await {
            Err(StoreError::NotFound) => return Err(StoreError::PreconditionFailed),
            read => read?,
        };
        for _ in 0..MAX_ROUNDS {
            let rejection = match self.try_replace(&key, config, read.as_ref(), by, now).await? {
                Ok(updated) => return Ok(Effect::Updated(updated)),
                Err(rejection) => rejection,
            };
            if read.is_some() {
                return Err(StoreError::PreconditionFailed);
            }
            // One that was created since the attempt is replaced in the next round.
            if rejection.found.is_none_or(|found| item::is_expired(&found, now))
                && let Ok(created) = self.try_create(config, by, now).await?
            {
                return Ok(Effect::Created(created));
            }
        }
        Err(keeps_changing())
    }

    /// Replaces the fields of the item that was read, or of any that is alive.
    async fn try_replace(
        &self,
        key: &Item,
        config: &NewConfig,
        read: Option<&Item>,
        by: &LastChange,
        now: DateTime<Utc>,
    ) -> Result<Result<Updated, Rejection>, StoreError> {
        let version = (self.new_version)()?;
        let mut placeholders = Placeholders::default();
        let condition = match read {
            Some(read) => placeholders.is_unchanged(read, item::modelled_attributes()),
            None => is_alive(&mut placeholders, now),
        };
        let changes = item::item_replacement(config, &version, by, now);
        let expression = changes.expression(&mut placeholders);
        let written = self.table.update(key.clone(), expression, condition, placeholders);
        match written.await {
            Err(StoreError::TooLarge(_)) => Err(StoreError::BrokenRules(vec![config.too_large()])),
            Err(error) => Err(error),
            Ok(Written::Applied(before)) => {
                let before = before.unwrap_or_default();
                Ok(Ok(Updated {
                    before: Some(item::stored_config(before.clone())),
                    after: item::tagged_config(changes.apply(before)),
                }))
            }
            Ok(Written::Rejected(rejection)) => Ok(match own_work(&rejection, by) {
                Some(found) => Ok(Updated {
                    before: read.cloned().map(item::stored_config),
                    after: item::tagged_config(found.clone()),
                }),
                None => Err(rejection),
            }),
        }
    }
}
