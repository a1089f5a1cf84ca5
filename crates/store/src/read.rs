//! Reading configurations.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use chrono::{DateTime, Utc};
use tenant_core::{Cursor, DeliveryType, PageLimit, StoredConfig, TenantId};

use crate::{
    Store,
    error::StoreError,
    expression::Placeholders,
    item::{self, Item},
};

/// A page of the list of all configurations.
#[derive(Debug, Clone)]
pub struct Page {
    /// At most as many as asked for; fewer when they are large, or when much of the table has expired.
    pub configs: Vec<StoredConfig>,
    /// Where the next page begins; `None` when there is nothing more.
    pub last_key: Option<Cursor>,
}

/// A page's JSON at most. An answer of a function may have 6 MB; the page is quoted into it as a string, which can double
/// its length, and the envelope comes on top.
const MAX_PAGE_BYTES: usize = 2_750_000;
/// Calls for one page at most. Each passes over 1 MB or a thousand items, so this is reached only where thousands of
/// items in a row have expired and not been swept; the page then ends early and the walk goes on.
const MAX_SCANS: usize = 10;
/// No tenant has this id (`#` is not allowed in one), so asking for it finds nothing and costs the least there is.
const PROBE: &str = "#probe";

impl Store {
    /// One configuration, or `None`.
    pub async fn get(
        &self,
        tenant: &TenantId,
        delivery_type: DeliveryType,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredConfig>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item::key(tenant.as_str(), delivery_type.as_str())))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(answer
            .item
            .filter(|item| !item::is_expired(item, now))
            .map(item::stored_config))
    }

    /// Every configuration of a tenant, by type. An unknown tenant has none.
    pub async fn list_tenant(&self, tenant: &TenantId, now: DateTime<Utc>) -> Result<Vec<StoredConfig>, StoreError> {
        let mut configs = Vec::new();
        let mut start = None;
        loop {
            let mut placeholders = Placeholders::default();
            let condition = placeholders.tenant_is(tenant.as_str());
            let filter = placeholders.is_alive(now);
            let (names, values) = placeholders.into_maps();
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .filter_expression(filter)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            configs.extend(answer.items.unwrap_or_default().into_iter().map(item::stored_config));
            // A call reads 1 MB at most, filter or not: only an absent key says that the partition has ended.
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(configs);
            }
        }
    }

    /// A page of all configurations, beginning behind `after`, in the table's own order. Walking the pages meets every
    /// configuration that is there throughout exactly once, whatever else is written and deleted meanwhile.
    pub async fn list_page(
        &self,
        limit: PageLimit,
        after: Option<&Cursor>,
        now: DateTime<Utc>,
    ) -> Result<Page, StoreError> {
        let limit = usize::from(limit.get());
        let mut page = PageBuilder::default();
        // One more than asked for tells whether there is more.
        let mut evaluate = i32::from(PageLimit::MAX).min(i32::try_from(limit).unwrap_or(i32::MAX)) + 1;
        let mut start = after.map(item::start_key);
        for _ in 0..MAX_SCANS {
            let (items, next) = self.scan(evaluate, start, now).await?;
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
            // The page is not full although enough was evaluated: much has expired here, take longer steps.
            evaluate = i32::from(PageLimit::MAX) + 1;
        }
        Ok(Page {
            configs: page.configs,
            last_key: start.as_ref().map(item::cursor),
        })
    }

    async fn scan(
        &self,
        evaluate: i32,
        start: Option<Item>,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let mut placeholders = Placeholders::default();
        let filter = placeholders.is_alive(now);
        let (names, values) = placeholders.into_maps();
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .limit(evaluate)
            .filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(start)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Whether the table answers: the cheapest read there is, of a key that no configuration has.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item::key(PROBE, PROBE)))
            .return_consumed_capacity(ReturnConsumedCapacity::None)
            .send()
            .await
            .map(drop)
            .map_err(StoreError::from_sdk)
    }
}

/// A page while it fills.
#[derive(Default)]
struct PageBuilder {
    configs: Vec<StoredConfig>,
    bytes: usize,
    last_key: Option<Cursor>,
}

impl PageBuilder {
    /// Adds an item unless the page would become too large. The first one always fits: an item has 400 kB at most.
    fn push(&mut self, item: Item) -> bool {
        let bytes = json_bytes(&item);
        if !self.configs.is_empty() && self.bytes + bytes > MAX_PAGE_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.last_key = Some(item::cursor(&item));
        self.configs.push(item::stored_config(item));
        true
    }

    /// The page, with more behind it.
    fn finish(self) -> Page {
        Page {
            configs: self.configs,
            last_key: self.last_key,
        }
    }
}

/// An upper bound of an item's length as JSON, without writing it.
fn json_bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_bytes(value) + 4)
        .sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    /// A control character becomes six (`\u0001`); any other byte at most two.
    fn text(text: &str) -> usize {
        text.bytes()
            .map(|byte| {
                if byte < 0x20 {
                    6
                } else {
                    1 + usize::from(matches!(byte, b'"' | b'\\'))
                }
            })
            .sum::<usize>()
            + 3
    }
    match value {
        AttributeValue::S(value) | AttributeValue::N(value) => text(value),
        AttributeValue::Ss(values) | AttributeValue::Ns(values) => {
            values.iter().map(|value| text(value)).sum::<usize>() + 2
        }
        AttributeValue::L(values) => values.iter().map(|value| value_bytes(value) + 1).sum::<usize>() + 2,
        AttributeValue::M(values) => json_bytes(values) + 2,
        // Booleans and null; binary is not written out.
        _ => 10,
    }
}
