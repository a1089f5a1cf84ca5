//! Writing configurations: each write is one conditional call, so that two writers cannot both win.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use chrono::{DateTime, Utc};
use tenant_core::{Change, ConfigUpdate, DeliveryType, Field, NewConfig, StoredConfig, TenantId, VERSION_ATTRIBUTE};

use crate::{
    Store,
    attempts::Attempts,
    error::{FailedCondition, StoreError, WriteError},
    expression::{NextVersion, Placeholders},
    item::{self, Item},
    precondition::Precondition,
};

impl Store {
    /// Stores a new configuration. One that is past its time to live is replaced; one that is alive is
    /// [`StoreError::AlreadyExists`].
    pub async fn create(&self, config: &NewConfig, now: DateTime<Utc>) -> Result<StoredConfig, StoreError> {
        let delivery_type = config.delivery_type();
        let item = item::new_item(
            config.tenant_id().as_str(),
            delivery_type,
            config.clone().into_values(),
            now,
        );
        let mut placeholders = Placeholders::default();
        let condition = placeholders.is_free(now);
        let (names, values) = placeholders.into_maps();
        let attempts = Attempts::default();
        let outcome = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.clone()))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(item::stored_config(item)),
            Err(error) => match failed_condition(&error) {
                // An earlier attempt was applied and its answer lost: what stands there is what was to be written.
                Some(FailedCondition { found: Some(found) }) if attempts.may_have_been_applied() && *found == item => {
                    Ok(item::stored_config(item))
                }
                Some(_) => Err(StoreError::AlreadyExists),
                None => Err(StoreError::from_sdk_write(error, &attempts)),
            },
        }
    }

    /// Changes what `update` names and nothing else, attributes unknown to the model included, and returns the whole
    /// configuration as it then stands.
    pub async fn update(
        &self,
        tenant: &TenantId,
        delivery_type: DeliveryType,
        update: &ConfigUpdate,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<StoredConfig, StoreError> {
        let key = item::key(tenant.as_str(), delivery_type.as_str());
        for _ in 0..MAX_ROUNDS {
            let version = match self.update_counting_on(&key, update, precondition, now).await? {
                Counted::On(item) => return Ok(item::stored_config(item)),
                Counted::Not(version) => version,
            };
            match self.update_restarting(&key, update, version, now).await {
                // Somebody was faster, which is of no matter to whoever named no version.
                Err(StoreError::VersionMismatch) if *precondition == Precondition::None => {}
                outcome => return outcome,
            }
        }
        Err(StoreError::Unavailable(
            "others change the version again and again".into(),
        ))
    }

    async fn update_counting_on(
        &self,
        key: &Item,
        update: &ConfigUpdate,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<Counted, StoreError> {
        let mut placeholders = Placeholders::default();
        let expression = placeholders.apply(update, NextVersion::Increment, now);
        let condition = placeholders.may_change(precondition, now);
        let attempts = Attempts::default();
        let outcome = self
            .send_update(key, expression, condition, placeholders, &attempts)
            .await;
        let error = match outcome {
            Ok(item) => return Ok(Counted::On(item)),
            Err(error) => error,
        };
        if error.as_service_error().is_some_and(WriteError::is_wrong_operand_type) {
            let version = self.read_version(key).await?;
            let version = version
                .filter(|version| !version.is_n() && (*precondition == Precondition::None || precondition.names(0)));
            return version.map_or_else(
                || Err(StoreError::from_sdk_write(error, &attempts)),
                |version| Ok(Counted::Not(version)),
            );
        }
        let Some(failed) = failed_condition(&error) else {
            return Err(StoreError::from_sdk_write(error, &attempts));
        };
        match failed.found {
            Some(found)
                if attempts.may_have_been_applied()
                    && follows(found, precondition, now)
                    && is_applied(found, update, now) =>
            {
                Ok(Counted::On(found.clone()))
            }
            _ => failed.version_to_restart(precondition, now).map(Counted::Not),
        }
    }

    /// A hand may have left something in `version` that cannot be counted on from. Such an item gets a new version, if
    /// nobody changes it meanwhile.
    async fn update_restarting(
        &self,
        key: &Item,
        update: &ConfigUpdate,
        version: AttributeValue,
        now: DateTime<Utc>,
    ) -> Result<StoredConfig, StoreError> {
        let mut placeholders = Placeholders::default();
        let expression = placeholders.apply(update, NextVersion::Restart, now);
        let condition = placeholders.may_change_at(version, now);
        let attempts = Attempts::default();
        let outcome = self
            .send_update(key, expression, condition, placeholders, &attempts)
            .await;
        let error = match outcome {
            Ok(item) => return Ok(item::stored_config(item)),
            Err(error) => error,
        };
        match failed_condition(&error) {
            Some(FailedCondition { found: Some(found) })
                if attempts.may_have_been_applied()
                    && found.get(VERSION_ATTRIBUTE) == Some(&item::number(item::first_version(now)))
                    && is_applied(found, update, now) =>
            {
                Ok(item::stored_config(found.clone()))
            }
            Some(failed) => Err(failed.refusal(now)),
            None => Err(StoreError::from_sdk_write(error, &attempts)),
        }
    }

    async fn read_version(&self, key: &Item) -> Result<Option<AttributeValue>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.clone()))
            .consistent_read(true);
        let answer = request.send().await.map_err(StoreError::from_sdk)?;
        Ok(answer.item.and_then(|mut item| item.remove(VERSION_ATTRIBUTE)))
    }

    async fn send_update(
        &self,
        key: &Item,
        expression: String,
        condition: String,
        placeholders: Placeholders,
        attempts: &Attempts,
    ) -> Result<Item, SdkError<UpdateItemError>> {
        let (names, values) = placeholders.into_maps();
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.clone()))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map(|answer| answer.attributes.unwrap_or_default())
    }

    /// Deletes a configuration and returns it as it was; `None` where a retry found that an earlier attempt had deleted
    /// it.
    pub async fn delete(
        &self,
        tenant: &TenantId,
        delivery_type: DeliveryType,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredConfig>, StoreError> {
        let key = item::key(tenant.as_str(), delivery_type.as_str());
        let mut placeholders = Placeholders::default();
        let condition = placeholders.may_change(precondition, now);
        let version = match self.delete_if(&key, condition, placeholders).await? {
            Deletion::Done(item) => return Ok(item.map(item::stored_config)),
            Deletion::Refused(found) => {
                FailedCondition { found: found.as_ref() }.version_to_restart(precondition, now)?
            }
        };
        let mut placeholders = Placeholders::default();
        let condition = placeholders.may_change_at(version, now);
        match self.delete_if(&key, condition, placeholders).await? {
            Deletion::Done(item) => Ok(item.map(item::stored_config)),
            Deletion::Refused(found) => Err(FailedCondition { found: found.as_ref() }.refusal(now)),
        }
    }

    async fn delete_if(
        &self,
        key: &Item,
        condition: String,
        placeholders: Placeholders,
    ) -> Result<Deletion, StoreError> {
        let (names, values) = placeholders.into_maps();
        let attempts = Attempts::default();
        let outcome = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key.clone()))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        match outcome {
            Ok(answer) => Ok(Deletion::Done(answer.attributes)),
            Err(error) => match failed_condition(&error) {
                // An earlier attempt deleted it and its answer was lost. Were it somebody else's delete, the
                // configuration would be just as gone.
                Some(FailedCondition { found: None }) if attempts.may_have_been_applied() => Ok(Deletion::Done(None)),
                Some(failed) => Ok(Deletion::Refused(failed.found.cloned())),
                None => Err(StoreError::from_sdk_write(error, &attempts)),
            },
        }
    }
}

