//! The history over its whole way: requests and hand edits, the table's stream, the recorder, its table, and the API. Random
//! histories are compared with a model that remembers every item.
//!
//! The stream's times are replaced by those of the model, so that years pass within a test.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use api::{Api, AppState, Stores, config::Settings};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, SecondsFormat, Utc};
use lambda::{Handler, HandlerError, Invocation};
use local::{data_dir::DataDir, database::EmbeddedDynamoDb};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};
use recorder::Recorder;
use serde_json::{Value, json};
use tenant_core::{
    ConfigKey, DeliveryType, Field, StoredConfig,
    history::{Image, Retention, is_expired, parse_restore},
};
use tenant_store::{
    configs::{self, ConfigStore},
    history::{self, ConfigImages, HistoryStore},
    schema::ensure_table,
};
use tokio::runtime::Runtime;

use crate::stream_harness::{eventually, text};

const CONFIGS: &str = "configs";
const HISTORY: &str = "configs-history";
const DAY: i64 = 24 * 60 * 60;
const TARGET: &str = "/api/v1/tenants/acme/delivery-configs/s3";

/// What happens next to the configuration.
#[derive(Debug, Clone)]
enum Step {
    Create(Value),
    Update(Value),
    Delete,
    /// Restore the revision at this place of the history, counted from its start and modulo its length.
    Restore(usize),
    PutByHand(Vec<(&'static str, AttributeValue)>),
    DeleteByHand,
    /// Expire after so many seconds, by hand: through the API, a time must be in the future.
    ExpireByHand(i64),
    Wait(i64),
}

/// The recorder, at the time of the model.
struct InModelTime {
    recorder: Recorder,
    now: Arc<AtomicI64>,
    /// The item after the last record that was handled.
    last: Arc<Mutex<Option<Value>>>,
}

impl Handler for InModelTime {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let mut event: Value = serde_json::from_slice(event).unwrap();
        for record in event["Records"].as_array_mut().unwrap() {
            record["dynamodb"]["ApproximateCreationDateTime"] = self.now.load(Ordering::SeqCst).into();
        }
        let last = event["Records"].as_array().unwrap().last().cloned().unwrap();
        let response = self.recorder.invoke(event.to_string().as_bytes(), invocation).await?;
        *self.last.lock().unwrap() = last["dynamodb"].get("NewImage").cloned();
        Ok(response)
    }
}

/// Whether the table of the history is there from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HistoryTable {
    Present,
    Away,
}

/// The service, and every item that the configuration has been.
struct World {
    api: Api,
    client: Client,
    images: ConfigImages,
    now: Arc<AtomicI64>,
    last: Arc<Mutex<Option<Value>>>,
    began: i64,
    requests: AtomicU64,
    /// The item since that second.
    states: Vec<(i64, Option<Image>)>,
    embedded: EmbeddedDynamoDb,
    _dir: tempfile::TempDir,
}

impl World {
    async fn start(table: HistoryTable, retention: Retention, began: i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut embedded = EmbeddedDynamoDb::in_dir(&DataDir::open(dir.path()).unwrap()).unwrap();
        let client = embedded.client();
        ensure_table(&client, CONFIGS, &configs::SCHEMA).await.unwrap();
        let history = HistoryStore::new(client.clone(), HISTORY);
        if table == HistoryTable::Present {
            ensure_table(&client, HISTORY, &history::SCHEMA).await.unwrap();
            history.start_recording(retention, at(began)).await.unwrap();
        }
        let images = ConfigImages::new(client.clone(), CONFIGS);
        let settings = recorder::config::Settings {
            retention,
            ..recorder::config::Settings::default()
        };
        let (now, last) = (Arc::new(AtomicI64::new(began)), Arc::new(Mutex::new(None)));
        let driven = InModelTime {
            recorder: Recorder::new(history.clone(), images.clone(), settings),
            now: Arc::clone(&now),
            last: Arc::clone(&last),
        };
        embedded.drive(CONFIGS, "eu-west-1", driven).unwrap();
        let stores = Stores {
            configs: ConfigStore::new(client.clone(), CONFIGS),
        };
        Self {
            api: Api::new(AppState::new(stores, Settings::default()).with_history(history)),
            client,
            images,
            now,
            last,
            began,
            requests: AtomicU64::new(0),
            states: vec![(began, None)],
            embedded,
            _dir: dir,
        }
    }

