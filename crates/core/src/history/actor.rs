//! Who made a change.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    image::Image,
    last_change::{ChangeKind, LastChange},
};

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A request to this service.
    Api(LastChange),
    /// DynamoDB, which deletes an item after its time to live.
    Ttl,
    /// Somebody who writes the table past this service: a person, another program, or a restored backup.
    Direct,
}

/// The identity that a record of the stream names. Records of changes that a caller of DynamoDB makes name nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// `type` of the record's `userIdentity`.
    pub kind: String,
    /// `principalId` of the record's `userIdentity`.
    pub principal_id: String,
}

impl UserIdentity {
    /// Whether it is DynamoDB's deletion of expired items. Source: "DynamoDB Streams and Time to Live" in the Amazon
    /// DynamoDB Developer Guide.
    #[must_use]
    pub fn is_ttl(&self) -> bool {
        self.kind == "Service" && self.principal_id == "dynamodb.amazonaws.com"
    }
}

/// Who wrote the new item: the request that it names, unless the old item named that one as well. Then somebody else
/// wrote it and left the attribute as it was.
pub(super) fn writer(old: Option<&Image>, new: &Image) -> Actor {
    let before = old.and_then(LastChange::read);
    match LastChange::read(new) {
        Some(change) if before.is_none_or(|before| before.request_id != change.request_id) => Actor::Api(change),
        _ => Actor::Direct,
    }
}

/// A request deletes within this time after it has marked the item: the longest batch takes 29 seconds. The rest is for
/// clocks that differ.
const LONGEST_DELETION: TimeDelta = TimeDelta::minutes(1);

/// Who deleted the item. A record of a deletion has the attributes of the write before it, so a request marks the item
/// with its own name first. A request that ends between the two leaves its mark on the item. Somebody who deletes that
/// later is not the request.
pub(super) fn deleter(old: &Image, identity: Option<&UserIdentity>, deleted_at: DateTime<Utc>) -> Actor {
    if identity.is_some_and(UserIdentity::is_ttl) {
        return Actor::Ttl;
    }
    match LastChange::read(old) {
        Some(change) if change.kind == ChangeKind::Delete && is_recent(&change, deleted_at) => Actor::Api(change),
        _ => Actor::Direct,
    }
}

fn is_recent(mark: &LastChange, deleted_at: DateTime<Utc>) -> bool {
    deleted_at.signed_duration_since(mark.at).abs() <= LONGEST_DELETION
}
