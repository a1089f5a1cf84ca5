//! The operations of an atomic batch: all of them in one transaction, with the conditions that each would have alone.
//!
//! A transaction cannot write an item twice, so what it deletes is marked before. If it is not made, the marks are taken
//! back.

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use tenant_core::{ConfigKey, Obstacle, Operation, Plan, history::LastChange};
use tokio::time::{Instant, sleep};

use super::{
    ConfigStore,
    batch::{Effect, found},
    item,
    last_change::{Mark, Marking, OtherMarks},
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
/// Items that are marked at the same time. A hundred of them take some ten round trips.
const CONCURRENT_MARKS: usize = 10;

/// What is known of one operation while its transaction is tried.
struct Attempt<'a> {
    operation: &'a Operation,
    key: ConfigKey,
    read: Option<Item>,
    marked: Marked,
}

/// Whether the item of an operation carries the mark of its deletion.
#[derive(Debug, PartialEq)]
enum Marked {
    No,
    /// It does, and this is the item before.
    Yes(Item),
    /// There is no room for it. The item is deleted without.
    NoRoom,
}

/// What all operations of a transaction have in common.
struct Change<'a> {
    by: &'a LastChange,
    mark: Mark,
    now: DateTime<Utc>,
}

/// One write, and what it does if the transaction is applied.
struct Write {
    transacted: TransactedWrite,
    bytes: usize,
    effect: Effect,
}

impl ConfigStore {
    /// Makes all of these operations, at most 100 and of different configurations, or none. All items are read, and each write
    /// is bound to what was read of its item. No call is made after `until`, except that marks are taken back.
    pub async fn apply_atomically(
        &self,
        operations: &[Operation],
        by: &LastChange,
        now: DateTime<Utc>,
        until: Instant,
    ) -> Result<Transacted, StoreError> {
        let keys: Vec<_> = operations.iter().map(Operation::key).collect();
        let read = self.read_all(&keys, until).await?;
        let attempts = operations.iter().zip(keys.into_iter().zip(read));
        let mut attempts: Vec<_> = attempts
            .map(|(operation, (key, read))| Attempt {
                operation,
                key,
                read,
                marked: Marked::No,
            })
            .collect();
        let change = Change {
            by,
            mark: Mark::new(by),
            now,
        };
        let transacted = self.transact(&mut attempts, &change, until).await;
        if !matches!(transacted, Ok(Transacted::Applied(_))) {
            self.take_all_back(&attempts, &change.mark).await;
        }
        transacted
    }

