//! Writing the history.

use tenant_core::history::{Entry, Retention};

use super::{HistoryStore, item};
use crate::error::StoreError;

/// Source: `BatchWriteItem` in the Amazon DynamoDB API Reference.
const MAX_WRITES: usize = 25;
/// The content of one call. DynamoDB takes 16 MB, but a call has [the time](crate::client) of an ordinary one.
const MAX_BYTES: usize = 1_000_000;

impl HistoryStore {
    /// Writes an entry, to be kept for this time. Whatever is there under the same name is replaced, so a repetition
    /// changes nothing but the time of recording.
    pub async fn put(&self, entry: &Entry, retention: Retention) -> Result<(), StoreError> {
        self.table.replace(item::from_entry(entry, retention)).await
    }

    /// The same of many entries, in fewer calls. Returns the positions of those that are not written because DynamoDB
    /// throttles. After an error, some may be written.
    ///
    /// DynamoDB rejects a whole call for one entry that it does not accept ([`StoreError::Unexpected`]), and for two of one
    /// revision. Then [`HistoryStore::put`] finds out which one it is.
    pub async fn put_many(&self, entries: &[&Entry], retention: Retention) -> Result<Vec<usize>, StoreError> {
        let mut unprocessed = Vec::new();
        let mut items = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            let item = item::from_entry(entry, retention);
            let more = item::json_bytes(&item);
            if items.len() == MAX_WRITES || (bytes + more > MAX_BYTES && !items.is_empty()) {
                unprocessed.extend(self.table.replace_many(std::mem::take(&mut items)).await?);
                bytes = 0;
            }
            bytes += more;
            items.push(item);
        }
        if !items.is_empty() {
            unprocessed.extend(self.table.replace_many(items).await?);
        }
        let is_unprocessed = |entry: &&Entry| unprocessed.iter().any(|item| item::is_of(item, entry));
        let positions = entries.iter().enumerate();
        Ok(positions
            .filter(|(_, entry)| is_unprocessed(entry))
            .map(|(position, _)| position)
            .collect())
    }
}
