//! The tables of webhooks: endpoints, and deliveries of events to them.
//!
//! Rows are the truth, and messages are hints: a pending delivery has a time at which it is due, an index finds what is due,
//! and a message only makes it found sooner.

mod deliveries;
mod delivery_item;
mod endpoint_item;
mod endpoints;
mod health;
#[cfg(feature = "sqs")]
mod queue;
mod replays;
mod wake_up;

use aws_sdk_dynamodb::Client;

use crate::{
    schema::{IndexSchema, TableSchema},
    table::Table,
};

pub use deliveries::{DeliveryPage, DeliveryQuery, Due};
pub use wake_up::{WakeUp, WakeUpError, WakeUps};

/// Key of the table of endpoints. The CloudFormation template makes the same table.
pub const ENDPOINTS: TableSchema = TableSchema {
    partition_key: endpoint_item::SCOPE,
    sort_key: endpoint_item::ID,
    ttl: "expires_at",
    indexes: &[],
};

/// Key, index and time to live of the table of deliveries. The CloudFormation template makes the same table.
pub const DELIVERIES: TableSchema = TableSchema {
    partition_key: delivery_item::WEBHOOK_ID,
    sort_key: delivery_item::POSITION,
    ttl: delivery_item::EXPIRES_AT,
    indexes: &[BY_DUE],
};

/// What is due, in the order of its time. It contains only what has a time.
const BY_DUE: IndexSchema = IndexSchema {
    name: "by-due",
    partition_key: delivery_item::DUE_SHARD,
    sort_key: delivery_item::DUE_AT,
};

/// The endpoints. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WebhookStore {
    table: Table,
}

/// The deliveries, and the replays. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeliveryStore {
    table: Table,
}

impl WebhookStore {
    /// The table of this name, reached through `client`.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            table: Table::new(client, table),
        }
    }
}

impl DeliveryStore {
    /// The table of this name, reached through `client`.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            table: Table::new(client, table),
        }
    }
}
