//! Deleting configurations, so that the history knows who did it.

use tenant_core::{ConfigKey, Field, StoredConfig, history::LastChange};
use tokio::time::sleep;

use super::{
    ConfigStore, item,
    last_change::{Mark, Marking, OtherMarks, is_marked},
    write::keeps_changing,
};
use crate::{
    backoff::pause,
    error::StoreError,
    item::Item,
    placeholders::Placeholders,
    precondition::Precondition,
    table::{Rejection, Written},
};

/// How often the pair of calls is tried. The pauses take 0.9 s on average, in which a deletion that runs at the same time
/// ends even on a busy table.
const MAX_ROUNDS: u32 = 7;

/// The outcome of one pair of calls.
enum Attempted {
    /// The item is deleted. It was this one, unless nothing was read of it.
    Deleted(Option<Item>),
    /// There is no item.
    Absent,
    /// Somebody else wrote the item.
    Changed(Item),
}

impl ConfigStore {
    /// Deletes an item, even if it has expired and DynamoDB has not deleted it yet: log processors still deliver it. Returns it
    /// as it was; `None` where a retry found that an earlier attempt had deleted it and nothing had been read before.
    ///
    /// The item is marked, and then deleted on that mark: see the module `last_change`. If somebody writes it in
    /// between, both are repeated; another deletion is given the time to end first. With a precondition, a consistent read comes first and both are bound to what was read:
    /// such a write is [`StoreError::PreconditionFailed`]. A failure leaves the item as it was.
    pub async fn delete(
        &self,
        key: &ConfigKey,
        precondition: &Precondition,
        by: &LastChange,
    ) -> Result<Option<StoredConfig>, StoreError> {
        let mark = Mark::new(by);
        let read = self.read_for(&item::key(key), precondition, None).await?;
        for round in 1..=MAX_ROUNDS {
            // Deletions that keep replacing each other's mark would all fail. The first round does not ask, since a mark
            // may be left of a request that ended; nor does the last one, for the same reason.
            let others = match round {
                1 | MAX_ROUNDS => OtherMarks::Replaced,
                _ => OtherMarks::Kept,
            };
            match self.try_delete(key, &mark, read.as_ref(), others).await? {
                Attempted::Deleted(item) => return Ok(item.map(item::stored_config)),
                Attempted::Absent => return Err(StoreError::NotFound),
                Attempted::Changed(_) if read.is_some() => return Err(StoreError::PreconditionFailed),
                Attempted::Changed(found) if is_marked(&found) => sleep(pause(round)?).await,
                Attempted::Changed(_) => {}
            }
        }
        Err(keeps_changing())
    }

    async fn try_delete(
        &self,
        key: &ConfigKey,
        mark: &Mark,
        read: Option<&Item>,
        others: OtherMarks,
    ) -> Result<Attempted, StoreError> {
        let before = match self.mark(key, mark, read, others).await? {
            Marking::Done(before) => Some(before),
            Marking::Rejected(None) => return Ok(Attempted::Absent),
            Marking::Rejected(Some(found)) => return Ok(Attempted::Changed(found)),
            // The history will not know the request. That is better than an item which nobody can delete.
            Marking::NoRoom => None,
        };
        let mut placeholders = Placeholders::default();
        let marked = before.is_some().then(|| mark.is_present(&mut placeholders));
        let unchanged = read.map(|read| placeholders.is_unchanged(read, item::modelled_attributes()));
        let conditions: Vec<_> = marked.into_iter().chain(unchanged).collect();
        let condition = if conditions.is_empty() {
            placeholders.exists(Field::TenantId.name())
        } else {
            conditions.join(" AND ")
        };
        let deleted = self.table.delete(item::key(key), condition, placeholders).await;
        match deleted {
            Ok(Written::Applied(item)) => Ok(Attempted::Deleted(item)),
            // An earlier attempt deleted it and its response was lost. Even if another client had deleted it, the
            // configuration would be gone.
            Ok(Written::Rejected(Rejection {
                found: None,
                may_have_been_applied: true,
            })) => Ok(Attempted::Deleted(read.cloned().or(before))),
            Ok(Written::Rejected(Rejection { found: None, .. })) => Ok(Attempted::Absent),
            Ok(Written::Rejected(Rejection { found: Some(found), .. })) => {
                // A person who changes a marked item keeps the mark.
                if mark.is_on(&found) {
                    self.take_back(key, mark, before.as_ref()).await;
                }
                Ok(Attempted::Changed(found))
            }
            Err(error) => {
                if before.is_some() {
                    self.take_back(key, mark, before.as_ref()).await;
                }
                Err(error)
            }
        }
    }
}