    /// Status and envelope.
    async fn send(&self, method: &str, path: &str, query: &[(&str, &str)], body: &str) -> (u64, Value) {
        let request = self.requests.fetch_add(1, Ordering::SeqCst);
        let query: serde_json::Map<_, _> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let lists: serde_json::Map<_, _> = query
            .iter()
            .map(|(name, value)| (name.clone(), json!([value])))
            .collect();
        let event = json!({
            "httpMethod": method, "path": path, "body": body, "isBase64Encoded": false,
            "queryStringParameters": query, "multiValueQueryStringParameters": lists,
            "requestContext": {"requestId": format!("r-{request}"), "authorizer": {"principalId": "psk", "keyVersion": "current:1"}}
        });
        let invocation = Invocation {
            request_id: format!("i-{request}"),
            trace_id: None,
            deadline: None,
            cold_start: false,
        };
        let response = self
            .api
            .invoke(event.to_string().as_bytes(), &invocation)
            .await
            .unwrap();
        let response: Value = serde_json::from_slice(&response).unwrap();
        let body = response["body"].as_str().unwrap();
        (
            response["statusCode"].as_u64().unwrap(),
            serde_json::from_str(body).unwrap(),
        )
    }

    async fn step(&mut self, step: &Step) {
        self.now.fetch_add(1, Ordering::SeqCst);
        let before = self.image().await;
        match step {
            Step::Create(body) => drop(
                self.send("POST", "/api/v1/tenants/acme/delivery-configs", &[], &body.to_string())
                    .await,
            ),
            Step::Update(body) => drop(self.send("PATCH", TARGET, &[], &body.to_string()).await),
            Step::Delete => drop(self.send("DELETE", TARGET, &[], "").await),
            Step::Restore(place) => self.restore(*place).await,
            Step::PutByHand(attributes) => {
                let mut put = self
                    .client
                    .put_item()
                    .table_name(CONFIGS)
                    .item("tenant_id", text("acme"))
                    .item("type", text("s3"));
                for (name, value) in attributes {
                    put = put.item(*name, value.clone());
                }
                put.send().await.unwrap();
            }
            Step::DeleteByHand => {
                let delete = self
                    .client
                    .delete_item()
                    .table_name(CONFIGS)
                    .key("tenant_id", text("acme"));
                delete.key("type", text("s3")).send().await.unwrap();
            }
            Step::ExpireByHand(seconds) => {
                let expires = self.now.load(Ordering::SeqCst) + seconds;
                let update = self
                    .client
                    .update_item()
                    .table_name(CONFIGS)
                    .key("tenant_id", text("acme"))
                    .key("type", text("s3"));
                let update = update
                    .update_expression("SET #ttl = :ttl")
                    .expression_attribute_names("#ttl", "ttl");
                update
                    .expression_attribute_values(":ttl", AttributeValue::N(expires.to_string()))
                    .send()
                    .await
                    .unwrap();
            }
            Step::Wait(seconds) => drop(self.now.fetch_add(*seconds, Ordering::SeqCst)),
        }
        let after = self.image().await;
        if after != before {
            let expected = after.clone();
            eventually(|| self.last.lock().unwrap().clone().and_then(Image::from_json) == expected).await;
            self.states.push((self.now.load(Ordering::SeqCst), after));
        }
    }

    /// Restores a revision, and compares the result with what the configuration was then.
    async fn restore(&self, place: usize) {
        let revisions = self.revisions().await;
        if revisions.is_empty() {
            return;
        }
        let revision = &revisions[place % revisions.len()];
        let then = self.state_at(seconds(&revision["changed_at"])).cloned();
        let path = format!("{TARGET}/history/{}/restore", revision["revision"].as_str().unwrap());
        let (status, body) = self.send("POST", &path, &[], "").await;
        let Some(then) = then else {
            assert_eq!(status, 409, "{body}");
            return;
        };
        let parsed = parse_restore(
            b"",
            &then.config(),
            &"acme".parse().unwrap(),
            DeliveryType::S3,
            Utc::now(),
        );
        let Ok(expected) = parsed else {
            assert_eq!(status, 422, "{body}");
            return;
        };
        assert!(status == 200 || status == 201, "{body}");
        let stored = self.image().await.unwrap().config();
        assert_eq!(writable(&stored), writable(&expected.as_stored()), "{revision}");
    }

