//! Feeds: entries in the order of recording, for readers that follow.

use chrono::{DateTime, TimeDelta, Utc};
use tenant_core::{
    PageLimit,
    history::{Entry, Event, FeedCursor},
};

use super::{BY_DAY, BY_TENANT, HistoryStore, SCHEMA, item, read::PageBuilder};
use crate::{error::StoreError, item::text, placeholders::Placeholders, schema::IndexSchema, table::Range};

/// Whose entries a feed has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Those of all tenants.
    All,
    /// Those of a tenant.
    Tenant(&'a str),
}

/// A page of a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedPage {
    /// At most as many as requested; fewer where they are large, or where few match.
    pub entries: Vec<Entry>,
    /// The place after which the next page begins, now or later.
    pub next: FeedCursor,
    /// Whether there may be more already. Otherwise the page is the end of what was recorded.
    pub has_more: bool,
}

/// An entry is in the feed after this time. Until then one that was recorded earlier may still appear before it: a
/// write takes 4 s at most ([`crate::client`]), and the index follows within a second.
const SETTLING: TimeDelta = TimeDelta::seconds(5);
/// At the end of a feed the next page begins this much earlier, so that an entry which appears late is not missed.
/// Entries that were returned are not returned again.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// Calls for one page at most. A day without changes costs one, so this limit is reached only after weeks without any,
/// or where few of thousands match. The page then ends early.
const MAX_QUERIES: usize = 40;
/// After every place in a feed.
const END: &str = "~";

impl HistoryStore {
    /// A page of a feed after a place, in the order of recording. Each entry is in the feed at least once, and nothing
    /// younger than 5 s. With an event, only entries of that one.
    pub async fn feed(
        &self,
        scope: Scope<'_>,
        after: &FeedCursor,
        event: Option<Event>,
        limit: PageLimit,
        now: DateTime<Utc>,
    ) -> Result<FeedPage, StoreError> {
        let settled = FeedCursor::at(now - SETTLING);
        let mut page = PageBuilder::new(usize::from(limit.get()));
        let mut next = after.clone();
        for _ in 0..MAX_QUERIES {
            if page.missing() == 0 {
                break;
            }
            if next >= settled {
                return Ok(page.end(next));
            }
            let (index, partition) = match scope {
                Scope::All => (BY_DAY, next.day().to_string()),
                Scope::Tenant(tenant_id) => (BY_TENANT, tenant_id.to_owned()),
            };
            let is_last = matches!(scope, Scope::Tenant(_)) || next.day() == settled.day();
            let largest = if is_last { settled.as_str() } else { END };
            let range = range(index, partition, &next, largest, page.missing());
            let mut placeholders = Placeholders::default();
            let mut filter = placeholders.is_alive(SCHEMA.ttl, now);
            if let Some(event) = event {
                filter = format!(
                    "{filter} AND {}",
                    placeholders.equals(item::EVENT, text(event.as_str()))
                );
            }
            let batch = self.table.query_range(range, Some(filter), placeholders).await?;
            for found in &batch.items {
                if !page.push(found) {
                    return Ok(page.more(next));
                }
                next = place(found).unwrap_or(next);
            }
            match &batch.next {
                // It was evaluated, whether it matched or not.
                Some(evaluated) => next = place(evaluated).unwrap_or(next),
                None if is_last => {
                    next = next.max(FeedCursor::at(now - SETTLING - OVERLAP));
                    return Ok(page.end(next));
                }
                None => next = next.next_day(),
            }
        }
        Ok(page.more(next))
    }
}

impl PageBuilder {
    fn more(self, next: FeedCursor) -> FeedPage {
        FeedPage {
            entries: self.entries,
            next,
            has_more: true,
        }
    }

    fn end(self, next: FeedCursor) -> FeedPage {
        FeedPage {
            entries: self.entries,
            next,
            has_more: false,
        }
    }
}

/// The places after a place, up to the largest one.
fn range(index: IndexSchema, partition: String, after: &FeedCursor, largest: &str, limit: i32) -> Range {
    Range {
        index: Some(index.name),
        partition: (index.partition_key, partition),
        // No place begins with the text of another one, so this is before every place after `after`.
        sort: (index.sort_key, format!("{after}0"), largest.to_owned()),
        descending: false,
        limit,
        start: None,
    }
}

fn place(item: &crate::item::Item) -> Option<FeedCursor> {
    item::text_of(item, item::RECORDED)?.parse().ok()
}
