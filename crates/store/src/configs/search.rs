//! Searching the configurations.

use chrono::{DateTime, Utc};
use tenant_core::Search;
use tokio::time::{Instant, timeout_at};

use super::{
    ConfigStore,
    item::{self, stored_config},
    page::{self, Page, PageBuilder},
    pushdown::condition,
};
use crate::{error::StoreError, table::Batch};

/// What one part of a search found.
#[derive(Debug, Clone)]
pub struct Found {
    /// At most as many configurations as requested. There may be fewer, even none, and more pages.
    pub page: Page,
    /// The number of items that were read.
    pub scanned: usize,
}

/// Reads for one page at most. Each has 1 MB at most, so that a page reads 8 MB at most.
const MAX_READS: usize = 8;
/// How much longer each read is than the one before. A search that finds much reads little more than it returns, and one
/// that finds nothing soon reads as much as a read can have.
const GROWTH: i32 = 8;

impl ConfigStore {
    /// A page of the configurations that match, in the table's own order, read until `until` at most. A walk over the pages
    /// returns every configuration that exists and matches throughout exactly once, whatever else is written meanwhile.
    ///
    /// No read begins after `until`, and one that has not ended by then is given up: the page ends before it.
    pub async fn search(&self, search: &Search, now: DateTime<Utc>, until: Instant) -> Result<Found, StoreError> {
        let limit = usize::from(search.limit.get());
        let mut page = PageBuilder::default();
        let mut scanned = 0;
        let mut start = search.last_key.as_ref().map(item::start_key);
        // One more than requested may show that there are no more.
        let mut evaluate = i32::from(search.limit.get()) + 1;
        for reads in 0..MAX_READS {
            let (filter, placeholders) = condition(&search.filter, now);
            let read = self.table.scan(filter, placeholders, evaluate, start.clone());
            let batch = match timeout_at(until, read).await {
                Ok(batch) => batch?,
                Err(_) if reads > 0 => break,
                Err(elapsed) => return Err(StoreError::Unavailable(elapsed.into())),
            };
            let Batch { items, next, .. } = batch;
            scanned += batch.scanned;
            for item in items {
                let bytes = page::json_bytes(&item);
                let config = stored_config(item);
                if search.filter.matches(&config, now) && (page.len() == limit || !page.push(config, bytes)) {
                    let page = page.finish();
                    return Ok(Found { page, scanned });
                }
            }
            start = next;
            if start.is_none() || page.len() == limit {
                break;
            }
            evaluate = evaluate.saturating_mul(GROWTH);
        }
        let page = page.finish_before(start.as_ref());
        Ok(Found { page, scanned })
    }
}
