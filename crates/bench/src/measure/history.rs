//! How soon a change is in the history of the local server, and what a page of a long history costs.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tenant_core::{
    ConfigKey,
    history::{Entry, FeedCursor, Image, Record, Retention, Revision},
};
use tenant_store::{
    client,
    history::{self, HistoryStore},
    schema,
};
use tokio::task::JoinSet;

use crate::{
    aws::{Transport, numbered_tenant},
    bench::{Bench, invoke_warm},
    error::BenchError,
    events::Call,
    local_server::LocalServer,
    routes::{Route, config_path, s3_config, tenant_path},
    stats::{Samples, microseconds, milliseconds},
};

#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// From the response of a change to its revision in a response of the local server, which is asked again and again.
    pub(crate) lag_p50_ms: f64,
    pub(crate) lag_p99_ms: f64,
    pub(crate) pages: Vec<HistoryPage>,
}

/// Reads of a history of this length, anywhere in it.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryPage {
    pub(crate) what: &'static str,
    pub(crate) entries: usize,
    pub(crate) p50_us: f64,
}

pub(crate) const REVISIONS: &str = "50 revisions of one";
pub(crate) const AT: &str = "?at= of one";
pub(crate) const FEED: &str = "50 of the feed";

const SHORT: usize = 1_000;
const WRITERS: usize = 16;
const TENANT: &str = "acme";
/// Before the first entry of every history. There is one entry a second.
const SPAN: TimeDelta = TimeDelta::seconds(200_000);

pub(crate) async fn measure(bench: &Bench) -> Result<History, BenchError> {
    bench
        .progress
        .report("from a change to the history of the local server");
    let lag = lag(bench).await?;
    let mut pages = Vec::new();
    for entries in [SHORT, bench.effort.largest_table] {
        bench.progress.report(format_args!("a history of {entries} entries"));
        pages.extend(read(bench, entries).await?);
    }
    Ok(History {
        lag_p50_ms: milliseconds(lag.median()),
        lag_p99_ms: milliseconds(lag.quantile(0.99)),
        pages,
    })
}

async fn lag(bench: &Bench) -> Result<Samples, BenchError> {
    let server = LocalServer::start(&bench.programs)?;
    let mut connection = server.connect().await?;
    let create = Call::new("POST", tenant_path(TENANT)).with_body(s3_config(TENANT));
    connection.send(&create, 201).await?;
    let path = config_path(TENANT, "s3");
    let mut samples = Samples::default();
    for number in 0..bench.effort.invocations {
        let bucket = format!("bucket-{number}");
        let change = Call::new("PATCH", path.clone()).with_body(json!({ "bucket_name": bucket }));
        connection.send(&change, 200).await?;
        let began = Instant::now();
        let history = Call::new("GET", format!("{path}/history"));
        loop {
            let body: Value = serde_json::from_slice(&connection.fetch(&history, 200).await?)?;
            if body["data"]["revisions"][0]["changes"][0]["to"] == *bucket {
                break;
            }
        }
        samples.push(began.elapsed());
    }
    Ok(samples)
}

/// A history of one configuration, and one of as many configurations.
async fn read(bench: &Bench, entries: usize) -> Result<Vec<HistoryPage>, BenchError> {
    let client = client::connect_embedded(&format!("http://{}", bench.aws.dynamodb()));
    let began = Utc::now() - SPAN;
    let mut pages = Vec::new();
    for (of, tenant) in [("one", of_one as fn(usize) -> String), ("many", numbered_tenant)] {
        let table = format!("bench-history-{of}-{entries}");
        schema::ensure_table(&client, &table, &history::SCHEMA).await?;
        let store = HistoryStore::new(client.clone(), table.clone());
        store.start_recording(Retention::FOR_EVER, began).await?;
        fill(&store, entries, began, tenant).await?;
        let api = bench
            .function("api", Transport::Plain)
            .with("HISTORY_TABLE_NAME", table);
        let mut sandbox = bench.start(&api).await?;
        let middle = entries / 2;
        let routes = if of == "one" {
            let revision = entry(&tenant(middle), middle, began)?.revision.to_string();
            let path = config_path(TENANT, "s3");
            let at = (began + seconds(middle)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            vec![
                (
                    REVISIONS,
                    Call::new("GET", format!("{path}/history")).with_query("cursor", revision),
                ),
                (AT, Call::new("GET", path).with_query("at", at)),
            ]
        } else {
            let cursor = FeedCursor::at(began + seconds(middle)).to_string();
            vec![(FEED, Call::new("GET", "/api/v1/history").with_query("cursor", cursor))]
        };
        for (what, call) in routes {
            let route = Route::for_api(what, call, 200);
            let samples = invoke_warm(&mut sandbox, &route, bench.effort.invocations).await?;
            let p50_us = microseconds(samples.median());
            pages.push(HistoryPage { what, entries, p50_us });
        }
    }
    Ok(pages)
}

fn of_one(_: usize) -> String {
    TENANT.to_owned()
}

async fn fill(
    store: &HistoryStore,
    entries: usize,
    began: DateTime<Utc>,
    tenant: fn(usize) -> String,
) -> Result<(), BenchError> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for number in (0..entries).filter(|number| number % WRITERS == writer) {
                let entry = entry(&tenant(number), number, began)?;
                store.put(&entry, Retention::FOR_EVER).await?;
            }
            Ok::<_, BenchError>(())
        });
    }
    while let Some(written) = writers.join_next().await {
        written.expect("the tasks neither panic nor are aborted")?;
    }
    Ok(())
}

/// The change of a bucket at that second.
fn entry(tenant: &str, number: usize, began: DateTime<Utc>) -> Result<Entry, BenchError> {
    let image = |bucket: &str| {
        let item = json!({
            "tenant_id": {"S": tenant}, "type": {"S": "s3"}, "bucket_name": {"S": bucket}, "enabled": {"BOOL": true}
        });
        Image::from_json(item)
    };
    let malformed = |error: String| BenchError::Dynamo(error);
    let changed_at = began + seconds(number);
    let record = Record {
        key: ConfigKey::new(tenant, "s3").map_err(|error| malformed(error.to_string()))?,
        revision: Revision::from_record("2024-01-01T00:00:00.000", &format!("1{number:020}"), changed_at)
            .map_err(|error| malformed(error.to_string()))?,
        old: image("one-bucket"),
        new: image("another-bucket"),
        identity: None,
    };
    let entry = record.into_entry(changed_at);
    entry.ok_or_else(|| malformed("a change of a bucket has an entry".to_owned()))
}

fn seconds(number: usize) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(number).unwrap_or_default())
}
