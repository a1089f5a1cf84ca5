//! Writing the history.

use tenant_core::history::{Entry, Retention};

use super::{HistoryStore, item};
use crate::error::StoreError;

impl HistoryStore {
    /// Writes an entry, to be kept for this time. Whatever is there under the same name is replaced, so a repetition
    /// changes nothing but the time of recording.
    pub async fn put(&self, entry: &Entry, retention: Retention) -> Result<(), StoreError> {
        self.table.replace(item::from_entry(entry, retention)).await
    }
}
