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
        let delivery_type = config.destination.delivery_type();
        let item = item::new_item(
            config.tenant_id.as_str(),
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
                // The first attempt was applied and its answer lost: what stands there is what was to be written.
                Some(FailedCondition { found: Some(found) }) if attempts.were_repeated() && *found == item => {
                    Ok(item::stored_config(item))
                }
                Some(_) => Err(StoreError::AlreadyExists),
                None => Err(StoreError::from_sdk_write(error)),
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
        let mut placeholders = Placeholders::default();
        let expression = placeholders.apply(update, NextVersion::Increment, now);
        let condition = placeholders.may_change(precondition, now);
        let attempts = Attempts::default();
        let outcome = self
            .send_update(key.clone(), expression, condition, placeholders, &attempts)
            .await;
        match outcome {
            Ok(item) => Ok(item::stored_config(item)),
            Err(error) if error.as_service_error().is_some_and(WriteError::is_wrong_operand_type) => {
                self.update_restarting_version(key, update, precondition, now, error)
                    .await
            }
            Err(error) => match failed_condition(&error) {
                Some(FailedCondition { found: Some(found) })
                    if attempts.were_repeated() && is_applied(found, update, precondition, now) =>
                {
                    Ok(item::stored_config(found.clone()))
                }
                Some(failed) => Err(refusal(&failed, now)),
                None => Err(StoreError::from_sdk_write(error)),
            },
        }
    }

    /// A hand may have left something in `version` that cannot be counted on from. Such an item gets a new version, if
    /// nobody changes it meanwhile.
    async fn update_restarting_version(
        &self,
        key: Item,
        update: &ConfigUpdate,
        precondition: &Precondition,
        now: DateTime<Utc>,
        cause: SdkError<UpdateItemError>,
    ) -> Result<StoredConfig, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.clone()))
            .consistent_read(true);
        let answer = request.send().await.map_err(StoreError::from_sdk)?;
        let version = answer.item.and_then(|mut item| item.remove(VERSION_ATTRIBUTE));
        let Some(version) = version.filter(|version| !version.is_n()) else {
            return Err(StoreError::from_sdk_write(cause));
        };
        let mut placeholders = Placeholders::default();
        let expression = placeholders.apply(update, NextVersion::Restart, now);
        let condition = format!(
            "{} AND {}",
            placeholders.may_change(precondition, now),
            placeholders.version_is_still(version)
        );
        match self
            .send_update(key, expression, condition, placeholders, &Attempts::default())
            .await
        {
            Ok(item) => Ok(item::stored_config(item)),
            Err(error) => Err(match failed_condition(&error) {
                Some(failed) => refusal(&failed, now),
                None => StoreError::from_sdk_write(error),
            }),
        }
    }

    async fn send_update(
        &self,
        key: Item,
        expression: String,
        condition: String,
        placeholders: Placeholders,
        attempts: &Attempts,
    ) -> Result<Item, SdkError<UpdateItemError>> {
        let (names, values) = placeholders.into_maps();
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
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

    /// Deletes a configuration and returns it as it was; `None` where a retry found that the first attempt had deleted it.
    pub async fn delete(
        &self,
        tenant: &TenantId,
        delivery_type: DeliveryType,
        precondition: &Precondition,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredConfig>, StoreError> {
        let mut placeholders = Placeholders::default();
        let condition = placeholders.may_change(precondition, now);
        let (names, values) = placeholders.into_maps();
        let attempts = Attempts::default();
        let outcome = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(item::key(tenant.as_str(), delivery_type.as_str())))
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
            Ok(answer) => Ok(answer.attributes.map(item::stored_config)),
            Err(error) => match failed_condition(&error) {
                // The first attempt deleted it and its answer was lost. Were it somebody else's delete, the
                // configuration would be just as gone.
                Some(FailedCondition { found: None }) if attempts.were_repeated() => Ok(None),
                Some(failed) => Err(refusal(&failed, now)),
                None => Err(StoreError::from_sdk_write(error)),
            },
        }
    }
}

fn failed_condition<E: WriteError>(error: &SdkError<E>) -> Option<FailedCondition<'_>> {
    error.as_service_error().and_then(WriteError::failed_condition)
}

/// Why a change was refused.
fn refusal(failed: &FailedCondition<'_>, now: DateTime<Utc>) -> StoreError {
    match failed.found {
        Some(item) if !item::is_expired(item, now) => StoreError::VersionMismatch,
        _ => StoreError::NotFound,
    }
}

/// Whether a repeated update failed on its own first attempt: everything is as it would have left it, at this very call's
/// time, in the version after one that the precondition names. Another writer would have had to make the same change in
/// the time of one retry, and then the change stands just as well.
fn is_applied(found: &Item, update: &ConfigUpdate, precondition: &Precondition, now: DateTime<Utc>) -> bool {
    let Precondition::Versions(versions) = precondition else {
        return false;
    };
    let version = found
        .get(VERSION_ATTRIBUTE)
        .and_then(|version| version.as_n().ok())
        .and_then(|version| version.parse::<u64>().ok());
    version
        .and_then(|version| version.checked_sub(1))
        .is_some_and(|version| versions.contains(&version))
        && found.get(Field::UpdatedAt.name()) == Some(&AttributeValue::S(item::time(now)))
        && update.changes().iter().all(|change| match change {
            Change::Set(value) => found.get(value.field().name()) == Some(&item::attribute(value.clone())),
            Change::Remove(field) => !found.contains_key(field.name()),
        })
}
