//! What an entry has of the item before and after a change.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{image::Image, last_change::LAST_CHANGE_ATTRIBUTE};
use crate::config::{Field, VERSION_ATTRIBUTE};

/// The item before and after a change. An entry has at most [`MAX_ENTRY_BYTES`](super::MAX_ENTRY_BYTES) of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Images {
    /// Every attribute.
    Whole {
        /// The item after the change; `None` where there is no item.
        after: Option<Image>,
        /// What was different before.
        before: Before,
    },
    /// The attributes that the model knows. The others are too large.
    Modelled {
        /// As in [`Images::Whole`].
        after: Option<Image>,
        /// As in [`Images::Whole`].
        before: Before,
    },
    /// The names of the attributes that changed. Their values are too large.
    Names(Vec<String>),
    /// Nothing: even the names are too large, or the change could not be read.
    Truncated,
}

/// The item before a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// There was no item.
    Absent,
    /// The item after the change, except for these attributes. `None` for one that the item did not have.
    Values(BTreeMap<String, Option<Value>>),
    /// Nobody knows.
    Unknown,
}

/// The attributes that each write of this service changes.
const BOOKKEEPING: [&str; 3] = [VERSION_ATTRIBUTE, Field::UpdatedAt.name(), LAST_CHANGE_ATTRIBUTE];

impl Images {
    /// The images of a change from the old item to the new one.
    pub(super) fn between(old: Option<Image>, new: Option<Image>) -> Self {
        let before = match old {
            None => Before::Absent,
            Some(old) => Before::Values(old.difference_from(new.as_ref().unwrap_or(&Image::default()))),
        };
        Self::Whole { after: new, before }
    }

    /// The item after the change: `Some(None)` where there is no item, `None` where it is not known.
    #[must_use]
    pub fn after(&self) -> Option<Option<&Image>> {
        match self {
            Self::Whole { after, .. } | Self::Modelled { after, .. } => Some(after.as_ref()),
            Self::Names(_) | Self::Truncated => None,
        }
    }

    /// The item before the change: `Some(None)` where there was no item, `None` where it is not known.
    #[must_use]
    pub fn before(&self) -> Option<Option<Image>> {
        match self {
            Self::Whole { after, before } | Self::Modelled { after, before } => match before {
                Before::Absent => Some(None),
                Before::Values(values) => {
                    let mut image = after.clone().unwrap_or_default();
                    image.apply(values);
                    Some(Some(image))
                }
                Before::Unknown => None,
            },
            Self::Names(_) | Self::Truncated => None,
        }
    }

    pub(super) fn changed_attributes(&self) -> Vec<&str> {
        let names: Vec<&str> = match self {
            Self::Whole { after, before } | Self::Modelled { after, before } => match before {
                Before::Absent => after.iter().flat_map(Image::iter).map(|(name, _)| name).collect(),
                Before::Values(values) => values.keys().map(String::as_str).collect(),
                Before::Unknown => Vec::new(),
            },
            Self::Names(names) => names.iter().map(String::as_str).collect(),
            Self::Truncated => Vec::new(),
        };
        names.into_iter().filter(|name| !BOOKKEEPING.contains(name)).collect()
    }
}
