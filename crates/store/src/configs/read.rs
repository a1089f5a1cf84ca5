//! Reading configurations.

use chrono::{DateTime, Utc};
use tenant_core::{ConfigKey, Cursor, Field, PageLimit, StoredConfig};

use super::{
    ConfigStore,
    item::{self, cursor, stored_config},
};
use crate::{
    error::StoreError,
    item::{Item, text},
    json::max_object_bytes,
    placeholders::Placeholders,
    table::Batch,
    tag::Tagged,
};

/// A page of the list of all configurations.
#[derive(Debug, Clone)]
pub struct Page {
    /// At most as many as requested; fewer when they are large, or when many of the table's items have expired.
    pub configs: Vec<StoredConfig>,
    /// Where the next page starts; `None` on the last page.
    pub last_key: Option<Cursor>,
}

/// A configuration as a log processor finds it: among all items of its tenant.
#[derive(Debug, Clone)]
pub struct WithSiblings {
    /// The configuration.
    pub config: StoredConfig,
    /// The other items of the tenant. Log processors ignore expiry, so expired ones that are not deleted yet are among them.
    pub siblings: Vec<StoredConfig>,
}

/// A page's JSON at most. The response of a function may have 6 MB; the page is quoted into it as a string, which can
/// double its length, and the envelope comes on top.
const MAX_PAGE_BYTES: usize = 2_750_000;
/// Calls for one page at most. Each covers 1 MB or a thousand items, so this limit is reached only where thousands of
/// items in a row have expired and are not deleted yet; the page then ends early and the walk continues.
const MAX_SCANS: usize = 10;

impl ConfigStore {
    /// One configuration with its entity tag, or `None`.
    pub async fn get(&self, key: &ConfigKey, now: DateTime<Utc>) -> Result<Option<Tagged<StoredConfig>>, StoreError> {
        let item = self.table.get(item::key(key)).await?;
        Ok(item
            .filter(|item| !item::is_expired(item, now))
            .map(item::tagged_config))
    }

    /// One item with its entity tag, even if it has expired and is not deleted yet.
    pub async fn get_unswept(&self, key: &ConfigKey) -> Result<Option<Tagged<StoredConfig>>, StoreError> {
        Ok(self.table.get(item::key(key)).await?.map(item::tagged_config))
    }

    /// One configuration with the other items of its tenant, or `None`.
    pub async fn get_with_siblings(
        &self,
        key: &ConfigKey,
        now: DateTime<Utc>,
    ) -> Result<Option<WithSiblings>, StoreError> {
        let mut items = self.partition(key.tenant_id(), None).await?;
        let own = items.iter().position(|item| item::has_type(item, key.delivery_type()));
        let own = own.map(|position| items.remove(position));
        let config = own.filter(|item| !item::is_expired(item, now)).map(stored_config);
        Ok(config.map(|config| WithSiblings {
            config,
            siblings: items.into_iter().map(stored_config).collect(),
        }))
    }

    /// Every configuration of a tenant, by type. An unknown tenant has none. The tenant is any text that the table accepts
    /// as a key.
    pub async fn list_tenant(&self, tenant_id: &str, now: DateTime<Utc>) -> Result<Vec<StoredConfig>, StoreError> {
        let items = self.partition(tenant_id, Some(now)).await?;
        Ok(items.into_iter().map(stored_config).collect())
    }

    /// The items of a tenant, by type: those that are alive at this time, or all of them.
    async fn partition(&self, tenant_id: &str, alive_at: Option<DateTime<Utc>>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let mut placeholders = Placeholders::default();
            let partition = placeholders.equals(Field::TenantId.name(), text(tenant_id));
            let filter = alive_at.map(|now| placeholders.is_alive(Field::Ttl.name(), now));
            let Batch { items, next } = self.table.query(partition, filter, placeholders, start).await?;
            found.extend(items);
            // A call reads 1 MB at most, with or without a filter: only an absent key means the end of the partition.
            start = next;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// A page of all configurations, starting after `after`, in the table's own order. A walk over the pages returns every
    /// configuration that exists throughout exactly once, whatever else is written and deleted meanwhile.
    pub async fn list_page(
        &self,
        limit: PageLimit,
        after: Option<&Cursor>,
        now: DateTime<Utc>,
    ) -> Result<Page, StoreError> {
        let limit = usize::from(limit.get());
        let mut page = PageBuilder::default();
        // One more than requested shows whether there are more.
        let mut evaluate = i32::from(PageLimit::MAX).min(i32::try_from(limit).unwrap_or(i32::MAX)) + 1;
        let mut start = after.map(item::start_key);
        for _ in 0..MAX_SCANS {
            let mut placeholders = Placeholders::default();
            let filter = placeholders.is_alive(Field::Ttl.name(), now);
            let Batch { items, next } = self.table.scan(filter, placeholders, evaluate, start).await?;
            for item in items {
                if page.configs.len() == limit || !page.push(item) {
                    return Ok(page.finish());
                }
            }
            if next.is_none() {
                return Ok(Page {
                    configs: page.configs,
                    last_key: None,
                });
            }
            start = next;
            // The page is not full although enough was evaluated: many items here have expired, so take longer steps.
            evaluate = i32::from(PageLimit::MAX) + 1;
        }
        Ok(Page {
            configs: page.configs,
            last_key: start.as_ref().map(cursor),
        })
    }
}

/// A page that is being filled.
#[derive(Default)]
struct PageBuilder {
    configs: Vec<StoredConfig>,
    bytes: usize,
    last_key: Option<Cursor>,
}

impl PageBuilder {
    /// Adds an item unless the page would become too large. The first item always fits: it has 400 kB at most.
    fn push(&mut self, item: Item) -> bool {
        let bytes = max_object_bytes(&item) + ",".len();
        if !self.configs.is_empty() && self.bytes + bytes > MAX_PAGE_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.last_key = Some(cursor(&item));
        self.configs.push(stored_config(item));
        true
    }

    /// The page, with more after it.
    fn finish(self) -> Page {
        Page {
            configs: self.configs,
            last_key: self.last_key,
        }
    }
}
