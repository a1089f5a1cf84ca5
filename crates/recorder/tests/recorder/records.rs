//! Records of the stream, and the entries that they become.

use serde_json::{Value, json};
use tenant_core::{
    Field, StoredConfig,
    history::{Actor, ChangeKind, Entry, Event, Images},
};

use crate::harness::{NOW, Service, Stream, at, by_request, deliver, item, recorder, sequence_number};

/// A creation, three updates, a deletion in two steps, and another creation: each by a request of its own, if `named`.
fn six_changes(tenant_id: &str, named: bool) -> Vec<Value> {
    let written = |bucket: &str, request: &str, kind| {
        let item = item(tenant_id, bucket);
        if named { by_request(item, request, kind) } else { item }
    };
    let one = written("one", "r-1", ChangeKind::Create);
    let two = written("two", "r-2", ChangeKind::Update);
    let three = written("three", "r-3", ChangeKind::Update);
    let four = written("four", "r-4", ChangeKind::Restore);
    let marked = written("four", "r-5", ChangeKind::Delete);
    let again = written("again", "r-6", ChangeKind::Create);
    let mut stream = Stream::default();
    let mut records = vec![
        stream.record(None, Some(&one)),
        stream.record(Some(&one), Some(&two)),
        stream.record(Some(&two), Some(&three)),
        stream.record(Some(&three), Some(&four)),
    ];
    if named {
        records.push(stream.record(Some(&four), Some(&marked)));
    }
    records.push(stream.record(Some(&marked), None));
    records.push(stream.record(None, Some(&again)));
    records
}

fn bucket(config: Option<StoredConfig>) -> Option<String> {
    let config = config?;
    config.get(Field::BucketName).and_then(Value::as_str).map(str::to_owned)
}

/// The event, the bucket before and the bucket after.
fn story(entries: &[Entry]) -> Vec<(Event, Option<String>, Option<String>)> {
    let entries = entries.iter();
    entries
        .map(|entry| (entry.event, bucket(entry.previous()), bucket(entry.configuration())))
        .collect()
}

fn six_revisions() -> Vec<(Event, Option<String>, Option<String>)> {
    let bucket = |name: &str| Some(name.to_owned());
    vec![
        (Event::Created, None, bucket("one")),
        (Event::Updated, bucket("one"), bucket("two")),
        (Event::Updated, bucket("two"), bucket("three")),
        (Event::Updated, bucket("three"), bucket("four")),
        (Event::Deleted, bucket("four"), None),
        (Event::Created, None, bucket("again")),
    ]
}

