//! Two tables for each test, a recorder between them, and records as the stream has them.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, Utc};
use lambda::{Handler, HandlerError, Invocation};
use recorder::{Recorder, config::Settings};
use serde_json::{Value, json};
use tenant_core::{
    ConfigKey,
    history::{ChangeKind, Entry, LastChange},
};
use tenant_store::{
    configs,
    history::{self, ConfigImages, HistoryStore, Order, PageQuery},
    schema::ensure_table,
};
use testing::EmbeddedDynamoDb;

pub(crate) const CONFIGS: &str = "test-tenant-configs";
pub(crate) const HISTORY: &str = "test-tenant-configs-history";
pub(crate) const STREAM: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/configs/stream/2023-11-01T00:00:00.000";
/// 2023-11-14T22:13:20Z
pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const SETTINGS: Settings = Settings {
    retention: tenant_core::history::Retention::FOR_EVER,
    settling: Duration::ZERO,
    page: 10,
};

pub(crate) struct Service {
    pub(crate) dynamodb: EmbeddedDynamoDb,
    pub(crate) history: HistoryStore,
    pub(crate) recorder: Recorder,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let dynamodb = EmbeddedDynamoDb::start().await;
        ensure_table(&dynamodb.client, CONFIGS, &configs::SCHEMA).await.unwrap();
        ensure_table(&dynamodb.client, HISTORY, &history::SCHEMA).await.unwrap();
        Self {
            history: HistoryStore::new(dynamodb.client.clone(), HISTORY),
            recorder: recorder(&dynamodb.client),
            dynamodb,
        }
    }

    /// The whole history of a configuration, the earliest entry first.
    pub(crate) async fn entries(&self, tenant_id: &str) -> Vec<Entry> {
        let query = PageQuery {
            order: Order::OldestFirst,
            limit: "1000".parse().unwrap(),
            ..PageQuery::default()
        };
        self.history
            .page(&key(tenant_id), &query, Utc::now())
            .await
            .unwrap()
            .entries
    }

    /// Puts an item as an operator does by hand, without a record of it.
    pub(crate) async fn put(&self, tenant_id: &str, bucket_name: &str) {
        let attributes = [("tenant_id", tenant_id), ("type", "s3"), ("bucket_name", bucket_name)];
        let item = attributes.map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned())));
        let request = self
            .dynamodb
            .client
            .put_item()
            .table_name(CONFIGS)
            .set_item(Some(item.into()));
        request.send().await.unwrap();
    }
}

pub(crate) fn recorder(client: &Client) -> Recorder {
    Recorder::new(
        HistoryStore::new(client.clone(), HISTORY),
        ConfigImages::new(client.clone(), CONFIGS),
        SETTINGS,
    )
}

pub(crate) fn invocation() -> Invocation {
    Invocation {
        request_id: "invocation-1".to_owned(),
        trace_id: None,
        deadline: Some(SystemTime::now() + Duration::from_mins(10)),
        cold_start: false,
    }
}

/// An invocation that has no time left for anything but what it must do.
pub(crate) fn late_invocation() -> Invocation {
    Invocation {
        deadline: Some(SystemTime::now() + Duration::from_secs(1)),
        ..invocation()
    }
}

/// The sequence number that the recorder reports for these records, if any.
pub(crate) async fn deliver(recorder: &Recorder, records: &[Value]) -> Option<String> {
    deliver_in(recorder, records, &invocation()).await
}

pub(crate) async fn deliver_in(recorder: &Recorder, records: &[Value], invocation: &Invocation) -> Option<String> {
    let event = json!({ "Records": records }).to_string();
    let response = recorder.invoke(event.as_bytes(), invocation).await.unwrap();
    let response: Value = serde_json::from_slice(&response).unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap();
    assert!(
        failures.len() <= 1 && response.as_object().unwrap().len() == 1,
        "{response}"
    );
    failures
        .first()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
}

/// The response to a request for a comparison, as the schedule sends it.
pub(crate) async fn reconcile(recorder: &Recorder, invocation: &Invocation) -> Result<Value, HandlerError> {
    let event = json!({"reconcile": {"stream": STREAM}}).to_string();
    let response = recorder.invoke(event.as_bytes(), invocation).await?;
    let response: Value = serde_json::from_slice(&response).unwrap();
    Ok(response["reconcile"].clone())
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(crate) fn key(tenant_id: &str) -> ConfigKey {
    ConfigKey::new(tenant_id, "s3").unwrap()
}

/// An item with this bucket, in DynamoDB's JSON.
pub(crate) fn item(tenant_id: &str, bucket_name: &str) -> Value {
    json!({"tenant_id": {"S": tenant_id}, "type": {"S": "s3"}, "bucket_name": {"S": bucket_name}})
}

/// The item as a request left it.
pub(crate) fn by_request(mut item: Value, request_id: &str, kind: ChangeKind) -> Value {
    let change = LastChange {
        request_id: request_id.to_owned(),
        kind,
        key: None,
        at: at(NOW),
        note: None,
        cause: None,
        restored_from: None,
    };
    item["last_change"] = change.to_attribute();
    item
}

/// The records of a stream, one a second.
#[derive(Default)]
pub(crate) struct Stream {
    records: u32,
}

impl Stream {
    pub(crate) fn record(&mut self, old: Option<&Value>, new: Option<&Value>) -> Value {
        self.records += 1;
        let image = new.or(old).unwrap();
        let mut record = json!({
            "eventID": self.records.to_string(), "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "eventName": match (old, new) {
                (None, _) => "INSERT",
                (Some(_), Some(_)) => "MODIFY",
                (Some(_), None) => "REMOVE",
            },
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": NOW + i64::from(self.records),
                "Keys": {"tenant_id": image["tenant_id"], "type": image["type"]},
                "SequenceNumber": format!("{:021}", 100_000_000 + u64::from(self.records)),
                "SizeBytes": 100, "StreamViewType": "NEW_AND_OLD_IMAGES"
            },
            "eventSourceARN": STREAM
        });
        for (name, image) in [("OldImage", old), ("NewImage", new)] {
            if let Some(image) = image {
                record["dynamodb"][name] = image.clone();
            }
        }
        record
    }
}

pub(crate) fn sequence_number(record: &Value) -> String {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned()
}
