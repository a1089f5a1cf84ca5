//! One DynamoDB table: reads and conditional writes of items, whatever their resource is.

mod range;
mod transaction;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    types::{AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use crate::{
    attempts::Attempts,
    error::{StoreError, WriteError},
    item::Item,
    placeholders::Placeholders,
};

pub(crate) use range::Range;
pub(crate) use transaction::{Action, Transacted, TransactedWrite, WriteOutcome};

/// A table, reached through a client. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

/// What one call of a query or a scan found.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The items that passed the filter.
    pub(crate) items: Vec<Item>,
    /// The number of items that were read, whether or not they passed.
    pub(crate) scanned: usize,
    /// The key after which the next call starts; `None` at the end of the partition or the table.
    pub(crate) next: Option<Item>,
}

/// The outcome of a conditional write that reached the table.
#[derive(Debug)]
pub(crate) enum Written<T> {
    /// The condition was met.
    Applied(T),
    /// The condition was not met by the last attempt.
    Rejected(Rejection),
}

/// A condition that was not met.
#[derive(Debug)]
pub(crate) struct Rejection {
    /// The item under the key, if there was one.
    pub(crate) found: Option<Item>,
    /// Whether an earlier attempt of the same write may have been applied. Then `found` may be its work.
    pub(crate) may_have_been_applied: bool,
}

impl Rejection {
    /// The item that an earlier attempt of the same write left: its response was lost, and so the next attempt failed.
    /// The write gave this attribute a value that no other write gives it.
    pub(crate) fn own_work(&self, attribute: &str, value: &AttributeValue) -> Option<&Item> {
        let found = self.found.as_ref().filter(|_| self.may_have_been_applied)?;
        (found.get(attribute) == Some(value)).then_some(found)
    }
}

impl Table {
    pub(crate) fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }

    /// The item under this key, read consistently.
    pub(crate) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key));
        let response = request.consistent_read(true).send().await;
        Ok(response.map_err(StoreError::from_sdk)?.item)
    }

    /// Whether the table can be read: the cheapest read there is, of a key that no item has.
    pub(crate) async fn ping(&self, absent: Item) -> Result<(), StoreError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(absent));
        let request = request.return_consumed_capacity(ReturnConsumedCapacity::None);
        request.send().await.map(drop).map_err(StoreError::from_sdk)
    }

    /// The items of a partition that pass the filter, if there is one, read consistently, 1 MB at most.
    pub(crate) async fn query(
        &self,
        partition: String,
        filter: Option<String>,
        placeholders: Placeholders,
        start: Option<Item>,
    ) -> Result<Batch, StoreError> {
        let (names, values) = placeholders.into_maps();
        let response = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(partition)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(start)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(Batch {
            items: response.items.unwrap_or_default(),
            scanned: usize::try_from(response.scanned_count).unwrap_or_default(),
            next: response.last_evaluated_key,
        })
    }

    /// The items among the next `limit` of the table that pass the filter, read consistently, 1 MB at most.
    pub(crate) async fn scan(
        &self,
        filter: String,
        placeholders: Placeholders,
        limit: i32,
        start: Option<Item>,
    ) -> Result<Batch, StoreError> {
        let (names, values) = placeholders.into_maps();
        let response = self
            .client
            .scan()
            .table_name(&self.name)
            .limit(limit)
            .filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(start)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(Batch {
            items: response.items.unwrap_or_default(),
            scanned: usize::try_from(response.scanned_count).unwrap_or_default(),
            next: response.last_evaluated_key,
        })
    }

    /// Writes a whole item if the condition is met.
    pub(crate) async fn put(
        &self,
        item: Item,
        condition: String,
        placeholders: Placeholders,
    ) -> Result<Written<()>, StoreError> {
        let (names, values) = placeholders.into_maps();
        let attempts = Attempts::default();
        let outcome = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        conclude(outcome.map(drop), &attempts)
    }

    /// Changes an item if the condition is met, and returns it as it was before. An item that does not exist is created
    /// unless the condition excludes that.
    pub(crate) async fn update(
        &self,
        key: Item,
        update: String,
        condition: String,
        placeholders: Placeholders,
    ) -> Result<Written<Option<Item>>, StoreError> {
        let (names, values) = placeholders.into_maps();
        let attempts = Attempts::default();
        let outcome = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        conclude(outcome.map(|response| response.attributes), &attempts)
    }

    /// Deletes an item if the condition is met, and returns it as it was.
    pub(crate) async fn delete(
        &self,
        key: Item,
        condition: String,
        placeholders: Placeholders,
    ) -> Result<Written<Option<Item>>, StoreError> {
        let (names, values) = placeholders.into_maps();
        let attempts = Attempts::default();
        let outcome = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        conclude(outcome.map(|response| response.attributes), &attempts)
    }
}

fn conclude<T, E: WriteError>(outcome: Result<T, SdkError<E>>, attempts: &Attempts) -> Result<Written<T>, StoreError> {
    let error = match outcome {
        Ok(output) => return Ok(Written::Applied(output)),
        Err(error) => error,
    };
    match error.as_service_error().and_then(WriteError::failed_condition) {
        Some(failed) => Ok(Written::Rejected(Rejection {
            found: failed.found.cloned(),
            may_have_been_applied: attempts.may_have_been_applied(),
        })),
        None => Err(StoreError::from_sdk_write(error, attempts)),
    }
}
