//! The comparison of the table with the history.

use std::time::Duration;

use chrono::Utc;
use recorder::{Recorder, config::Settings};
use serde_json::json;
use tenant_core::history::{ChangeKind, Event};
use tenant_store::history::{ConfigImages, HistoryStore};

use crate::harness::{
    CONFIGS, HISTORY, SETTINGS, Service, Stream, by_request, deliver, invocation, item, key, late_invocation, reconcile,
};

#[tokio::test]
async fn first_comparison_is_the_baseline_and_the_next_one_finds_nothing() {
    let service = Service::start().await;
    for n in 0..30 {
        service.put(&format!("tenant-{n}"), "one").await;
    }
    let first = reconcile(&service.recorder, &invocation()).await.unwrap();
    assert_eq!(first, json!({"done": true, "compared": 30, "observed": 30}));
    let second = reconcile(&service.recorder, &invocation()).await.unwrap();
    assert_eq!(second, json!({"done": true, "compared": 30, "observed": 0}));
    let [baseline] = &service.entries("tenant-7").await[..] else {
        panic!("one entry")
    };
    assert_eq!((baseline.event, baseline.previous()), (Event::Observed, None));
    assert!(baseline.configuration().is_some());
}

#[tokio::test]
async fn what_the_stream_lost_is_observed() {
    let service = Service::start().await;
    let mut stream = Stream::default();
    let record = |stream: &mut Stream, tenant_id: &str| stream.record(None, Some(&item(tenant_id, "one")));
    let records = ["kept", "changed", "deleted"].map(|tenant_id| record(&mut stream, tenant_id));
    assert_eq!(deliver(&service.recorder, &records).await, None);
    service.put("kept", "one").await;
    service.put("changed", "two").await;
    service.put("created", "one").await;
    let found = reconcile(&service.recorder, &invocation()).await.unwrap();
    assert_eq!(found, json!({"done": true, "compared": 4, "observed": 3}));
    assert_eq!(service.entries("kept").await.len(), 1);
    let [_, observed] = &service.entries("changed").await[..] else {
        panic!("two entries")
    };
    let changes = serde_json::to_value(observed.changes()).unwrap();
    assert_eq!(changes, json!([{"field": "bucket_name", "from": "one", "to": "two"}]));
    let [created, deleted] = &service.entries("deleted").await[..] else {
        panic!("two entries")
    };
    assert_eq!((deleted.event, deleted.configuration()), (Event::Observed, None));
    assert_eq!(deleted.previous(), created.configuration());
    let again = reconcile(&service.recorder, &invocation()).await.unwrap();
    assert_eq!(again["observed"], 0);
    // What the stream brings afterwards continues it.
    let change = stream.record(Some(&item("changed", "two")), Some(&item("changed", "three")));
    assert_eq!(deliver(&service.recorder, &[change]).await, None);
    let entries = service.entries("changed").await;
    let newest = entries.iter().max_by_key(|entry| entry.revision.clone()).unwrap();
    assert_eq!(newest.event, Event::Updated);
}

#[tokio::test]
async fn change_on_its_way_through_the_stream_is_not_observed() {
    let service = Service::start().await;
    service.put("acme", "one").await;
    let slow = Recorder::new(
        HistoryStore::new(service.dynamodb.client.clone(), HISTORY),
        ConfigImages::new(service.dynamodb.client.clone(), CONFIGS),
        Settings {
            settling: Duration::from_secs(1),
            ..SETTINGS
        },
    );
    let creation = [Stream::default().record(None, Some(&item("acme", "one")))];
    let arrival = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        deliver(&service.recorder, &creation).await
    };
    let invocation = invocation();
    let (found, _) = tokio::join!(reconcile(&slow, &invocation), arrival);
    assert_eq!(found.unwrap(), json!({"done": true, "compared": 1, "observed": 0}));
    let [entry] = &service.entries("acme").await[..] else {
        panic!("one entry")
    };
    assert_eq!(entry.event, Event::Created);
}

#[tokio::test]
async fn mark_that_a_deletion_left_is_ignored() {
    let service = Service::start().await;
    service.put("acme", "one").await;
    let marked = by_request(item("acme", "one"), "r-1", ChangeKind::Delete);
    let record = Stream::default().record(None, Some(&marked));
    assert_eq!(deliver(&service.recorder, &[record]).await, None);
    let found = reconcile(&service.recorder, &invocation()).await.unwrap();
    assert_eq!(found["observed"], 0);
}

#[tokio::test]
async fn pass_that_runs_out_of_time_is_continued_by_the_next_invocation() {
    let service = Service::start().await;
    for n in 0..25 {
        service.put(&format!("tenant-{n}"), "one").await;
    }
    let (mut compared, mut observed) = (Vec::new(), 0);
    loop {
        let found = reconcile(&service.recorder, &late_invocation()).await.unwrap();
        compared.push(found["compared"].as_u64().unwrap());
        observed += found["observed"].as_u64().unwrap();
        if found["done"] == true {
            break;
        }
    }
    // Three pages of items, and three of histories, all of which were compared with their items.
    assert_eq!((compared, observed), (vec![10, 10, 5, 0, 0, 0], 25));
    let last = service.history.newest(&key("tenant-24"), Utc::now()).await.unwrap();
    assert!(last.is_some());
}
