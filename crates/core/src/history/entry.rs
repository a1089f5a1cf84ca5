//! An entry of the history.

use chrono::{DateTime, Utc};

use super::{actor::Actor, image::Image, images::Images, revision::Revision, size};
use crate::config::{ConfigKey, StoredConfig};

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

    /// Whether the change is known and changed nothing but what every write of this service changes.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.images.before().flatten().is_some() && self.changed_attributes().is_empty()
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