/// Times that an update begins anew because others change the version meanwhile.
const MAX_ROUNDS: usize = 2;

/// How an update that counts on from the version went.
enum Counted {
    /// It was made, and this is the item.
    On(Item),
    /// This version is nothing to count on from.
    Not(AttributeValue),
}

/// How a conditional deletion went.
enum Deletion {
    /// It is gone, and was this; `None` where only a retry found it gone.
    Done(Option<Item>),
    /// The condition did not hold of this item, or of there being none.
    Refused(Option<Item>),
}

fn failed_condition<E: WriteError>(error: &SdkError<E>) -> Option<FailedCondition<'_>> {
    error.as_service_error().and_then(WriteError::failed_condition)
}

impl FailedCondition<'_> {
    /// Why the write was refused.
    fn refusal(&self, now: DateTime<Utc>) -> StoreError {
        match self.found {
            Some(item) if !item::is_expired(item, now) => StoreError::VersionMismatch,
            _ => StoreError::NotFound,
        }
    }

    /// The version of an item that reads as 0, as the precondition has it, and which no condition on numbers finds: a
    /// text, a fraction, a number of another sign. Otherwise the refusal stands.
    fn version_to_restart(
        &self,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<AttributeValue, StoreError> {
        let refusal = self.refusal(now);
        let version = match (&refusal, self.found) {
            (StoreError::VersionMismatch, Some(item)) if precondition.names(0) && item::version(item) == 0 => {
                item.get(VERSION_ATTRIBUTE).cloned()
            }
            _ => None,
        };
        version.ok_or(refusal)
    }
}

/// Whether an item's version is the one after a version that the precondition names.
fn follows(found: &Item, precondition: &Precondition, now: DateTime<Utc>) -> bool {
    let Precondition::Versions(versions) = precondition else {
        return false;
    };
    let version = item::version(found);
    versions.iter().any(|before| match before {
        0 => item::number(version) == item::number(item::first_version(now) + 1),
        before => before.checked_add(1) == Some(version),
    })
}

/// Whether an item is as an update at this time leaves it. Another writer would have had to make the same change within
/// the pauses of the retries, and then the change stands just as well.
fn is_applied(found: &Item, update: &ConfigUpdate, now: DateTime<Utc>) -> bool {
    found.get(Field::UpdatedAt.name()) == Some(&AttributeValue::S(item::time(now)))
        && update.changes().iter().all(|change| match change {
            Change::Set(value) => found.get(value.field().name()) == Some(&item::attribute(value.clone())),
            Change::Remove(field) => !found.contains_key(field.name()),
        })
}
