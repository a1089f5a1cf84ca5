//! A DynamoDB in memory, behind a loopback port.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use aws_sdk_dynamodb::{Client, config::timeout::TimeoutConfig};
use dynoxide::{
    Database, ImportOptions,
    actions::{
        create_table::StreamSpecification, get_records::GetRecordsRequest, get_shard_iterator::encode_shard_iterator,
        update_table::UpdateTableRequest,
    },
    streams,
};
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

/// A change of an item, as the stream of its table has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRecord {
    /// Its place in the stream.
    pub sequence_number: String,
    /// The item before the change in DynamoDB's JSON, if it existed.
    pub old: Option<serde_json::Value>,
    /// The item after the change, unless it was deleted.
    pub new: Option<serde_json::Value>,
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

    /// Gives the table a stream with the items before and after each change.
    pub fn enable_stream(&self, table: &str) {
        let enabled = self.database.update_table(UpdateTableRequest {
            table_name: table.to_owned(),
            stream_specification: Some(StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some("NEW_AND_OLD_IMAGES".to_owned()),
            }),
            ..UpdateTableRequest::default()
        });
        enabled.expect("a table without a stream can get one");
    }

    /// Every record of the table's stream.
    #[must_use]
    pub fn stream_records(&self, table: &str) -> Vec<StreamRecord> {
        let mut records = Vec::new();
        let mut next = Some(encode_shard_iterator(table, &streams::shard_id(table), 0));
        while let Some(shard_iterator) = next {
            let request = GetRecordsRequest {
                shard_iterator,
                limit: None,
            };
            let response = self.database.get_records(request).expect("the stream can be read");
            next = response.next_shard_iterator.filter(|_| !response.records.is_empty());
            records.extend(response.records.into_iter().map(|record| {
                let json = |item| serde_json::to_value(item).expect("an item is JSON");
                StreamRecord {
                    sequence_number: record.dynamodb.sequence_number,
                    old: record.dynamodb.old_image.map(json),
                    new: record.dynamodb.new_image.map(json),
                }
            }));
        }
        records
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
