//! An entry of the history.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{actor::Actor, image::Image, last_change::LAST_CHANGE_ATTRIBUTE, revision::Revision, size};
use crate::config::{ConfigKey, Field, StoredConfig, VERSION_ATTRIBUTE};

named_enum! {
    /// What happened to a configuration.
    pub enum Event -> as_str {
        /// It was created, also in place of one that had expired.
        Created = "created",
        /// It was changed.
        Updated = "updated",
        /// It was deleted.
        Deleted = "deleted",
        /// DynamoDB deleted it after its time to live.
        Expired = "expired",
        /// It was found as it is, because the history began there or because its change cannot be read.
        Observed = "observed",
    }
}

/// One change of one configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The configuration.
    pub key: ConfigKey,
    /// The name of the entry.
    pub revision: Revision,
    /// What happened.
    pub event: Event,
    /// Who made the change.
    pub actor: Actor,
    /// When the entry was written, to the millisecond.
    pub recorded_at: DateTime<Utc>,
    /// The attribute `version` of the item after the change; of a deletion, before it.
    pub version: Option<String>,
    /// The item before and after the change, as far as the entry has room for it.
    pub images: Images,
}

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
/// Versions of this service have 32 bytes. A person may write a longer one.
const MAX_VERSION_BYTES: usize = 256;

impl Entry {
    pub(super) fn new(
        key: ConfigKey,
        revision: Revision,
        event: Event,
        actor: Actor,
        images: Images,
        recorded_at: DateTime<Utc>,
    ) -> Self {
        let after = images.after().flatten().map(Image::config);
        let config = after.or_else(|| images.before().flatten().map(|before| before.config()));
        let version = config.and_then(|config| config.version().map(str::to_owned));
        Self {
            key,
            revision,
            event,
            actor,
            recorded_at,
            version: version.filter(|version| version.len() <= MAX_VERSION_BYTES),
            images: size::bounded(images),
        }
    }

    /// When the change was made.
    #[must_use]
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.revision.changed_at()
    }

    /// The configuration after the change. `None` where there is none, or where it is not known.
    #[must_use]
    pub fn configuration(&self) -> Option<StoredConfig> {
        self.images.after()?.map(Image::config)
    }

    /// The configuration before the change. `None` where there was none, or where it is not known. An item that had
    /// expired and was replaced was no configuration.
    #[must_use]
    pub fn previous(&self) -> Option<StoredConfig> {
        match self.event {
            Event::Created => None,
            Event::Updated | Event::Deleted | Event::Expired | Event::Observed => {
                self.images.before()?.map(|before| before.config())
            }
        }
    }

    /// The attributes that changed, those aside which every write of this service changes. Empty where the change is
    /// not known.
    #[must_use]
    pub fn changed_attributes(&self) -> Vec<&str> {
        self.images.changed_attributes()
    }

    /// The same entry without the item. For one that the table of the history does not accept.
    #[must_use]
    pub fn truncated(self) -> Self {
        Self {
            images: Images::Truncated,
            ..self
        }
    }

    /// The revision that the change restored.
    #[must_use]
    pub fn restored_from(&self) -> Option<&Revision> {
        match &self.actor {
            Actor::Api(change) => change.restored_from.as_ref(),
            Actor::Ttl | Actor::Direct => None,
        }
    }

    /// What made this service change it, beside the request.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match &self.actor {
            Actor::Api(change) => change.cause.as_deref(),
            Actor::Ttl | Actor::Direct => None,
        }
    }
}

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
