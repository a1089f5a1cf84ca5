//! Parts of a partition in the order of their sort key, and writes that need no condition.

use aws_sdk_dynamodb::types::{PutRequest, StreamViewType, WriteRequest};

use super::{Batch, Table};
use crate::{
    error::{StoreError, unbuildable},
    item::{Item, text},
    placeholders::Placeholders,
};

/// The items of a partition whose sort key is between two texts.
#[derive(Debug)]
pub(crate) struct Range {
    /// The index to read; `None` for the table itself.
    pub(crate) index: Option<&'static str>,
    /// The attribute of the partition key, and its value.
    pub(crate) partition: (&'static str, String),
    /// The attribute of the sort key, and its smallest and its largest value.
    pub(crate) sort: (&'static str, String, String),
    /// Whether the largest sort key comes first.
    pub(crate) descending: bool,
    /// How many items are evaluated at most.
    pub(crate) limit: i32,
    /// The key after which the range begins, within the sort keys of the range.
    pub(crate) start: Option<Item>,
}

impl Range {
    /// Whether no sort key can be in the range. DynamoDB rejects such a query.
    pub(crate) fn is_empty(&self) -> bool {
        let (_, smallest, largest) = &self.sort;
        smallest > largest
    }
}

impl Table {
    /// The items of a range that pass the filter, which uses `placeholders`, 1 MB at most. A table is read
    /// consistently; an index can only follow its table.
    pub(crate) async fn query_range(
        &self,
        range: Range,
        filter: Option<String>,
        mut placeholders: Placeholders,
    ) -> Result<Batch, StoreError> {
        if range.is_empty() {
            return Ok(Batch {
                items: Vec::new(),
                scanned: 0,
                next: None,
            });
        }
        let (partition, (sort, smallest, largest)) = (range.partition, range.sort);
        let partition = placeholders.equals(partition.0, text(&partition.1));
        let bounds = [("smallest", smallest), ("largest", largest)];
        let [smallest, largest] = bounds.map(|(label, bound)| placeholders.value(label, text(&bound)));
        let condition = format!(
            "{partition} AND {} BETWEEN {smallest} AND {largest}",
            placeholders.name(sort)
        );
        let (names, values) = placeholders.into_maps();
        let response = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(range.index.map(str::to_owned))
            .key_condition_expression(condition)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .scan_index_forward(!range.descending)
            .limit(range.limit)
            .set_exclusive_start_key(range.start)
            .consistent_read(range.index.is_none())
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(Batch {
            scanned: usize::try_from(response.scanned_count).unwrap_or_default(),
            items: response.items.unwrap_or_default(),
            next: response.last_evaluated_key,
        })
    }

    /// The next `limit` items of the table in its own order, read consistently, 1 MB at most.
    pub(crate) async fn scan_any(&self, limit: i32, start: Option<Item>) -> Result<Batch, StoreError> {
        let request = self.client.scan().table_name(&self.name).limit(limit);
        let request = request.set_exclusive_start_key(start).consistent_read(true);
        let response = request.send().await.map_err(StoreError::from_sdk)?;
        Ok(Batch {
            scanned: usize::try_from(response.scanned_count).unwrap_or_default(),
            items: response.items.unwrap_or_default(),
            next: response.last_evaluated_key,
        })
    }

    /// The ARN of the stream of new and old items, if it is enabled.
    pub(crate) async fn stream(&self) -> Result<Option<String>, StoreError> {
        let request = self.client.describe_table().table_name(&self.name);
        let found = request.send().await.map_err(StoreError::from_sdk)?.table;
        Ok(found.and_then(|table| {
            // A stream that was disabled stays the latest one.
            let specification = table.stream_specification?;
            let has_items = specification.stream_view_type == Some(StreamViewType::NewAndOldImages);
            table
                .latest_stream_arn
                .filter(|_| specification.stream_enabled && has_items)
        }))
    }

    /// Writes a whole item, whatever is there. Repeating it is safe.
    pub(crate) async fn replace(&self, item: Item) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        request.send().await.map(drop).map_err(StoreError::from_sdk)
    }

    /// Writes whole items, at most 25 and under different keys, whatever is there, and returns those that DynamoDB did not
    /// process because it throttles. Repeating it is safe.
    pub(crate) async fn replace_many(&self, items: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let writes = items.into_iter().map(|item| {
            let put = PutRequest::builder()
                .set_item(Some(item))
                .build()
                .map_err(unbuildable)?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let writes = writes.collect::<Result<Vec<_>, StoreError>>()?;
        let request = self.client.batch_write_item().request_items(&self.name, writes);
        let response = request.send().await.map_err(StoreError::from_sdk)?;
        let tables = response.unprocessed_items.unwrap_or_default();
        let unprocessed = tables.into_values().flatten();
        Ok(unprocessed
            .filter_map(|write| write.put_request)
            .map(|put| put.item)
            .collect())
    }
}
