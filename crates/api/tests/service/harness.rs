//! A service with its own table, and a client that checks what the contract requires of every response.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use api::{Api, AppState, ExternalChecks, Stores, Webhooks, config::Settings};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, Utc};
use lambda::{Handler, HandlerError, Invocation};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tenant_store::{
    configs::ConfigStore,
    history::{self, HistoryStore},
    schema,
};
use testing::{EmbeddedDynamoDb, Fault, FaultProxy};

use crate::description::{self, Configurations};

pub(crate) const TABLE: &str = "configs";
const HISTORY_TABLE: &str = "history";
pub(crate) const REQUEST_ID: &str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";
pub(crate) const LIST: &str = "/api/v1/delivery-configs";
pub(crate) const BATCH: &str = "/api/v1/delivery-configs/batch";

/// The headers that a response may have. Any other header would reveal something by accident.
const ALLOWED_HEADERS: [&str; 15] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "allow",
    "cache-control",
    "content-type",
    "etag",
    "location",
    "retry-after",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
    "x-request-id",
];

/// The service over its own table.
pub(crate) struct Service {
    pub(crate) api: Api,
    client: Client,
    has_item_written_by_hand: AtomicBool,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        Self::over(EmbeddedDynamoDb::start_with_table(TABLE).await.client, settings)
    }

    /// The service of a process that makes external checks.
    pub(crate) async fn start_with_external_checks(external_checks: Arc<dyn ExternalChecks>) -> Self {
        let client = EmbeddedDynamoDb::start_with_table(TABLE).await.client;
        let state = AppState::new(stores(&client), Settings::default());
        Self {
            api: Api::new(state.with_external_checks(external_checks)),
            client,
            has_item_written_by_hand: AtomicBool::new(false),
        }
    }

    /// The service with a history, its client and that history. Nothing is recorded but by the test.
    pub(crate) async fn start_with_history() -> (Self, Client, HistoryStore) {
        let client = EmbeddedDynamoDb::start_with_table(TABLE).await.client;
        schema::ensure_table(&client, HISTORY_TABLE, &history::SCHEMA)
            .await
            .unwrap();
        let history = HistoryStore::new(client.clone(), HISTORY_TABLE);
        (Self::over_both(client.clone(), history.clone()), client, history)
    }

    /// The service whose history has no table.
    pub(crate) async fn start_with_missing_history() -> Self {
        let client = EmbeddedDynamoDb::start_with_table(TABLE).await.client;
        let history = HistoryStore::new(client.clone(), HISTORY_TABLE);
        Self::over_both(client, history)
    }

    fn over_both(client: Client, history: HistoryStore) -> Self {
        let state = AppState::new(stores(&client), Settings::default());
        Self {
            api: Api::new(state.with_history(history)),
            client,
            has_item_written_by_hand: AtomicBool::new(false),
        }
    }

    /// The service with webhooks.
    pub(crate) fn over_webhooks(client: Client, webhooks: Webhooks) -> Self {
        let state = AppState::new(stores(&client), Settings::default());
        Self {
            api: Api::new(state.with_webhooks(webhooks)),
            client,
            has_item_written_by_hand: AtomicBool::new(false),
        }
    }

    /// The service over a database without the table.
    pub(crate) async fn start_without_table() -> Self {
        Self::over(EmbeddedDynamoDb::start().await.client, Settings::default())
    }

    /// The service over a database that rejects every request with this status and this error code.
    pub(crate) async fn start_with_rejecting_store(status: u16, code: &'static str) -> Self {
        let proxy = FaultProxy::start(testing::closed_port(), &[Fault::Reject(status, code)]).await;
        Self::with_store_at(proxy.address)
    }

    /// The service over a proxy with these faults, and the same without the proxy.
    pub(crate) async fn start_behind_proxy(faults: &[Fault]) -> (Self, Self, FaultProxy) {
        let dynamodb = EmbeddedDynamoDb::start_with_table(TABLE).await;
        let proxy = FaultProxy::start(dynamodb.address, faults).await;
        let direct = Self::over(dynamodb.client, Settings::default());
        (Self::over(proxy.client(), Settings::default()), direct, proxy)
    }

    /// The service over the store at this address, if there is one.
    pub(crate) fn with_store_at(address: SocketAddr) -> Self {
        Self::over(
            tenant_store::client::connect_embedded(&format!("http://{address}")),
            Settings::default(),
        )
    }

    fn over(client: Client, settings: Settings) -> Self {
        Self {
            api: Api::new(AppState::new(stores(&client), settings)),
            client,
            has_item_written_by_hand: AtomicBool::new(false),
        }
    }

    /// Sends a request and checks its response.
    pub(crate) async fn send(&self, request: Call) -> Response {
        let (method, path) = (request.method.clone(), request.path.clone());
        let response = self
            .invoke(&serde_json::to_vec(&request.into_event()).unwrap())
            .await
            .unwrap();
        self.check(&method, &path, &response)
    }

    /// The same in an invocation with this deadline.
    pub(crate) async fn send_before(&self, deadline: SystemTime, request: Call) -> Response {
        let (method, path) = (request.method.clone(), request.path.clone());
        let event = serde_json::to_vec(&request.into_event()).unwrap();
        let invocation = Invocation {
            deadline: Some(deadline),
            ..invocation()
        };
        self.check(&method, &path, &self.api.invoke(&event, &invocation).await.unwrap())
    }

    fn check(&self, method: &str, path: &str, bytes: &[u8]) -> Response {
        let response = Response::check(method, bytes);
        let configurations = if self.has_item_written_by_hand.load(Ordering::Relaxed) {
            Configurations::WrittenByHand
        } else {
            Configurations::Valid
        };
        description::check(method, path, &response, configurations);
        response
    }

    pub(crate) async fn invoke(&self, event: &[u8]) -> Result<Vec<u8>, HandlerError> {
        self.api.invoke(event, &invocation()).await
    }

    pub(crate) async fn create(&self, config: Value) -> Response {
        self.send(Call::post(&tenant_path(config["tenant_id"].as_str().unwrap())).json(&config))
            .await
            .expect(201)
    }

    /// Writes an item directly, as an operator might.
    pub(crate) async fn put_item(&self, attributes: impl IntoIterator<Item = (&str, AttributeValue)>) {
        self.has_item_written_by_hand.store(true, Ordering::Relaxed);
        let item = attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        self.client
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item))
            .send()
            .await
            .unwrap();
    }

    /// Reads every item directly, by tenant and type.
    pub(crate) async fn scan(&self) -> BTreeMap<(String, String), HashMap<String, AttributeValue>> {
        let pages = self
            .client
            .scan()
            .table_name(TABLE)
            .consistent_read(true)
            .into_paginator();
        let items = pages.items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
        let part = |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().unwrap().clone();
        let keyed = items
            .into_iter()
            .map(|item| ((part(&item, "tenant_id"), part(&item, "type")), item));
        keyed.collect()
    }

    /// Reads an item directly, as a log processor does.
    pub(crate) async fn get_item(
        &self,
        tenant_id: &str,
        delivery_type: &str,
    ) -> Option<BTreeMap<String, AttributeValue>> {
        let request = self
            .client
            .get_item()
            .table_name(TABLE)
            .key("tenant_id", text(tenant_id));
        let response = request.key("type", text(delivery_type)).send().await.unwrap();
        response.item.map(|item| item.into_iter().collect())
    }
}

