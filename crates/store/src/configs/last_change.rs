//! The attribute in which each write names its request, and the mark that precedes a deletion.
//!
//! A record of the table's stream has no caller, so an item says itself who wrote it last. A record of a deletion has the
//! item as the write before left it. So a deletion is two calls: the first one marks the item with the name of the
//! request, the second one deletes it only as long as the mark is on it.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use tenant_core::{
    ConfigKey, Field,
    history::{ChangeKind, LAST_CHANGE_ATTRIBUTE, LAST_CHANGE_KIND, LastChange},
};
use tokio::time::timeout;

use super::{ConfigStore, item};
use crate::{
    error::StoreError,
    item::Item,
    item_update::ItemUpdate,
    placeholders::Placeholders,
    table::{Rejection, Written},
};

/// How long the removal of a mark may take. It is tried once and nothing depends on it, so the request that failed is not
/// held up by it.
const TAKE_BACK: Duration = Duration::from_millis(500);

/// The item that an earlier attempt of a write by this change left. The id of the request proves it.
pub(super) fn own_work<'a>(rejection: &'a Rejection, by: &LastChange) -> Option<&'a Item> {
    rejection.own_work(LAST_CHANGE_ATTRIBUTE, &item::last_change(by))
}

/// The name of the request that deletes an item, on the item while it still exists.
#[derive(Debug)]
pub(super) struct Mark(AttributeValue);

/// What becomes of the mark of another deletion that is on the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherMarks {
    /// It is replaced, and the other deletion has to begin again.
    Replaced,
    /// It stays, and the item is not marked.
    Kept,
}

/// The outcome of an attempt to mark an item.
#[derive(Debug)]
pub(super) enum Marking {
    /// The mark is on the item, which was this one before.
    Done(Item),
    /// There is another item than the expected one, or none.
    Rejected(Option<Item>),
    /// The item has no room for the mark. Only one that a person wrote is that large.
    NoRoom,
}

impl Mark {
    /// The mark of a deletion that is, or is part of, this change.
    pub(super) fn new(by: &LastChange) -> Self {
        Self(item::last_change(&LastChange {
            kind: ChangeKind::Delete,
            restored_from: None,
            ..by.clone()
        }))
    }

    /// Whether this mark is on the item.
    pub(super) fn is_on(&self, item: &Item) -> bool {
        item.get(LAST_CHANGE_ATTRIBUTE) == Some(&self.0)
    }

    /// "This mark is on the item", which includes that the item exists.
    pub(super) fn is_present(&self, placeholders: &mut Placeholders) -> String {
        placeholders.equals(LAST_CHANGE_ATTRIBUTE, self.0.clone())
    }
}

/// Whether a deletion has marked the item, no matter whose.
pub(super) fn is_marked(item: &Item) -> bool {
    let members = item.get(LAST_CHANGE_ATTRIBUTE).and_then(|change| change.as_m().ok());
    let change = members.and_then(|members| LastChange::from_members(|name| text_member(members, name)));
    change.is_some_and(|change| change.kind == ChangeKind::Delete)
}

/// "No deletion has marked the item".
fn is_unmarked(placeholders: &mut Placeholders) -> String {
    let change = placeholders.name(LAST_CHANGE_ATTRIBUTE);
    let kind = placeholders.alias("kind_of_change", LAST_CHANGE_KIND);
    let deletion = placeholders.value("deletion", AttributeValue::S(ChangeKind::Delete.to_string()));
    format!("NOT ({change}.{kind} = {deletion})")
}

fn text_member<'a>(members: &'a Item, name: &str) -> Option<&'a str> {
    members.get(name)?.as_s().ok().map(String::as_str)
}

impl ConfigStore {
    /// Marks the item that was read, or whatever item there is. The mark is all that changes, so neither entity tags nor
    /// conditions of other writers are affected.
    pub(super) async fn mark(
        &self,
        key: &ConfigKey,
        mark: &Mark,
        read: Option<&Item>,
        others: OtherMarks,
    ) -> Result<Marking, StoreError> {
        let mut placeholders = Placeholders::default();
        let mut condition = match read {
            Some(read) => placeholders.is_unchanged(read, item::modelled_attributes()),
            None => placeholders.exists(Field::TenantId.name()),
        };
        if others == OtherMarks::Kept {
            condition = format!("{condition} AND {}", is_unmarked(&mut placeholders));
        }
        let update = ItemUpdate {
            set: vec![(LAST_CHANGE_ATTRIBUTE, mark.0.clone())],
            ..ItemUpdate::default()
        };
        let expression = update.expression(&mut placeholders);
        match self
            .table
            .update(item::key(key), expression, condition, placeholders)
            .await
        {
            Ok(Written::Applied(before)) => {
                let before = before.unwrap_or_default();
                // An earlier attempt may have marked it.
                let read = read.filter(|_| mark.is_on(&before)).cloned();
                Ok(Marking::Done(read.unwrap_or(before)))
            }
            Ok(Written::Rejected(rejection)) => {
                // An earlier attempt may have left the mark on an item that a person changed since.
                if rejection.found.as_ref().is_some_and(|found| mark.is_on(found)) {
                    self.take_back(key, mark, read).await;
                }
                Ok(Marking::Rejected(rejection.found))
            }
            Err(StoreError::TooLarge(_)) => Ok(Marking::NoRoom),
            // Nothing was deleted, whether or not the mark is on the item.
            Err(StoreError::OutcomeUnknown(cause)) => {
                self.take_back(key, mark, read).await;
                Err(StoreError::Unavailable(cause))
            }
            Err(error) => Err(error),
        }
    }

    /// Restores what the mark replaced, if the mark is still there: the deletion was not made. Otherwise the mark would
    /// make a later deletion by hand seem to be this one. Nobody depends on the outcome: the history ignores an old mark.
    pub(super) async fn take_back(&self, key: &ConfigKey, mark: &Mark, before: Option<&Item>) {
        let before = before.and_then(|before| before.get(LAST_CHANGE_ATTRIBUTE));
        let update = match before.filter(|before| **before != mark.0) {
            Some(before) => ItemUpdate {
                set: vec![(LAST_CHANGE_ATTRIBUTE, before.clone())],
                ..ItemUpdate::default()
            },
            None => ItemUpdate {
                remove: vec![LAST_CHANGE_ATTRIBUTE],
                ..ItemUpdate::default()
            },
        };
        let mut placeholders = Placeholders::default();
        let condition = mark.is_present(&mut placeholders);
        let expression = update.expression(&mut placeholders);
        let call = self.table.update(item::key(key), expression, condition, placeholders);
        drop(timeout(TAKE_BACK, call).await);
    }
}
