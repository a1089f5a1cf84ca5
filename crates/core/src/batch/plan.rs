//! What an operation does to the item that was found.

use super::{
    diff::{FieldDiff, diff},
    if_match::IfMatch,
    operation::Operation,
};
use crate::{
    config::{Change, ConfigUpdate, NewConfig, StoredConfig},
    entity_tag::EntityTag,
    violation::FieldError,
};

/// The item under the key of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The item.
    pub config: StoredConfig,
    /// The tag of its content.
    pub tag: EntityTag,
    /// Whether it does not exist for clients, since its time to live has passed. Only a deletion finds it.
    pub is_expired: bool,
}

/// What is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan<'a> {
    /// This configuration, in place of an expired one if there is one.
    Create(&'a NewConfig),
    /// These changes, a new version and the time of the update. An update writes the latter even without changes.
    Update(Vec<Change>),
    /// The item is deleted.
    Delete,
    /// Nothing: what the operation asks for is there already.
    Nothing,
}

/// Why nothing can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The configuration to create exists.
    AlreadyExists,
    /// The item does not exist, or has expired.
    NotFound,
    /// The item has another content than the expected one.
    PreconditionFailed,
    /// The change breaks these rules, which depend on the item.
    BrokenRules(Vec<FieldError>),
}

impl Operation {
    /// What the operation writes where it finds this item, or none.
    pub fn plan(&self, found: Option<&Found>) -> Result<Plan<'_>, Obstacle> {
        let alive = found.filter(|found| !found.is_expired);
        match self {
            Self::Create(config) => match alive {
                None => Ok(Plan::Create(config)),
                Some(_) => Err(Obstacle::AlreadyExists),
            },
            Self::Update { update, if_match, .. } => {
                let found = alive.ok_or(Obstacle::NotFound)?;
                check(*if_match, found)?;
                let changes = update.resolve(&found.config).map_err(Obstacle::BrokenRules)?;
                Ok(Plan::Update(changes))
            }
            Self::Upsert { create, merge } => match alive {
                None => Ok(Plan::Create(create)),
                Some(found) => plan_merge(merge, &found.config),
            },
            Self::Delete {
                if_match,
                allow_missing,
                ..
            } => match found {
                None if *allow_missing => Ok(Plan::Nothing),
                None => Err(Obstacle::NotFound),
                Some(found) => check(*if_match, found).map(|()| Plan::Delete),
            },
        }
    }
}

impl Plan<'_> {
    /// How the plan changes the fields of the item that it was made for.
    #[must_use]
    pub fn diff(&self, found: Option<&Found>) -> Vec<FieldDiff> {
        let before = found.map(|found| &found.config);
        match self {
            Self::Create(config) => diff(None, Some(&config.as_stored())),
            Self::Update(changes) => diff(before, before.map(|before| apply(before, changes)).as_ref()),
            Self::Delete => diff(before, None),
            Self::Nothing => Vec::new(),
        }
    }
}

/// The plan of an upsert where there is a configuration: that of an update, or nothing if every value is stored already.
fn plan_merge<'a>(merge: &ConfigUpdate, stored: &StoredConfig) -> Result<Plan<'a>, Obstacle> {
    let changes = merge.resolve(stored).map_err(Obstacle::BrokenRules)?;
    let changes: Vec<_> = changes.into_iter().filter(|change| !has(stored, change)).collect();
    Ok(if changes.is_empty() {
        Plan::Nothing
    } else {
        Plan::Update(changes)
    })
}

fn apply(stored: &StoredConfig, changes: &[Change]) -> StoredConfig {
    changes.iter().fold(stored.clone(), |config, change| {
        let after = change.after(config.get(change.field()));
        config.with(change.field(), after)
    })
}

/// Whether the item is already as the change makes it.
fn has(stored: &StoredConfig, change: &Change) -> bool {
    let found = stored.get(change.field());
    change.after(found).as_ref() == found
}

fn check(if_match: Option<IfMatch>, found: &Found) -> Result<(), Obstacle> {
    match if_match {
        Some(expected) if expected.tag() != Some(found.tag) => Err(Obstacle::PreconditionFailed),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
