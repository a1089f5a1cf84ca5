//! The items for the recording itself: since when there is one, and how far a comparison with the table has come.

use chrono::{DateTime, SecondsFormat, Utc};
use tenant_core::history::{Recording, Retention};

use super::{HistoryStore, SCHEMA, item};
use crate::{
    error::StoreError,
    item::{Item, number, text},
    placeholders::Placeholders,
    table::Written,
};

/// No tenant has this id: `#` is not allowed in one. A person may write one, so positions of entries differ as well.
const RECORDER: &str = "#recorder";
const RECORDING: &str = "#recording";
const COMPARISON: &str = "#comparison";
const STARTED_AT: &str = "started_at";
const RETENTION_DAYS: &str = "retention_days";
const PROGRESS: &str = "progress";

impl HistoryStore {
    /// What the history contains. `None` before anything was recorded.
    pub async fn recording(&self) -> Result<Option<Recording>, StoreError> {
        let found = self.table.get(item::key(RECORDER, RECORDING)).await?;
        Ok(found.as_ref().and_then(recording))
    }

    /// Notes that entries are recorded from now on, unless that is noted already, and for how long they are kept.
    pub async fn start_recording(&self, retention: Retention, now: DateTime<Utc>) -> Result<Recording, StoreError> {
        let started = Recording {
            started_at: now,
            retention,
        };
        let found = match self.recording().await? {
            Some(found) => found,
            None => match self.note(&started).await? {
                Some(found) => found,
                None => return Ok(started),
            },
        };
        if found.retention == retention {
            return Ok(found);
        }
        let changed = found.with_retention(retention, now);
        self.table.replace(recording_item(&changed)).await?;
        Ok(changed)
    }

    /// How far the comparison with the table has come, as it was saved.
    pub async fn progress(&self) -> Result<Option<String>, StoreError> {
        let found = self.table.get(item::key(RECORDER, COMPARISON)).await?;
        Ok(found.and_then(|found| item::text_of(&found, PROGRESS).map(str::to_owned)))
    }

    /// Saves how far the comparison with the table has come.
    pub async fn save_progress(&self, progress: &str) -> Result<(), StoreError> {
        let mut saved = item::key(RECORDER, COMPARISON);
        saved.insert(PROGRESS.to_owned(), text(progress));
        self.table.replace(saved).await
    }

    /// Writes the start of the recording, or returns what another process wrote meanwhile.
    async fn note(&self, started: &Recording) -> Result<Option<Recording>, StoreError> {
        let mut placeholders = Placeholders::default();
        let is_absent = format!("attribute_not_exists({})", placeholders.name(SCHEMA.partition_key));
        let written = self.table.put(recording_item(started), is_absent, placeholders).await?;
        Ok(match written {
            Written::Applied(()) => None,
            Written::Rejected(rejection) => rejection.found.as_ref().and_then(recording),
        })
    }
}

fn recording_item(recording: &Recording) -> Item {
    let mut item = item::key(RECORDER, RECORDING);
    let started_at = recording.started_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    item.insert(STARTED_AT.to_owned(), text(&started_at));
    item.insert(RETENTION_DAYS.to_owned(), number(recording.retention.days()));
    item
}

fn recording(item: &Item) -> Option<Recording> {
    let started_at = DateTime::parse_from_rfc3339(item::text_of(item, STARTED_AT)?).ok()?;
    Some(Recording {
        started_at: started_at.to_utc(),
        retention: item.get(RETENTION_DAYS)?.as_n().ok()?.parse().ok()?,
    })
}
