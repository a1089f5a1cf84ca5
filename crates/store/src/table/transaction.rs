//! Several items in one call: read, or written together or not at all.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, Delete, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        Update,
    },
};
use tokio::time::{Instant, sleep};

use super::Table;
use crate::{
    attempts::Attempts,
    backoff::pause,
    error::{BoxError, StoreError, is_too_large, unbuildable},
    item::Item,
    placeholders::Placeholders,
};

/// One write of a transaction.
#[derive(Debug)]
pub(crate) struct TransactedWrite {
    pub(crate) action: Action,
    /// The write fails, and with it the transaction, unless it is met.
    pub(crate) condition: String,
    pub(crate) placeholders: Placeholders,
}

/// What a write does.
#[derive(Debug)]
pub(crate) enum Action {
    /// Writes a whole item.
    Put(Item),
    /// Changes an item.
    Update { key: Item, expression: String },
    /// Deletes an item.
    Delete(Item),
}

/// The outcome of a transaction that reached the table.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// Every write was applied.
    Applied,
    /// None was. One entry for each write.
    Cancelled {
        outcomes: Vec<WriteOutcome>,
        cause: BoxError,
    },
}

/// What one write contributed to the cancellation of its transaction.
#[derive(Debug)]
pub(crate) enum WriteOutcome {
    /// Nothing.
    Possible,
    /// Its condition was not met by this item, or by the absence of one.
    Rejected(Option<Item>),
    /// Another call uses the item, or the table is throttled.
    Busy,
    /// The item would become larger than DynamoDB allows.
    TooLarge,
}

impl Table {
    /// The items under these keys, at most 100, in any order, read consistently. It is one call unless they are larger than
    /// 16 MB together or the table throttles some of them. No further call is made after `until`.
    pub(crate) async fn get_many(&self, keys: Vec<Item>, until: Instant) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut rest = keys;
        let mut futile = 0;
        while !rest.is_empty() {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(rest))
                .consistent_read(true)
                .build()
                .map_err(unbuildable)?;
            let request = self.client.batch_get_item().request_items(&self.name, keys);
            let response = request.send().await.map_err(StoreError::from_sdk)?;
            let items = response.responses.and_then(|mut tables| tables.remove(&self.name));
            let items = items.unwrap_or_default();
            futile = if items.is_empty() { futile + 1 } else { 0 };
            found.extend(items);
            let unprocessed = response
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(&self.name));
            rest = unprocessed.map(|unprocessed| unprocessed.keys).unwrap_or_default();
            if futile > 0 && !rest.is_empty() {
                let pause = pause(futile)?;
                if Instant::now() + pause >= until {
                    return Err(StoreError::Throttled("some of the keys were not processed".into()));
                }
                sleep(pause).await;
            }
        }
        Ok(found)
    }

    /// Makes all of these writes, at most 100 and of different items, or none.
    ///
    /// The SDK adds a token that is the same for every attempt of this call. DynamoDB knows by it a transaction that it has
    /// applied already, so a retry after a lost response succeeds without another write.
    pub(crate) async fn transact(&self, writes: Vec<TransactedWrite>) -> Result<Transacted, StoreError> {
        let writes = writes.into_iter().map(|write| self.transact_item(write));
        let writes = writes.collect::<Result<Vec<_>, _>>()?;
        let count = writes.len();
        let attempts = Attempts::default();
        let outcome = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(Transacted::Applied),
            Err(error) => match cancelled(&error).filter(|outcomes| outcomes.len() == count) {
                Some(outcomes) => Ok(Transacted::Cancelled {
                    outcomes,
                    cause: error.into(),
                }),
                None => Err(StoreError::from_sdk_write(error, &attempts)),
            },
        }
    }

    fn transact_item(&self, write: TransactedWrite) -> Result<TransactWriteItem, StoreError> {
        let (names, values) = write.placeholders.into_maps();
        let on_failure = ReturnValuesOnConditionCheckFailure::AllOld;
        let item = TransactWriteItem::builder();
        Ok(match write.action {
            Action::Put(new) => item.put(
                Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(new))
                    .condition_expression(write.condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(on_failure)
                    .build()
                    .map_err(unbuildable)?,
            ),
            Action::Update { key, expression } => item.update(
                Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .update_expression(expression)
                    .condition_expression(write.condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(on_failure)
                    .build()
                    .map_err(unbuildable)?,
            ),
            Action::Delete(key) => item.delete(
                Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .condition_expression(write.condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(on_failure)
                    .build()
                    .map_err(unbuildable)?,
            ),
        }
        .build())
    }
}

/// The outcome of each write, if that is why the call failed and every reason is one that the caller can act on.
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<Vec<WriteOutcome>> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons().iter().map(outcome).collect()
        }
        _ => None,
    }
}

/// Source: `TransactWriteItems` in the Amazon DynamoDB API Reference.
fn outcome(reason: &CancellationReason) -> Option<WriteOutcome> {
    match reason.code() {
        None | Some("None") => Some(WriteOutcome::Possible),
        Some("ConditionalCheckFailed") => Some(WriteOutcome::Rejected(reason.item().cloned())),
        Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => Some(WriteOutcome::Busy),
        Some("ValidationError") if reason.message().is_some_and(is_too_large) => Some(WriteOutcome::TooLarge),
        Some(_) => None,
    }
}