fn stores(client: &Client) -> Stores {
    Stores {
        configs: ConfigStore::new(client.clone(), TABLE),
    }
}

pub(crate) fn invocation() -> Invocation {
    Invocation {
        request_id: "lambda-request".to_owned(),
        trace_id: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".to_owned()),
        deadline: None,
        cold_start: false,
    }
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn tenant_path(tenant_id: &str) -> String {
    format!("/api/v1/tenants/{tenant_id}/delivery-configs")
}

pub(crate) fn config_path(tenant_id: &str, delivery_type: &str) -> String {
    format!("{}/{delivery_type}", tenant_path(tenant_id))
}

pub(crate) fn s3(tenant_id: &str) -> Value {
    json!({"tenant_id": tenant_id, "type": "s3", "bucket_name": "acme-corp-logs"})
}

pub(crate) fn cloudwatch(tenant_id: &str) -> Value {
    json!({
        "tenant_id": tenant_id,
        "type": "cloudwatch",
        "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole",
        "log_group_name": "/aws/logs/acme-corp",
    })
}

/// A request, which becomes the event that API Gateway would send.
#[derive(Clone)]
pub(crate) struct Call {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    authorizer: Value,
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: vec![(
                "Host".to_owned(),
                "abc123.execute-api.us-east-1.amazonaws.com".to_owned(),
            )],
            body: None,
            authorizer: json!({"principalId": "psk", "authMethod": "hmac-sha256", "keyVersion": "3", "integrationLatency": 1}),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    pub(crate) fn put(path: &str) -> Self {
        Self::new("PUT", path)
    }

    pub(crate) fn patch(path: &str) -> Self {
        Self::new("PATCH", path)
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new("DELETE", path)
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(&body.to_string())
    }

    /// A batch with its digest.
    pub(crate) fn batch(body: &Value) -> Self {
        let digest = hex::encode(Sha256::digest(body.to_string()));
        Self::post(BATCH).json(body).header("X-Body-SHA256", &digest)
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// The digest that the authorizer has verified.
    pub(crate) fn signed_digest(mut self, digest: &str) -> Self {
        self.authorizer["bodySha256"] = digest.into();
        self
    }

    pub(crate) fn into_event(self) -> Value {
        let (headers, multi_value_headers) = maps(&self.headers);
        let (query, multi_value_query) = maps(&self.query);
        json!({
            "resource": "/{proxy+}",
            "path": self.path,
            "httpMethod": self.method,
            "headers": headers,
            "multiValueHeaders": multi_value_headers,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": multi_value_query,
            "pathParameters": null,
            "stageVariables": null,
            "requestContext": {
                "requestId": REQUEST_ID,
                "extendedRequestId": "extended-id",
                "path": format!("/development{}", self.path),
                "stage": "development",
                "identity": {"sourceIp": "203.0.113.7", "userAgent": "test", "accountId": null},
                "authorizer": self.authorizer,
            },
            "body": self.body,
            "isBase64Encoded": false,
        })
    }
}

/// The two maps of API Gateway: the last value of each name, and all of them. Both are null without any name.
fn maps(pairs: &[(String, String)]) -> (Value, Value) {
    if pairs.is_empty() {
        return (Value::Null, Value::Null);
    }
    let (mut singles, mut lists) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
    for (name, value) in pairs {
        singles.insert(name, value);
        lists.entry(name).or_default().push(value);
    }
    (json!(singles), json!(lists))
}

/// A response that has been checked.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// The envelope; null where there is no body.
    pub(crate) body: Value,
}

impl Response {
    pub(crate) fn check(method: &str, bytes: &[u8]) -> Self {
        let response: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(response["isBase64Encoded"], false);
        assert_eq!(
            response.get("multiValueHeaders"),
            None,
            "no header of this service has several values"
        );
        let headers: BTreeMap<String, String> = serde_json::from_value(response["headers"].clone()).unwrap();
        for name in headers.keys() {
            assert!(ALLOWED_HEADERS.contains(&name.as_str()), "unexpected header: {name}");
        }
        assert_eq!(headers["x-request-id"], REQUEST_ID);
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let body = response["body"].as_str().unwrap();
        let mut response = Self {
            status: u16::try_from(response["statusCode"].as_u64().unwrap()).unwrap(),
            headers,
            body: Value::Null,
        };
        if body.is_empty() {
            let is_preflight = response.headers.contains_key("access-control-allow-methods");
            assert!(
                method == "HEAD" || response.status == 304 || is_preflight,
                "no body: {response:?}"
            );
        } else {
            assert_ne!(method, "HEAD");
            assert_eq!(response.headers["content-type"], "application/json");
            response.body = serde_json::from_str(body).unwrap();
            response.check_envelope();
        }
        response
    }

    fn check_envelope(&self) {
        let timestamp = self.body["timestamp"].as_str().unwrap();
        assert!(timestamp.ends_with('Z'), "{timestamp}");
        let age = Utc::now() - timestamp.parse::<DateTime<Utc>>().unwrap();
        assert!((0..60).contains(&age.num_seconds()), "{timestamp}");
        let names: Vec<_> = self.body.as_object().unwrap().keys().map(String::as_str).collect();
        // A batch some of whose operations failed is an error with a status below 400.
        let allowed: &[&str] = if self.status < 400 && self.status != 207 {
            assert_eq!(self.body["status"], "success");
            &["timestamp", "status", "data", "message"]
        } else {
            assert_eq!(self.body["status"], "error");
            assert!(self.error().len() > 10, "the error is a sentence");
            // An unhealthy service reports which part is unhealthy, and a batch which operations failed.
            &["timestamp", "status", "error", "details", "data"]
        };
        assert!(names.iter().all(|name| allowed.contains(name)), "{names:?}");
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn etag(&self) -> &str {
        &self.headers["etag"]
    }

    /// The broken rules of a 422, as field and code.
    pub(crate) fn broken_rules(&self) -> Vec<(&str, &str)> {
        let errors = self.body["details"]["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect()
    }

    /// One member of every result of a batch; null where a result does not have it.
    pub(crate) fn results(&self, name: &str) -> Vec<Value> {
        let results = self.data()["results"].as_array().unwrap();
        results.iter().map(|result| result[name].clone()).collect()
    }

    /// The summary of a batch: total, succeeded, unchanged, failed, not attempted. The total must be the sum of the others, and
    /// the results must be those of each operation in order.
    pub(crate) fn summary(&self) -> [u64; 5] {
        let summary = &self.data()["summary"];
        let count = |name: &str| summary[name].as_u64().unwrap();
        let counts = ["total", "succeeded", "unchanged", "failed", "not_attempted"].map(count);
        assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{summary}");
        let indices: Vec<_> = (0..counts[0]).map(Value::from).collect();
        assert_eq!(self.results("index"), indices);
        let is_success = counts[3] + counts[4] == 0;
        assert_eq!(self.status, if is_success { 200 } else { 207 });
        counts
    }

    /// Tenant and type of each configuration of a list.
    pub(crate) fn keys(&self) -> Vec<(String, String)> {
        let configs = self.data()["configurations"].as_array().unwrap();
        let key = |config: &Value, name: &str| config[name].as_str().unwrap().to_owned();
        configs
            .iter()
            .map(|config| (key(config, "tenant_id"), key(config, "type")))
            .collect()
    }
}

/// Takes a snapshot of an envelope. Values that change are asserted by the harness or redacted to the kind of value.
macro_rules! assert_envelope {
    ($response:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_sort_maps(false);
        settings.add_redaction(".**.timestamp", "[timestamp]");
        settings.add_redaction(".**.created_at", crate::harness::redact_time());
        settings.add_redaction(".**.updated_at", crate::harness::redact_time());
        settings.add_redaction(".**.latency_ms", "[latency]");
        let body = &$response.body;
        settings.bind(|| insta::assert_json_snapshot!(body));
    }};
}
pub(crate) use assert_envelope;

/// Redacts a time within the last minute. Fails on any other time.
pub(crate) fn redact_time() -> insta::internals::Redaction {
    insta::dynamic_redaction(|value, _| {
        let time = value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        assert!((Utc::now() - time).num_seconds() < 60, "{time}");
        "[now]"
    })
}