    async fn transact(
        &self,
        attempts: &mut [Attempt<'_>],
        change: &Change<'_>,
        until: Instant,
    ) -> Result<Transacted, StoreError> {
        let mut retries = 0;
        loop {
            let plans: Vec<_> = attempts.iter().map(|attempt| attempt.plan(change.now)).collect();
            if plans.iter().any(Result::is_err) {
                return Ok(Transacted::Rejected(plans.into_iter().map(Result::err).collect()));
            }
            let plans: Vec<_> = plans.into_iter().flatten().collect();
            if !self.mark_all(attempts, &plans, &change.mark).await? {
                retries += 1;
                wait(retries, false, "others keep changing the items".into(), until).await?;
                continue;
            }
            // The operation that each write belongs to.
            let (mut indices, mut writes, mut effects) = (Vec::new(), Vec::new(), Vec::new());
            let mut bytes = 0;
            for (index, (attempt, plan)) in attempts.iter().zip(plans).enumerate() {
                let Some(write) = self.write(attempt, plan, change)? else {
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
            if let Some(rejected) = too_large(attempts, &indices, &outcomes) {
                return Ok(rejected);
            }
            let is_busy = outcomes.iter().any(|outcome| matches!(outcome, WriteOutcome::Busy));
            for (index, outcome) in indices.into_iter().zip(outcomes) {
                if let WriteOutcome::Rejected(found) = outcome {
                    attempts[index].found(found, &change.mark);
                }
            }
            retries += 1;
            wait(retries, is_busy, cause, until).await?;
        }
    }

    /// Marks the items that the plans delete, as far as they are not marked. Returns whether every item was as it was read;
    /// otherwise the operations must be planned again.
    async fn mark_all(
        &self,
        attempts: &mut [Attempt<'_>],
        plans: &[Plan<'_>],
        mark: &Mark,
    ) -> Result<bool, StoreError> {
        let mut calls = Vec::new();
        for (attempt, plan) in attempts.iter_mut().zip(plans) {
            if *plan == Plan::Delete && attempt.marked == Marked::No {
                calls.push(self.mark_one(attempt, mark));
            }
        }
        let calls = stream::iter(calls).buffer_unordered(CONCURRENT_MARKS);
        let outcomes: Vec<_> = calls.collect().await;
        // Every call has ended by now, so what was marked is known even if one of them failed.
        outcomes.into_iter().try_fold(true, |all, marked| Ok(all && marked?))
    }

    async fn mark_one(&self, attempt: &mut Attempt<'_>, mark: &Mark) -> Result<bool, StoreError> {
        match self
            .mark(&attempt.key, mark, attempt.read.as_ref(), OtherMarks::Replaced)
            .await?
        {
            Marking::Done(before) => attempt.marked = Marked::Yes(before),
            Marking::NoRoom => attempt.marked = Marked::NoRoom,
            Marking::Rejected(found) => attempt.found(found, mark),
        }
        Ok(attempt.marked != Marked::No)
    }

    /// Takes back the marks of a transaction that was not made.
    async fn take_all_back(&self, attempts: &[Attempt<'_>], mark: &Mark) {
        let mut calls = Vec::new();
        for attempt in attempts {
            if let Marked::Yes(before) = &attempt.marked {
                calls.push(self.take_back(&attempt.key, mark, Some(before)));
            }
        }
        let calls = stream::iter(calls).buffer_unordered(CONCURRENT_MARKS);
        calls.collect::<()>().await;
    }

    /// The write of a plan, if it has one.
    fn write(&self, attempt: &Attempt<'_>, plan: Plan<'_>, change: &Change<'_>) -> Result<Option<Write>, StoreError> {
        let &Change { by, ref mark, now } = change;
        let key = item::key(&attempt.key);
        let version = (self.new_version)()?;
        let mut placeholders = Placeholders::default();
        let read = attempt.read.clone();
        let (action, condition, effect) = match (plan, read) {
            (Plan::Create(config), _) => {
                let item = item::new_item(config, &version, by, now);
                let condition = is_free(&mut placeholders, now);
                let created = Effect::Created(item::tagged_config(item.clone()));
                (Action::Put(item), condition, created)
            }
            (Plan::Update(changes), Some(read)) => {
                let condition = placeholders.is_unchanged(&read, item::modelled_attributes());
                let update = item::item_update(&changes, Some(&read), &version, by, now);
                let expression = update.expression(&mut placeholders);
                let updated = Effect::Updated(Updated {
                    before: Some(item::stored_config(read.clone())),
                    after: item::tagged_config(update.apply(read)),
                });
                (Action::Update { key, expression }, condition, updated)
            }
            (Plan::Delete, Some(read)) => {
                let mut condition = placeholders.is_unchanged(&read, item::modelled_attributes());
                if let Marked::Yes(_) = attempt.marked {
                    condition = format!("{condition} AND {}", mark.is_present(&mut placeholders));
                }
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

    /// Somebody changed the item in between. What was found decides whether the operation is still possible.
    fn found(&mut self, found: Option<Item>, mark: &Mark) {
        // A person who changes a marked item keeps the mark.
        if !found.as_ref().is_some_and(|found| mark.is_on(found)) {
            self.marked = Marked::No;
        }
        self.read = found;
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
