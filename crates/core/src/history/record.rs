//! From a record of the stream to an entry of the history.

use chrono::{DateTime, Utc};

use super::{
    actor::{self, Actor, UserIdentity},
    as_of::is_expired,
    entry::{Entry, Event},
    image::Image,
    images::Images,
    last_change::{ChangeKind, LAST_CHANGE_ATTRIBUTE, LastChange},
    revision::Revision,
};
use crate::config::ConfigKey;

/// A record of the table's stream: one change of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The item.
    pub key: ConfigKey,
    /// The name of the change.
    pub revision: Revision,
    /// The item before the change, if it existed.
    pub old: Option<Image>,
    /// The item after the change, unless it was deleted.
    pub new: Option<Image>,
    /// The identity that the record names.
    pub identity: Option<UserIdentity>,
}

impl Record {
    /// The entry of the change. `None` for the mark that precedes a deletion, and where it is taken back: nothing has
    /// changed.
    #[must_use]
    pub fn into_entry(self, recorded_at: DateTime<Utc>) -> Option<Entry> {
        let Self {
            key,
            revision,
            old,
            new,
            identity,
        } = self;
        let (event, actor, images) = match (old, new) {
            (Some(old), Some(new)) if is_mark(&old, &new) => return None,
            (old, Some(new)) => {
                let actor = actor::writer(old.as_ref(), &new);
                let event = match &old {
                    Some(old) if !is_replaced(old, &actor, revision.changed_at()) => Event::Updated,
                    _ => Event::Created,
                };
                (event, actor, Images::between(old, Some(new)))
            }
            (Some(old), None) => {
                let actor = actor::deleter(&old, identity.as_ref(), revision.changed_at());
                let event = match actor {
                    Actor::Ttl => Event::Expired,
                    Actor::Api(_) | Actor::Direct => Event::Deleted,
                };
                (event, actor, Images::between(Some(old), None))
            }
            // The stream does not contain the items.
            (None, None) => (Event::Observed, Actor::Direct, Images::Truncated),
        };
        Some(Entry::new(key, revision, event, actor, images, recorded_at))
    }
}

/// Whether only the name of a deletion was written, or replaced by what it had replaced. An item that a hand also changes
/// in that write has changed.
fn is_mark(old: &Image, new: &Image) -> bool {
    let is_marked = |item| LastChange::read(item).is_some_and(|change| change.kind == ChangeKind::Delete);
    (is_marked(new) || is_marked(old)) && new.is_equal_without(old, LAST_CHANGE_ATTRIBUTE)
}

/// Whether this service created a configuration over an item that had expired and was not deleted yet. It never updates
/// one.
fn is_replaced(old: &Image, actor: &Actor, changed_at: DateTime<Utc>) -> bool {
    match actor {
        Actor::Api(change) => change.kind == ChangeKind::Create || is_expired(&old.config(), changed_at),
        Actor::Ttl | Actor::Direct => false,
    }
}
