//! The operations of an atomic batch: all of them in one transaction, with the conditions that each would have alone.

use chrono::{DateTime, Utc};
use tenant_core::{ConfigKey, Obstacle, Operation, Plan};
use tokio::time::{Instant, sleep};

use super::{
    ConfigStore,
    batch::{Effect, found},
    item,
    write::{Updated, is_free},
};
use crate::{
    backoff::pause,
    error::{BoxError, StoreError},
    item::Item,
    json::max_object_bytes,
    placeholders::Placeholders,
    table::{self, Action, TransactedWrite, WriteOutcome},
};

/// The outcome of an atomic batch that reached the table.
#[derive(Debug)]
pub enum Transacted {
    /// Every operation was made.
    Applied(Vec<Effect>),
    /// None was. The operations that prevented it have the reason; the others would have been possible.
    Rejected(Vec<Option<Obstacle>>),
}

/// A transaction is repeated this often because others use its items. The SDK does not do that.
const MAX_RETRIES: u32 = 3;
/// The items of a transaction at most, together. Source: `TransactWriteItems` in the Amazon DynamoDB API Reference.
const MAX_TRANSACTION_BYTES: usize = 4 * 1024 * 1024;

/// What is known of one operation while its transaction is tried.
struct Attempt<'a> {
    operation: &'a Operation,
    key: ConfigKey,
    read: Option<Item>,
}

/// One write, and what it does if the transaction is applied.
struct Write {
    transacted: TransactedWrite,
    bytes: usize,
    effect: Effect,
}

impl ConfigStore {
    /// Makes all of these operations, at most 100 and of different configurations, or none. All items are read, and each write
    /// is bound to what was read of its item. No call is made after `until`.
    pub async fn apply_atomically(
        &self,
        operations: &[Operation],
        now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Transacted, StoreError> {
        let keys: Vec<_> = operations.iter().map(Operation::key).collect();
        let read = self.read_all(&keys, until).await?;
        let mut attempts: Vec<_> = operations
            .iter()
            .zip(keys.into_iter().zip(read))
            .map(|(operation, (key, read))| Attempt { operation, key, read })
            .collect();
        let mut retries = 0;
        loop {
            let plans: Vec<_> = attempts.iter().map(|attempt| attempt.plan(now)).collect();
            if plans.iter().any(Result::is_err) {
                return Ok(Transacted::Rejected(plans.into_iter().map(Result::err).collect()));
            }
            // The operation that each write belongs to.
            let (mut indices, mut writes, mut effects) = (Vec::new(), Vec::new(), Vec::new());
            let mut bytes = 0;
            for (index, (attempt, plan)) in attempts.iter().zip(plans.into_iter().flatten()).enumerate() {
                let Some(write) = self.write(attempt, plan, now)? else {
                    let unchanged = attempt.read.clone().map(item::tagged_config);
                    effects.push(Effect::Unchanged(unchanged));
                    continue;
                };
                bytes += write.bytes;
                indices.push(index);
                writes.push(write.transacted);
                effects.push(write.effect);
            }
            if bytes > MAX_TRANSACTION_BYTES {
                return Err(StoreError::TransactionTooLarge);
            }
            if writes.is_empty() {
                return Ok(Transacted::Applied(effects));
            }
            let (outcomes, cause) = match self.table.transact(writes).await? {
                table::Transacted::Applied => return Ok(Transacted::Applied(effects)),
                table::Transacted::Cancelled { outcomes, cause } => (outcomes, cause),
            };
            if let Some(rejected) = too_large(&attempts, &indices, &outcomes) {
                return Ok(rejected);
            }
            let is_busy = outcomes.iter().any(|outcome| matches!(outcome, WriteOutcome::Busy));
            for (index, outcome) in indices.into_iter().zip(outcomes) {
                if let WriteOutcome::Rejected(found) = outcome {
                    // Somebody changed the item in between. What was found decides whether the operation is still possible.
                    attempts[index].read = found;
                }
            }
            retries += 1;
            wait(retries, is_busy, cause, until).await?;
        }
    }

    /// The write of a plan, if it has one.
    fn write(&self, attempt: &Attempt<'_>, plan: Plan<'_>, now: DateTime<Utc>) -> Result<Option<Write>, StoreError> {
        let key = item::key(&attempt.key);
        let version = (self.new_version)()?;
        let mut placeholders = Placeholders::default();
        let read = attempt.read.clone();
        let (action, condition, effect) = match (plan, read) {
            (Plan::Create(config), _) => {
                let item = item::new_item(config, &version, now);
                let condition = is_free(&mut placeholders, now);
                let created = Effect::Created(item::tagged_config(item.clone()));
                (Action::Put(item), condition, created)
            }
            (Plan::Update(changes), Some(read)) => {
                let condition = placeholders.is_unchanged(&read, item::modelled_attributes());
                let update = item::item_update(&changes, Some(&read), &version, now);
                let expression = update.expression(&mut placeholders);
                let updated = Effect::Updated(Updated {
                    before: Some(item::stored_config(read.clone())),
                    after: item::tagged_config(update.apply(read)),
                });
                (Action::Update { key, expression }, condition, updated)
            }
            (Plan::Delete, Some(read)) => {
                let condition = placeholders.is_unchanged(&read, item::modelled_attributes());
                (
                    Action::Delete(key),
                    condition,
                    Effect::Deleted(Some(item::stored_config(read))),
                )
            }
            (Plan::Nothing, _) => return Ok(None),
            (Plan::Update(_) | Plan::Delete, None) => {
                return Err(StoreError::Unexpected(
                    "only an item that was read can be changed".into(),
                ));
            }
        };
        // Bounds: the values in JSON are longer than in the table.
        let carried = match &action {
            Action::Put(item) => max_object_bytes(item),
            Action::Update { .. } | Action::Delete(_) => placeholders.max_bytes(),
        };
        let bytes = carried.max(attempt.read.as_ref().map_or(0, max_object_bytes));
        Ok(Some(Write {
            transacted: TransactedWrite {
                action,
                condition,
                placeholders,
            },
            bytes,
            effect,
        }))
    }
}

impl<'a> Attempt<'a> {
    fn plan(&self, now: DateTime<Utc>) -> Result<Plan<'a>, Obstacle> {
        let found = self.read.as_ref().map(|item| found(item, now));
        self.operation.plan(found.as_ref())
    }
}

/// The rejection of a transaction some of whose items would be too large.
fn too_large(attempts: &[Attempt<'_>], indices: &[usize], outcomes: &[WriteOutcome]) -> Option<Transacted> {
    let mut obstacles: Vec<_> = attempts.iter().map(|_| None).collect();
    for (&index, outcome) in indices.iter().zip(outcomes) {
        if matches!(outcome, WriteOutcome::TooLarge)
            && let Operation::Update { update, .. } | Operation::Upsert { merge: update, .. } =
                attempts[index].operation
        {
            obstacles[index] = Some(Obstacle::BrokenRules(vec![update.too_large()]));
        }
    }
    obstacles
        .iter()
        .any(Option::is_some)
        .then_some(Transacted::Rejected(obstacles))
}

/// Waits before this retry, or fails if there is none.
async fn wait(retry: u32, is_busy: bool, cause: BoxError, until: Instant) -> Result<(), StoreError> {
    let pause = pause(retry)?;
    if retry > MAX_RETRIES || Instant::now() + pause >= until {
        return Err(StoreError::Throttled(cause));
    }
    if is_busy {
        sleep(pause).await;
    }
    Ok(())
}
