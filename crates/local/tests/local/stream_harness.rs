//! A table in a data directory, and a function that is driven by its stream and does what a test says.

use std::{
    collections::HashMap,
    future::pending,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda::{Handler, HandlerError, Invocation};
use local::{
    data_dir::DataDir,
    database::{DatabaseError, EmbeddedDynamoDb},
};
use serde_json::{Value, json};
use tenant_store::{configs, schema};
use tokio::{
    sync::{Semaphore, watch::Receiver},
    time::sleep,
};

pub(crate) const TABLE: &str = "configs";
const REGION: &str = "eu-west-1";
/// How long anything may take on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(30);

/// What a function does with a batch.
pub(crate) enum Act {
    Succeed,
    /// Report the records at these places of the batch.
    Report(&'static [usize]),
    Respond(&'static str),
    Fail,
    Panic,
    /// Do something, once there is a permit.
    Await(Arc<Semaphore>, Box<Act>),
    Sleep(Duration),
    /// Never respond.
    Hang,
}

/// What a function does with each batch: the number of the invocation, from 0, and the records.
type Behaviour = Box<dyn Fn(usize, &[Value]) -> Act + Send + Sync>;

/// The events of a function.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Event>>>);

struct Event {
    bytes: usize,
    is_cold_start: bool,
    records: Vec<Value>,
}

impl Seen {
    fn add(&self, event: Event) -> usize {
        let mut events = self.0.lock().unwrap();
        events.push(event);
        events.len() - 1
    }

    /// The batches so far.
    pub(crate) fn batches(&self) -> Vec<Vec<Value>> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|event| event.records.clone())
            .collect()
    }

    /// The values of `n` in the batches so far.
    pub(crate) fn numbers(&self) -> Vec<Vec<i64>> {
        let number = |record: &Value| {
            let image = record["dynamodb"]
                .get("NewImage")
                .or(record["dynamodb"].get("OldImage"));
            image.unwrap()["n"]["N"].as_str().unwrap().parse().unwrap()
        };
        let batches = self.batches();
        batches.iter().map(|batch| batch.iter().map(number).collect()).collect()
    }

    /// The size of each event.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.0.lock().unwrap().iter().map(|event| event.bytes).collect()
    }

    /// How many batches there are so far.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Whether each invocation was reported as the first of its process.
    pub(crate) fn cold_starts(&self) -> Vec<bool> {
        self.0.lock().unwrap().iter().map(|event| event.is_cold_start).collect()
    }

    /// Waits for so many batches.
    pub(crate) async fn await_batches(&self, count: usize) -> Vec<Vec<i64>> {
        eventually(|| self.count() >= count).await;
        self.numbers()
    }

    /// Waits for a record with this value of `n`.
    pub(crate) async fn await_number(&self, number: i64) -> Vec<Vec<i64>> {
        eventually(|| self.numbers().concat().contains(&number)).await;
        self.numbers()
    }
}

/// Waits until a condition is met.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LIMIT, "it did not happen in {LIMIT:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A function whose behaviour a test writes.
struct Scripted {
    behaviour: Behaviour,
    seen: Seen,
}

impl Handler for Scripted {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let parsed: Value = serde_json::from_slice(event).unwrap();
        let records = parsed["Records"].as_array().unwrap().clone();
        let number = self.seen.add(Event {
            bytes: event.len(),
            is_cold_start: invocation.cold_start,
            records: records.clone(),
        });
        let mut act = (self.behaviour)(number, &records);
        while let Act::Await(permits, then) = act {
            permits.acquire().await.unwrap().forget();
            act = *then;
        }
        let report = |places: &[usize]| {
            let failure = |place: &usize| json!({"itemIdentifier": records[*place]["dynamodb"]["SequenceNumber"]});
            json!({"batchItemFailures": places.iter().map(failure).collect::<Vec<_>>()}).to_string()
        };
        match act {
            Act::Succeed => Ok(report(&[]).into_bytes()),
            Act::Report(places) => Ok(report(places).into_bytes()),
            Act::Respond(text) => Ok(text.as_bytes().to_vec()),
            Act::Fail => Err(HandlerError::new("Scripted", "as scripted")),
            Act::Panic => panic!("as scripted"),
            Act::Sleep(time) => {
                sleep(time).await;
                Ok(Vec::new())
            }
            Act::Hang | Act::Await(..) => pending().await,
        }
    }
}

/// A data directory, which outlives the databases that are started in it.
pub(crate) struct Directory {
    dir: DataDir,
    _parent: tempfile::TempDir,
}

impl Directory {
    pub(crate) fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        Self { dir, _parent: parent }
    }

    pub(crate) fn checkpoint_file(&self) -> PathBuf {
        self.dir.file("stream.json")
    }

    pub(crate) fn database_file(&self) -> PathBuf {
        self.dir.file("dynamodb.db")
    }

    /// Starts a database with the table, without anything that its stream would drive.
    pub(crate) async fn start_undriven(&self) -> Table {
        Table::create(EmbeddedDynamoDb::in_dir(&self.dir).unwrap()).await
    }

    /// Starts a database whose table drives a function with this behaviour.
    pub(crate) async fn start(
        &self,
        behaviour: impl Fn(usize, &[Value]) -> Act + Send + Sync + 'static,
    ) -> (Table, Seen) {
        let mut table = self.start_undriven().await;
        let seen = table.drive(behaviour).unwrap();
        (table, seen)
    }
}

/// A database with the table.
pub(crate) struct Table {
    pub(crate) embedded: EmbeddedDynamoDb,
    pub(crate) client: Client,
    /// Of the stream that is driven.
    pub(crate) has_caught_up: Option<Receiver<bool>>,
}

impl Table {
    /// Creates the table, unless the database has it.
    pub(crate) async fn create(embedded: EmbeddedDynamoDb) -> Self {
        let client = embedded.client();
        schema::ensure_table(&client, TABLE, &configs::SCHEMA).await.unwrap();
        Self {
            embedded,
            client,
            has_caught_up: None,
        }
    }

    /// Drives a function with this behaviour.
    pub(crate) fn drive(
        &mut self,
        behaviour: impl Fn(usize, &[Value]) -> Act + Send + Sync + 'static,
    ) -> Result<Seen, DatabaseError> {
        let seen = Seen::default();
        let function = Scripted {
            behaviour: Box::new(behaviour),
            seen: seen.clone(),
        };
        self.has_caught_up = Some(self.embedded.drive(TABLE, REGION, function)?);
        Ok(seen)
    }

    /// Writes the item of a tenant.
    pub(crate) async fn put(&self, tenant: &str, n: i64) {
        self.put_with(tenant, n, HashMap::new()).await;
    }

    /// Writes the item of a tenant with more attributes.
    pub(crate) async fn put_with(&self, tenant: &str, n: i64, more: HashMap<String, AttributeValue>) {
        let put = self.client.put_item().table_name(TABLE).set_item(Some(more));
        let put = put.item("tenant_id", text(tenant)).item("type", text("s3"));
        put.item("n", AttributeValue::N(n.to_string())).send().await.unwrap();
    }

    /// Writes the items of several tenants.
    pub(crate) async fn put_all(&self, numbers: Range<i64>) {
        for n in numbers {
            self.put(&format!("tenant-{n}"), n).await;
        }
    }

    pub(crate) async fn stop(self) {
        drop(self.client);
        self.embedded.stop().await;
    }
}

pub(crate) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
