//! What an invocation did, for its log line and its metrics.

use std::time::Duration;

use tenant_store::StoreError;

/// What became of the records of one event.
#[derive(Debug, Default)]
pub(crate) struct BatchFacts {
    /// The records of the event.
    pub(crate) records: u32,
    /// Entries that were written.
    pub(crate) entries: u32,
    /// Marks of deletions, which leave no entry.
    pub(crate) marks: u32,
    /// Records whose content could not be read. Each has an entry.
    pub(crate) unreadable: u32,
    /// Entries that do not have every value.
    pub(crate) truncated: u32,
    /// How old the oldest record was when the event arrived.
    pub(crate) lag: Option<Duration>,
    /// The first record that was not recorded.
    pub(crate) unfinished: Option<String>,
    /// Why.
    pub(crate) fault: Option<StoreError>,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub(crate) struct ComparisonFacts {
    /// Configurations that were compared.
    pub(crate) compared: u32,
    /// Entries that were written.
    pub(crate) observed: u32,
    /// Whether the records that are delivered are those of another stream than the table's latest one.
    pub(crate) is_stream_stale: bool,
    /// Whether the pass has come to its end.
    pub(crate) is_done: bool,
}
