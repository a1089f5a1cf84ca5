//! A DynamoDB in memory, behind a loopback port.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use aws_sdk_dynamodb::{Client, config::timeout::TimeoutConfig};
use dynoxide::{Database, ImportOptions};
use tenant_store::{client, configs, schema};
use tokio::net::TcpListener;

/// A DynamoDB of its own for one test, served until the test's runtime ends.
pub struct EmbeddedDynamoDb {
    /// Where it listens.
    pub address: SocketAddr,
    /// The client of the store, connected to it. It waits longer than the store does: a machine that is busy with other tests
    /// must not look like a fault. Tests of time-outs connect for themselves.
    pub client: Client,
    database: Database,
}

impl EmbeddedDynamoDb {
    /// Starts one without tables. Must be called inside a tokio runtime.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let database = Database::memory().expect("a database in memory can be opened");
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let client = patient(&client::connect_embedded(&format!("http://{address}")));
        Self {
            address,
            client,
            database,
        }
    }

    /// Starts one with an empty table, created as the store creates it.
    pub async fn start_with_table(table: &str) -> Self {
        let dynamodb = Self::start().await;
        schema::ensure_table(&dynamodb.client, table, &configs::SCHEMA)
            .await
            .expect("an empty database accepts the table");
        dynamodb
    }

    /// Puts many items into a table at once, in DynamoDB's JSON: `{"tenant_id": {"S": "acme"}, ...}`.
    pub fn import(&self, table: &str, items: impl IntoIterator<Item = serde_json::Value>) {
        let item = |json| serde_json::from_value(json).expect("the items are in the JSON of DynamoDB");
        let items = items.into_iter().map(item).collect();
        self.database
            .import_items(table, items, ImportOptions::default())
            .expect("the table takes the items");
    }

    /// Its URL, for `AWS_ENDPOINT_URL_DYNAMODB` and the like.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

pub(crate) fn patient(client: &Client) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(30))
        .operation_attempt_timeout(Duration::from_mins(1))
        .operation_timeout(Duration::from_mins(1))
        .build();
    Client::from_conf(client.config().to_builder().timeout_config(timeouts).build())
}
