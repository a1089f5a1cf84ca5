//! The table of delivery configurations: key `tenant_id` + `type`, an attribute per field, and `version` and `last_change`, which
//! each write replaces.
//!
//! Log processors read the table, too, and take every item of a partition for a delivery configuration. So nothing but
//! configurations may ever be written to it.

mod batch;
mod delete;
mod item;
mod last_change;
mod page;
mod pushdown;
mod read;
mod restore;
mod search;
mod transaction;
mod write;

use aws_sdk_dynamodb::Client;
use tenant_core::Field;

use crate::{
    error::StoreError,
    schema::TableSchema,
    table::Table,
    version::{self, NewVersion},
};

pub use batch::{Effect, Planned};
pub use page::Page;
pub use read::WithSiblings;
pub use search::Found;
pub use transaction::Transacted;
pub use write::Updated;

/// Key and time to live of the table. The CloudFormation template makes the same table.
pub const SCHEMA: TableSchema = TableSchema {
    partition_key: Field::TenantId.name(),
    sort_key: Field::Type.name(),
    ttl: Field::Ttl.name(),
    indexes: &[],
};

/// No tenant has this id (`#` is not allowed in one), so a read of it finds nothing and has the lowest cost.
const PROBE: &str = "#probe";

/// The delivery configurations. Cheap to clone; all clones share one connection pool.
#[derive(Debug, Clone)]
pub struct ConfigStore {
    table: Table,
    new_version: NewVersion,
}

impl ConfigStore {
    /// The table of this name, reached through `client` (see [`crate::client::from_sdk_config`]).
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            table: Table::new(client, table),
            new_version: version::random,
        }
    }

    /// The same store with versions from another source. Tests use it to know them beforehand.
    #[must_use]
    pub fn with_versions(self, new_version: NewVersion) -> Self {
        Self { new_version, ..self }
    }

    /// Whether the table can be read, by a read of a key that no configuration has.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.table.ping(item::key_of(PROBE, PROBE)).await
    }
}
