//! The table of the history: an item for each change of a configuration, and an item for the recording itself.
//!
//! Partition key is the tenant. The sort key `position` is `type#time#revision` and not the revision alone: so the
//! changes of one configuration follow each other in the order of time, a page costs the same wherever it begins, and a
//! time is a place (`?at=`, `since`, `until`). A revision contains its time, so the key of a revision follows from its
//! name, and a record of the stream that is delivered twice overwrites itself.
//!
//! Two indexes are ordered by recording, for feeds: one of a tenant and one of a day. An index follows its table within
//! milliseconds, but nobody promises when.

mod feed;
mod image;
mod item;
mod read;
mod recording;
mod source;
mod write;

use aws_sdk_dynamodb::Client;
use tenant_core::Field;

use crate::{
    schema::{IndexSchema, TableSchema},
    table::Table,
};

pub use feed::{FeedPage, Scope};
pub use read::{Order, Page, PageQuery};
pub use source::{ConfigImages, ImagePage};

/// Key, indexes and time to live of the table. The CloudFormation template makes the same table.
pub const SCHEMA: TableSchema = TableSchema {
    partition_key: Field::TenantId.name(),
    sort_key: item::POSITION,
    ttl: item::EXPIRES_AT,
    indexes: &[BY_TENANT, BY_DAY],
};

/// The entries of a tenant in the order of recording.
const BY_TENANT: IndexSchema = IndexSchema {
    name: "by-tenant",
    partition_key: Field::TenantId.name(),
    sort_key: item::RECORDED,
};
/// The entries of a day, by UTC, in the order of recording.
const BY_DAY: IndexSchema = IndexSchema {
    name: "by-day",
    partition_key: item::RECORDED_DAY,
    sort_key: item::RECORDED,
};

/// The history of the configurations. Cheap to clone; all clones share one connection pool.
#[derive(Debug, Clone)]
pub struct HistoryStore {
    table: Table,
}

impl HistoryStore {
    /// The table of this name, reached through `client` (see [`crate::client::from_sdk_config`]).
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            table: Table::new(client, table),
        }
    }
}
