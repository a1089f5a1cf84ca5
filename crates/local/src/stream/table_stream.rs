//! The stream of one table: its records, and how far they are handled.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynoxide::{Database, DynoxideError};

use super::{
    checkpoint::{Checkpoint, CheckpointFile},
    position::Position,
    records::{StreamRecords, TRIM_LIMIT},
    source::Source,
};

/// DynamoDB removes records after 24 hours, handled or not. Here, those that are not handled remain: this process may have
/// been stopped for longer.
const RETENTION: Duration = Duration::from_hours(24);

/// The stream of one table. All calls wait for the disk.
pub(crate) struct TableStream {
    pub(super) source: Source,
    records: StreamRecords,
    /// There is no file for a table whose data is lost with this process.
    checkpoint_file: Option<CheckpointFile>,
}

impl TableStream {
    /// Gives the table a stream, unless it has one.
    pub(crate) fn open(
        database: Database,
        records: StreamRecords,
        table: &str,
        region: &str,
        checkpoint_file: Option<CheckpointFile>,
    ) -> Result<Self, DynoxideError> {
        Ok(Self {
            source: Source::open(database, table, region)?,
            records,
            checkpoint_file,
        })
    }

    /// How far it was handled before this process. At the first start, nothing is.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        let file = self.checkpoint_file.as_ref();
        file.map(CheckpointFile::found).unwrap_or_default()
    }

    /// Stores how far it is handled now.
    pub(super) fn save(&self, checkpoint: &Checkpoint) {
        let saved = self.checkpoint_file.as_ref().map(|file| file.save(checkpoint));
        if let Some(Err(error)) = saved {
            tracing::warn!(%error, "the checkpoint of the stream could not be stored: after the next start, records are handled again");
        }
    }

    /// Removes some of the records that are older than DynamoDB's retention, and handled. Returns whether there may be more.
    pub(super) fn trim(&self, checkpoint: &Checkpoint) -> bool {
        let limit = SystemTime::now().checked_sub(RETENTION).unwrap_or(UNIX_EPOCH);
        let through = checkpoint.position.min(Position::at(limit));
        match self.records.trim(self.source.table(), through) {
            Ok(removed) => removed == TRIM_LIMIT,
            Err(error) => {
                tracing::warn!(%error, "old records of the stream could not be removed");
                false
            }
        }
    }
}
