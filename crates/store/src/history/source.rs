//! The table of configurations as the stream would show it, to be compared with the history.

use aws_sdk_dynamodb::Client;
use tenant_core::{ConfigKey, Field, history::Image};

use super::image::image;
use crate::{
    error::StoreError,
    item::{Item, text},
    table::{Batch, Table},
};

/// Every item of the table of configurations, whatever it is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ConfigImages {
    table: Table,
}

/// A page of items.
#[derive(Debug, Clone, PartialEq)]
pub struct ImagePage {
    /// The items with their keys.
    pub items: Vec<(ConfigKey, Image)>,
    /// The key after which the next page begins; `None` on the last page.
    pub next: Option<ConfigKey>,
}

impl ConfigImages {
    /// The table of this name, reached through `client`.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            table: Table::new(client, table),
        }
    }

    /// One item.
    pub async fn get(&self, key: &ConfigKey) -> Result<Option<Image>, StoreError> {
        let found = self.table.get(item_key(key)).await?;
        Ok(found.as_ref().map(image))
    }

    /// The ARN of the stream that records the changes now, with the items before and after each. `None` without one.
    pub async fn stream(&self) -> Result<Option<String>, StoreError> {
        self.table.stream().await
    }

    /// At most `limit` items after a key, in the table's own order.
    pub async fn page(&self, limit: i32, after: Option<&ConfigKey>) -> Result<ImagePage, StoreError> {
        let Batch { items, next, .. } = self.table.scan_any(limit, after.map(item_key)).await?;
        let items = items.iter().filter_map(|item| Some((config_key(item)?, image(item))));
        Ok(ImagePage {
            items: items.collect(),
            next: next.as_ref().and_then(config_key),
        })
    }
}

fn item_key(key: &ConfigKey) -> Item {
    Item::from([
        (Field::TenantId.name().to_owned(), text(key.tenant_id())),
        (Field::Type.name().to_owned(), text(key.delivery_type())),
    ])
}

/// The key of an item, which always consists of two strings.
fn config_key(item: &Item) -> Option<ConfigKey> {
    let part = |field: Field| item.get(field.name())?.as_s().ok();
    ConfigKey::new(part(Field::TenantId)?, part(Field::Type)?).ok()
}
