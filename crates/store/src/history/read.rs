//! Reading the history of a configuration.

use chrono::{DateTime, Timelike, Utc};
use tenant_core::{
    ConfigKey, PageLimit,
    history::{Entry, Revision},
};

use super::{HistoryStore, SCHEMA, item};
use crate::{
    error::StoreError,
    item::{Item, is_expired},
    placeholders::Placeholders,
    table::Range,
};

/// Which entries of a configuration a page has.
#[derive(Debug, Clone, Default)]
pub struct PageQuery {
    /// The order of the entries.
    pub order: Order,
    /// The revision after which the page begins, in this order. It need not exist any more.
    pub after: Option<Revision>,
    /// Only changes at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only changes before this time.
    pub until: Option<DateTime<Utc>>,
    /// The maximum number of entries.
    pub limit: PageLimit,
}

/// An order of entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest change first.
    #[default]
    NewestFirst,
    /// The earliest change first.
    OldestFirst,
}

/// A page of the history of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// At most as many as requested; fewer where they are large.
    pub entries: Vec<Entry>,
    /// The revision after which the next page begins; `None` on the last page.
    pub next: Option<Revision>,
}

/// A page's entries at most, as JSON. The response of a function may have 6 MB; the page is quoted into it as a string,
/// which can double its length.
const MAX_PAGE_BYTES: usize = 2_750_000;
/// What an entry has beside its images.
const ENTRY_BYTES: usize = 1_000;

impl HistoryStore {
    /// One entry of a configuration.
    pub async fn get(
        &self,
        key: &ConfigKey,
        revision: &Revision,
        now: DateTime<Utc>,
    ) -> Result<Option<Entry>, StoreError> {
        let position = item::position(key.delivery_type(), revision);
        let found = self.table.get(item::key(key.tenant_id(), &position)).await?;
        let found = found.filter(|found| !is_expired(found, SCHEMA.ttl, now));
        Ok(found.as_ref().and_then(item::to_entry))
    }

    /// The last entry of a configuration.
    pub async fn newest(&self, key: &ConfigKey, now: DateTime<Utc>) -> Result<Option<Entry>, StoreError> {
        let page = self.read(key, &PageQuery::default(), 1, now).await?;
        Ok(page.entries.into_iter().next())
    }

    /// The first entry of a configuration that is later than the second of this time: what
    /// [`as_of`](tenant_core::history::as_of) needs of the history.
    pub async fn first_after(
        &self,
        key: &ConfigKey,
        time: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<Entry>, StoreError> {
        let query = PageQuery {
            order: Order::OldestFirst,
            since: DateTime::from_timestamp(time.timestamp().saturating_add(1), 0),
            ..PageQuery::default()
        };
        let page = self.read(key, &query, 1, now).await?;
        Ok(page.entries.into_iter().next())
    }

    /// A page of the entries of a configuration, whether it exists or not. Its cost depends on the page alone, not on
    /// how many entries there are before or after it.
    pub async fn page(&self, key: &ConfigKey, query: &PageQuery, now: DateTime<Utc>) -> Result<Page, StoreError> {
        self.read(key, query, usize::from(query.limit.get()), now).await
    }

    /// The next configuration with a history, in the table's own order.
    pub async fn next_key(&self, after: Option<&ConfigKey>) -> Result<Option<ConfigKey>, StoreError> {
        let mut start = after.map(|after| item::key(after.tenant_id(), &item::last_position(after.delivery_type())));
        loop {
            let batch = self.table.scan_any(1, start).await?;
            let key = batch
                .items
                .iter()
                .filter(|item| item::is_entry(item))
                .find_map(item::config_key);
            if key.is_some() || batch.next.is_none() {
                return Ok(key);
            }
            start = batch.next;
        }
    }

    async fn read(
        &self,
        key: &ConfigKey,
        query: &PageQuery,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, StoreError> {
        let (smallest, largest, mut start) = query.bounds(key);
        let mut page = PageBuilder::new(limit);
        loop {
            let range = Range {
                index: None,
                partition: (SCHEMA.partition_key, key.tenant_id().to_owned()),
                sort: (SCHEMA.sort_key, smallest.clone(), largest.clone()),
                descending: query.order == Order::NewestFirst,
                // One more than requested shows whether there are more.
                limit: page.missing() + 1,
                start,
            };
            let mut placeholders = Placeholders::default();
            let filter = placeholders.is_alive(SCHEMA.ttl, now);
            let batch = self.table.query_range(range, Some(filter), placeholders).await?;
            for item in &batch.items {
                if !page.push(item) {
                    let next = page.entries.last().map(|last| last.revision.clone());
                    return Ok(Page {
                        entries: page.entries,
                        next,
                    });
                }
            }
            start = batch.next;
            if start.is_none() {
                return Ok(Page {
                    entries: page.entries,
                    next: None,
                });
            }
        }
    }
}

impl PageQuery {
    /// The first and the last position, and the key after which to start.
    fn bounds(&self, key: &ConfigKey) -> (String, String, Option<Item>) {
        let delivery_type = key.delivery_type();
        let place = |time: DateTime<Utc>| item::position_at(delivery_type, next_full_second(time));
        let mut smallest = self.since.map_or_else(|| item::first_position(delivery_type), place);
        // Longer than this are the positions of that second.
        let mut largest = self.until.map_or_else(|| item::last_position(delivery_type), place);
        let mut start = None;
        if let Some(after) = &self.after {
            let after = item::position(delivery_type, after);
            // A start key outside of the bounds would be rejected.
            if (smallest.as_str()..=largest.as_str()).contains(&after.as_str()) {
                start = Some(item::key(key.tenant_id(), &after));
            }
            match self.order {
                Order::NewestFirst => largest = largest.min(after),
                Order::OldestFirst => smallest = smallest.max(after),
            }
        }
        (smallest, largest, start)
    }
}

/// Changes have whole seconds.
fn next_full_second(time: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = time.timestamp();
    let full = if time.nanosecond() == 0 {
        seconds
    } else {
        seconds.saturating_add(1)
    };
    DateTime::from_timestamp(full, 0).unwrap_or(time)
}

/// A page that is being filled.
pub(super) struct PageBuilder {
    pub(super) entries: Vec<Entry>,
    limit: usize,
    bytes: usize,
}

impl PageBuilder {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            limit,
            bytes: 0,
        }
    }

    /// How many entries the page still needs.
    pub(super) fn missing(&self) -> i32 {
        i32::try_from(self.limit.saturating_sub(self.entries.len())).unwrap_or(i32::from(PageLimit::MAX))
    }

    /// Adds an entry unless the page is full. The first one always fits. An item that is not an entry is left out.
    pub(super) fn push(&mut self, item: &Item) -> bool {
        // Each value of a change is there twice, as a value and as what was added or removed.
        let bytes = 2 * item::json_bytes(item) + ENTRY_BYTES;
        let is_full = self.entries.len() == self.limit || self.bytes + bytes > MAX_PAGE_BYTES;
        if is_full && !self.entries.is_empty() {
            return false;
        }
        if let Some(entry) = item::to_entry(item) {
            self.bytes += bytes;
            self.entries.push(entry);
        }
        true
    }
}