#[tokio::test]
async fn six_changes_by_requests_are_six_revisions_with_their_actors() {
    let service = Service::start().await;
    assert_eq!(deliver(&service.recorder, &six_changes("acme", true)).await, None);
    let entries = service.entries("acme").await;
    assert_eq!(story(&entries), six_revisions());
    let requests: Vec<_> = entries
        .iter()
        .map(|entry| match &entry.actor {
            Actor::Api(change) => change.request_id.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(requests, ["r-1", "r-2", "r-3", "r-4", "r-5", "r-6"]);
    let changed_at: Vec<_> = entries.iter().map(Entry::changed_at).collect();
    assert_eq!(
        changed_at,
        [1, 2, 3, 4, 6, 7].map(|seconds| at(NOW + seconds)),
        "the mark was the fifth record"
    );
}

#[tokio::test]
async fn six_changes_by_hand_are_six_direct_revisions() {
    let service = Service::start().await;
    assert_eq!(deliver(&service.recorder, &six_changes("acme", false)).await, None);
    let entries = service.entries("acme").await;
    assert_eq!(story(&entries), six_revisions());
    assert!(entries.iter().all(|entry| entry.actor == Actor::Direct));
}

#[tokio::test]
async fn records_that_are_delivered_again_or_in_another_order_change_nothing() {
    let service = Service::start().await;
    let (acme, other) = (six_changes("acme", true), six_changes("other", true));
    let reversed: Vec<_> = acme.iter().rev().cloned().collect();
    for batch in [&acme[3..], &acme[..], &acme[..2], &reversed[..], &acme[..], &other[..]] {
        assert_eq!(deliver(&service.recorder, batch).await, None);
    }
    assert_eq!(story(&service.entries("acme").await), six_revisions());
    assert_eq!(story(&service.entries("other").await), six_revisions());
}

#[tokio::test]
async fn item_that_the_service_deletes_after_its_time_has_expired() {
    let service = Service::start().await;
    let mut deletion = Stream::default().record(Some(&item("acme", "one")), None);
    deletion["userIdentity"] = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
    assert_eq!(deliver(&service.recorder, &[deletion]).await, None);
    let [entry] = &service.entries("acme").await[..] else {
        panic!("one entry")
    };
    assert_eq!((entry.event, &entry.actor), (Event::Expired, &Actor::Ttl));
}

#[tokio::test]
async fn nonsense_in_an_item_is_kept_as_it_is() {
    let service = Service::start().await;
    let mut odd = item("acme", "one");
    for (name, attribute) in [
        ("enabled", json!({"B": "AQI="})),
        ("ttl", json!({"N": "99999999999999999999999999999999999999"})),
        ("desired_logs", json!({"M": {"": {"L": [{"NULL": true}]}}})),
        ("last_change", json!({"S": "me"})),
        ("unknown", json!({"FUTURE": [1]})),
    ] {
        odd[name] = attribute;
    }
    assert_eq!(
        deliver(&service.recorder, &[Stream::default().record(None, Some(&odd))]).await,
        None
    );
    let [entry] = &service.entries("acme").await[..] else {
        panic!("one entry")
    };
    assert_eq!((entry.event, &entry.actor), (Event::Created, &Actor::Direct));
    let after = entry.images.after().unwrap().unwrap();
    assert_eq!(serde_json::to_value(after).unwrap(), odd);
}

#[tokio::test]
async fn record_that_cannot_be_read_is_observed_and_its_neighbours_are_recorded() {
    let service = Service::start().await;
    let mut records = six_changes("acme", true);
    records[2]["dynamodb"]["NewImage"] = json!("nonsense");
    assert_eq!(deliver(&service.recorder, &records).await, None);
    let mut expected = six_revisions();
    expected[2] = (Event::Observed, None, None);
    let entries = service.entries("acme").await;
    assert_eq!(story(&entries), expected);
    assert_eq!(entries[2].images, Images::Truncated);
}

#[tokio::test]
async fn defect_of_the_decision_is_observed() {
    let service = Service::start().await;
    let failing = recorder(&service.dynamodb.client).with_decision(|record, now| match record.revision.changed_at() {
        time if time == at(NOW + 2) => panic!("a defect"),
        _ => record.into_entry(now),
    });
    assert_eq!(deliver(&failing, &six_changes("acme", true)).await, None);
    let mut expected = six_revisions();
    expected[1] = (Event::Observed, None, None);
    assert_eq!(story(&service.entries("acme").await), expected);
    // The records of such a batch may be delivered again after the defect is fixed.
    assert_eq!(deliver(&service.recorder, &six_changes("acme", true)).await, None);
    assert_eq!(story(&service.entries("acme").await), six_revisions());
}

#[tokio::test]
async fn items_as_large_as_dynamodb_allows_are_recorded_as_far_as_there_is_room() {
    let service = Service::start().await;
    let large = |attribute: &str, letter: &str| {
        let mut item = item("acme", "one");
        item[attribute] = json!({ "S": letter.repeat(400_000) });
        item
    };
    let mut stream = Stream::default();
    let records = [
        stream.record(None, Some(&large("note", "a"))),
        stream.record(Some(&large("note", "a")), Some(&large("note", "b"))),
        stream.record(Some(&large("note", "b")), Some(&large("bucket_name", "c"))),
        stream.record(Some(&large("bucket_name", "c")), None),
    ];
    assert_eq!(deliver(&service.recorder, &records).await, None);
    let entries = service.entries("acme").await;
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| match &entry.images {
            Images::Whole { .. } => "whole",
            Images::Modelled { .. } => "modelled",
            Images::Names(_) => "names",
            Images::Truncated => "truncated",
        })
        .collect();
    assert_eq!(kinds, ["modelled", "modelled", "names", "names"]);
    assert_eq!(bucket(entries[1].configuration()).as_deref(), Some("one"));
    assert_eq!(entries[2].changed_attributes(), ["bucket_name", "note"]);
}

#[tokio::test]
async fn entry_that_dynamodb_does_not_accept_is_recorded_without_the_item() {
    let service = Service::start().await;
    let failing = recorder(&service.dynamodb.client).with_decision(|record, now| {
        let entry = record.into_entry(now)?;
        Some(Entry {
            images: Images::Names(vec!["n".repeat(450_000)]),
            ..entry
        })
    });
    let records = six_changes("acme", false);
    assert_eq!(deliver(&failing, &records[..2]).await, None);
    let entries = service.entries("acme").await;
    assert!(
        entries.iter().all(|entry| entry.images == Images::Truncated),
        "{entries:?}"
    );
    assert_eq!(entries.len(), 2);
}

#[tokio::test]
async fn key_of_any_form_has_a_history() {
    let service = Service::start().await;
    let mut odd = item("O'Neil & sons/#recorder", "one");
    odd["type"]["S"] = format!("#{}", "t".repeat(1023)).into();
    let record = Stream::default().record(None, Some(&odd));
    assert_eq!(deliver(&service.recorder, std::slice::from_ref(&record)).await, None);
    let key = tenant_core::ConfigKey::new("O'Neil & sons/#recorder", format!("#{}", "t".repeat(1023))).unwrap();
    let newest = service.history.newest(&key, chrono::Utc::now()).await.unwrap().unwrap();
    assert_eq!((newest.event, newest.key), (Event::Created, key));
    assert!(sequence_number(&record).len() >= 21);
}
