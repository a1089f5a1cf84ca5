//! Delivery configurations in DynamoDB.
//!
//! This crate is the only one that knows how a configuration stands in the table: key `tenant_id` + `type`, an attribute
//! per field, and `version`, which grows with every write. It must never decide what a valid configuration is
//! (`tenant_core` does), know HTTP, read the environment or the time of day: `now` is an argument.
//!
//! The table is read by log processors, too, which take every item of a partition for a delivery configuration. So
//! nothing but configurations may ever be written to it.
//!
//! Every read is strongly consistent: a management plane reads what it has just written. An item past its `ttl` does not
//! exist, whether or not DynamoDB has swept it yet.

mod attempts;
pub mod client;
mod error;
mod expression;
mod item;
mod precondition;
mod read;
pub mod schema;
pub mod usage;
mod write;

use aws_sdk_dynamodb::Client;

pub use error::StoreError;
pub use item::version_before;
pub use precondition::Precondition;
pub use read::Page;

/// The table of delivery configurations. Cheap to clone; all clones share one connection pool.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The table of this name, reached through `client` (see [`client::from_sdk_config`]).
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
}