    async fn image(&self) -> Option<Image> {
        let key = ConfigKey::new("acme", "s3").unwrap();
        self.images.get(&key).await.unwrap()
    }

    async fn revisions(&self) -> Vec<Value> {
        let query = [("order", "asc"), ("limit", "1000")];
        let (status, body) = self.send("GET", &format!("{TARGET}/history"), &query, "").await;
        assert_eq!(status, 200, "{body}");
        body["data"]["revisions"].as_array().unwrap().clone()
    }

    /// The item at the end of the second.
    fn state_at(&self, seconds: i64) -> Option<&Image> {
        let state = self.states.iter().rev().find(|(since, _)| *since <= seconds);
        state.and_then(|(_, state)| state.as_ref())
    }

    /// Compares `?at=` with the model, at every second at which something happened and at these.
    async fn check_instants(&self, retention: Retention, instants: &[i64]) {
        let now = Utc::now().timestamp();
        let end = self.now.load(Ordering::SeqCst);
        let kept = match i64::from(retention.days()) {
            0 => self.began,
            days => self.began.max(now - days * DAY),
        };
        let random = instants
            .iter()
            .map(|instant| self.began - 10 + instant % (end - self.began + 20));
        let events = self.states.iter().flat_map(|(since, _)| [since - 1, *since]);
        for second in random.chain(events) {
            // The edge of what is kept moves while this runs.
            if (second - kept).abs() < 60 {
                continue;
            }
            let (status, body) = self.send("GET", TARGET, &[("at", &rfc3339(second))], "").await;
            let then = self
                .state_at(second)
                .map(Image::config)
                .filter(|config| !is_expired(config, at(second)));
            match then {
                _ if second < kept => {
                    assert_eq!(status, 404, "{body}");
                    assert!(
                        body["error"].as_str().unwrap().contains("is not in the history"),
                        "{body}"
                    );
                }
                Some(config) => {
                    assert_eq!(status, 200, "{second}: {body}");
                    assert_eq!(body["data"], serde_json::to_value(config).unwrap(), "{second}");
                }
                None => {
                    assert_eq!(status, 404, "{second}: {body}");
                    assert!(
                        !body["error"].as_str().unwrap().contains("is not in the history"),
                        "{body}"
                    );
                }
            }
        }
    }

    /// Each revision begins with what the one before it left, and leaves what the model has.
    async fn check_revisions(&self, retention: Retention) {
        let revisions = self.revisions().await;
        if retention == Retention::FOR_EVER {
            assert_eq!(revisions.len(), self.states.len() - 1, "{revisions:#?}");
        }
        for revision in &revisions {
            let path = format!("{TARGET}/history/{}", revision["revision"].as_str().unwrap());
            let (status, body) = self.send("GET", &path, &[], "").await;
            assert_eq!(status, 200, "{body}");
            let changed_at = seconds(&revision["changed_at"]);
            let shown = |state: Option<&Image>| {
                state.map_or(Value::Null, |state| serde_json::to_value(state.config()).unwrap())
            };
            assert_eq!(body["data"]["configuration"], shown(self.state_at(changed_at)));
            if revision["event"] != "created" {
                assert_eq!(body["data"]["previous"], shown(self.state_at(changed_at - 1)));
            }
        }
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn rfc3339(seconds: i64) -> String {
    at(seconds).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn seconds(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<DateTime<Utc>>().unwrap().timestamp()
}

/// The fields that a restoration sets, as a client sees them.
fn writable(config: &StoredConfig) -> Vec<(Field, Value)> {
    let fields = Field::ALL.into_iter();
    fields
        .filter(|field| field.spec().role == tenant_core::FieldRole::Writable)
        .map(|field| (field, config.shown(field).cloned().unwrap_or_default()))
        .collect()
}

fn any_body() -> impl Strategy<Value = Value> {
    let members = (
        select(vec!["one-bucket", "two-buckets", "three-buckets"]),
        any::<bool>(),
        select(vec![json!(null), json!(["a"]), json!(["a", "b"]), json!([])]),
        select(vec![json!(null), json!("eu-west-1"), json!("us-east-1")]),
        select(vec![
            json!(null),
            json!({"env": "dev"}),
            json!({"env": "prod", "team": "x"}),
        ]),
    );
    members.prop_map(|(bucket_name, enabled, desired_logs, target_region, labels)| {
        json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": bucket_name, "enabled": enabled, "desired_logs": desired_logs,
            "target_region": target_region, "labels": labels
        })
    })
}

fn any_hand_edit() -> impl Strategy<Value = Vec<(&'static str, AttributeValue)>> {
    let attribute = select(vec![
        ("bucket_name", text("by-hand")),
        ("bucket_name", text("Not A Bucket")),
        ("bucket_name", AttributeValue::N("7".to_owned())),
        ("enabled", AttributeValue::Bool(true)),
        ("enabled", text("yes")),
        ("desired_logs", AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()])),
        ("target_region", AttributeValue::Null(true)),
        ("version", text("mine")),
        ("owner", text("platform")),
        ("last_change", text("me")),
    ]);
    vec(attribute, 0..5).prop_map(|mut attributes| {
        attributes.sort_by_key(|(name, _)| *name);
        attributes.dedup_by_key(|(name, _)| *name);
        attributes
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any_body().prop_map(Step::Create),
        4 => any_body().prop_map(Step::Update),
        2 => Just(Step::Delete),
        3 => any::<usize>().prop_map(Step::Restore),
        2 => any_hand_edit().prop_map(Step::PutByHand),
        1 => Just(Step::DeleteByHand),
        1 => (0..400_i64).prop_map(Step::ExpireByHand),
        3 => (1..2000_i64).prop_map(Step::Wait),
    ]
}

