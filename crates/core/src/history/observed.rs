//! What is in the table and not in the history.

use chrono::{DateTime, Utc};

use super::{
    actor::Actor,
    entry::{Entry, Event},
    image::Image,
    images::{Before, Images},
    last_change::LAST_CHANGE_ATTRIBUTE,
    revision::Revision,
};
use crate::config::ConfigKey;

impl Entry {
    /// The entry of an item that is not as the last entry says. `None` for `found` means that there is no item.
    #[must_use]
    pub fn observed(key: ConfigKey, last: Option<&Self>, found: Option<Image>, now: DateTime<Utc>) -> Self {
        let revision = Revision::observed_after(last.map(|last| &last.revision), now);
        let images = match last.map(|last| &last.images) {
            Some(Images::Whole { after, .. }) => Images::between(after.clone(), found),
            Some(Images::Modelled { after, .. }) => Images::between(after.clone(), found.as_ref().map(Image::modelled)),
            Some(Images::Names(_) | Images::Truncated) | None => Images::Whole {
                after: found,
                before: Before::Unknown,
            },
        };
        Self::new(key, revision, Event::Observed, Actor::Direct, images, now)
    }

    /// The entry of a record that cannot be read.
    #[must_use]
    pub fn unreadable(key: ConfigKey, revision: Revision, now: DateTime<Utc>) -> Self {
        Self::new(key, revision, Event::Observed, Actor::Direct, Images::Truncated, now)
    }

    /// Whether the item is as this entry says, the last one of its configuration, as far as the entry has room for it.
    /// The mark of a deletion that was not made does not count.
    #[must_use]
    pub fn agrees_with(&self, found: Option<&Image>) -> bool {
        match (&self.images, found) {
            (Images::Whole { after: Some(after), .. }, Some(found)) => {
                after.is_equal_without(found, LAST_CHANGE_ATTRIBUTE)
            }
            (Images::Modelled { after: Some(after), .. }, Some(found)) => *after == found.modelled(),
            (Images::Whole { after, .. } | Images::Modelled { after, .. }, found) => after.is_none() && found.is_none(),
            (Images::Names(_) | Images::Truncated, found) => match self.event {
                Event::Deleted | Event::Expired => found.is_none(),
                // It may have been the last one of an item that is gone.
                Event::Observed => true,
                Event::Created | Event::Updated => found.is_some_and(|found| {
                    let config = found.config();
                    self.version.is_none() || self.version.as_deref() == config.version()
                }),
            },
        }
    }
}
