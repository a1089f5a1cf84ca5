//! One table for each test.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tenant_core::{
    ConfigKey, ConfigUpdate, DeliveryType, NewConfig, StoredConfig, TenantId,
    history::{ChangeKind, Entry, Image, LastChange, Record, Revision},
    parse_create, parse_update,
};
use tenant_store::{Precondition, Tagged, configs::ConfigStore};
use testing::{EmbeddedDynamoDb, Fault, FaultProxy, StreamRecord};
use tokio::sync::Notify;

pub(crate) const TABLE: &str = "test-tenant-configs";
/// 2023-11-14T22:13:20Z
pub(crate) const NOW: i64 = 1_700_000_000;

pub(crate) struct Harness {
    dynamodb: EmbeddedDynamoDb,
    /// Where the embedded DynamoDB listens.
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    pub(crate) store: ConfigStore,
}

impl Harness {
    /// An empty table in an embedded DynamoDB on its own port, until the test's runtime ends.
    pub(crate) async fn start() -> Self {
        Self::with(EmbeddedDynamoDb::start_with_table(TABLE).await)
    }

    pub(crate) async fn start_without_table() -> Self {
        Self::with(EmbeddedDynamoDb::start().await)
    }

    fn with(dynamodb: EmbeddedDynamoDb) -> Self {
        Self {
            address: dynamodb.address,
            store: ConfigStore::new(dynamodb.client.clone(), TABLE),
            client: dynamodb.client.clone(),
            dynamodb,
        }
    }

    /// Puts many items at once, in DynamoDB's JSON.
    pub(crate) fn import(&self, items: impl IntoIterator<Item = Value>) {
        self.dynamodb.import(TABLE, items);
    }

    /// Puts an item as an operator does by hand, without checks.
    pub(crate) async fn put(&self, item: HashMap<String, AttributeValue>) {
        self.client
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item))
            .send()
            .await
            .unwrap();
    }

    /// What the stream of the table has of its configurations, as the history records it. The stream must be enabled.
    pub(crate) fn history(&self) -> Vec<Entry> {
        let records = self.dynamodb.stream_records(TABLE).into_iter();
        records.filter_map(entry).collect()
    }

    pub(crate) fn enable_stream(&self) {
        self.dynamodb.enable_stream(TABLE);
    }

    /// The item as it is in the table.
    pub(crate) async fn item(&self, tenant_id: &str, delivery_type: &str) -> Option<HashMap<String, AttributeValue>> {
        let key = item([("tenant_id", text(tenant_id)), ("type", text(delivery_type))]);
        self.client
            .get_item()
            .table_name(TABLE)
            .set_key(Some(key))
            .send()
            .await
            .unwrap()
            .item
    }

    pub(crate) async fn get(&self, tenant_id: &str, delivery_type: DeliveryType) -> Option<Tagged<StoredConfig>> {
        self.store.get(&key(tenant_id, delivery_type), now()).await.unwrap()
    }
}

fn entry(record: StreamRecord) -> Option<Entry> {
    let image = |json: Option<Value>| json.map(|json| Image::from_json(json).unwrap());
    let (old, new) = (image(record.old), image(record.new));
    let item = new.as_ref().or(old.as_ref()).unwrap();
    let (tenant_id, delivery_type) = (item.text("tenant_id").unwrap(), item.text("type").unwrap());
    let record = Record {
        key: ConfigKey::new(tenant_id, delivery_type).unwrap(),
        revision: Revision::from_record("2023-11-01T00:00:00.000", &record.sequence_number, now()).unwrap(),
        old,
        new,
        identity: None,
    };
    record.into_entry(now())
}

pub(crate) fn now() -> DateTime<Utc> {
    at(NOW)
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// A request that no other one is equal to.
pub(crate) fn request() -> LastChange {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    request_with(&format!("request-{number}"), ChangeKind::Update)
}

/// The request with this id.
pub(crate) fn request_with(request_id: &str, kind: ChangeKind) -> LastChange {
    LastChange {
        request_id: request_id.to_owned(),
        kind,
        key: Some("current:1".to_owned()),
        at: now(),
        note: None,
        cause: None,
        restored_from: None,
    }
}

pub(crate) fn tenant(tenant_id: &str) -> TenantId {
    tenant_id.parse().unwrap()
}

pub(crate) fn key(tenant_id: &str, delivery_type: DeliveryType) -> ConfigKey {
    ConfigKey::for_config(&tenant(tenant_id), delivery_type)
}

pub(crate) fn s3(tenant_id: &str) -> NewConfig {
    new_config(&json!({"tenant_id": tenant_id, "type": "s3", "bucket_name": "acme-corp-logs"}))
}

pub(crate) fn cloudwatch(tenant_id: &str) -> NewConfig {
    new_config(&json!({
        "tenant_id": tenant_id, "type": "cloudwatch", "log_group_name": "/aws/logs/acme",
        "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole"
    }))
}

pub(crate) fn new_config(body: &Value) -> NewConfig {
    let tenant = tenant(body["tenant_id"].as_str().unwrap());
    parse_create(body.to_string().as_bytes(), &tenant, now()).unwrap()
}

pub(crate) fn update(delivery_type: DeliveryType, body: &Value) -> ConfigUpdate {
    parse_update(body.to_string().as_bytes(), &tenant("acme"), delivery_type, now()).unwrap()
}

pub(crate) fn wire(config: &Tagged<StoredConfig>) -> Value {
    serde_json::to_value(&config.value).unwrap()
}

pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> HashMap<String, AttributeValue> {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The precondition that a configuration has this content.
pub(crate) fn unchanged(config: &Tagged<StoredConfig>) -> Precondition {
    Precondition::Tags(vec![config.tag])
}

/// A store whose calls meet these faults.
pub(crate) async fn store_with(harness: &Harness, faults: &[Fault]) -> (ConfigStore, FaultProxy) {
    let proxy = FaultProxy::start(harness.address, faults).await;
    (ConfigStore::new(proxy.client(), TABLE), proxy)
}

/// Runs `call` with a store, and `edit` before the request of `call` with this number, counted from 0.
pub(crate) async fn with_edit_before<R, T>(
    harness: &Harness,
    before: usize,
    call: impl AsyncFnOnce(ConfigStore) -> R,
    edit: impl Future<Output = T>,
) -> (R, T) {
    let gate = Arc::new(Notify::new());
    let mut faults = vec![Fault::Pass; before];
    faults.extend([Fault::Hold(Arc::clone(&gate)), Fault::Pass]);
    let (store, proxy) = store_with(harness, &faults).await;
    let edit = async {
        while proxy.requests() <= before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let edited = Box::pin(edit).await;
        gate.notify_one();
        edited
    };
    tokio::join!(Box::pin(call(store)), edit)
}