/// `HISTORY=full` takes minutes.
fn cases() -> u32 {
    if std::env::var("HISTORY").is_ok_and(|effort| effort == "full") {
        300
    } else {
        12
    }
}

#[test]
fn points_in_time_and_restorations_are_those_of_a_model() {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        max_shrink_iters: 50,
        ..ProptestConfig::default()
    });
    // For ever, and a time after which some of what happens is removed.
    let retention = select(vec!["0", "1"]);
    let strategy = (vec(any_step(), 1..16), vec(0..i64::from(u32::MAX), 20), retention);
    let checked = runner.run(&strategy, |(steps, instants, retention)| {
        let retention: Retention = retention.parse().unwrap();
        runtime.block_on(async {
            let mut world = World::start(HistoryTable::Present, retention, Utc::now().timestamp() - DAY - 6_000).await;
            for step in &steps {
                world.step(step).await;
            }
            // What happens afterwards is not in the future.
            assert!(world.now.load(Ordering::SeqCst) < Utc::now().timestamp());
            world.check_revisions(retention).await;
            world.check_instants(retention, &instants).await;
            world.embedded.stop().await;
        });
        Ok(())
    });
    checked.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn history_that_is_away_delays_no_request_and_loses_nothing() {
    const CHANGES: usize = 250;
    let world = World::start(HistoryTable::Away, Retention::FOR_EVER, Utc::now().timestamp()).await;
    let body = json!({"tenant_id": "acme", "type": "s3", "bucket_name": "bucket-0"}).to_string();
    let (status, _) = world
        .send("POST", "/api/v1/tenants/acme/delivery-configs", &[], &body)
        .await;
    assert_eq!(status, 201);
    for number in 1..CHANGES {
        let body = json!({"bucket_name": format!("bucket-{number}")}).to_string();
        let (status, body) = world.send("PATCH", TARGET, &[], &body).await;
        assert_eq!(status, 200, "{body}");
    }
    let (status, body) = world.send("GET", &format!("{TARGET}/history"), &[], "").await;
    assert_eq!(status, 500, "{body}");
    let (status, body) = world.send("GET", TARGET, &[], "").await;
    assert_eq!(status, 200, "{body}");

    ensure_table(&world.client, HISTORY, &history::SCHEMA).await.unwrap();
    let last = world.image().await;
    eventually(|| world.last.lock().unwrap().clone().and_then(Image::from_json) == last).await;
    let revisions = world.revisions().await;
    assert_eq!(revisions.len(), CHANGES);
    for (number, revision) in revisions.iter().enumerate().skip(1) {
        let (from, to) = (format!("bucket-{}", number - 1), format!("bucket-{number}"));
        let expected = json!([{"field": "bucket_name", "from": from, "to": to}]);
        assert_eq!(revision["changes"], expected);
    }
    world.embedded.stop().await;
}
