//! The table's stream drives a function: every change, in order, at least once, as Lambda does it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::NaiveDateTime;
use serde_json::{Value, json};
use tenant_store::client;
use tokio::{net::TcpListener, sync::Semaphore};

use crate::stream_harness::{Act, Directory, TABLE, eventually, text};

/// The largest event of an invocation.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;

/// Handles the first batch only after a permit, so that the next one contains all that was written meanwhile.
fn holding_the_first(permits: Arc<Semaphore>, then: impl Fn(usize) -> Act) -> impl Fn(usize, &[Value]) -> Act {
    move |number, _| match number {
        0 => Act::Await(Arc::clone(&permits), Box::new(Act::Succeed)),
        _ => then(number),
    }
}

fn take(record: &mut Value, pointer: &str) -> Value {
    record
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("{pointer}"))
        .take()
}

#[tokio::test]
async fn change_is_delivered_as_lambda_sends_it() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    table.put("acme", 1).await;
    table.put("acme", 2).await;
    let delete = table.client.delete_item().table_name(TABLE);
    let delete = delete.key("tenant_id", text("acme")).key("type", text("s3"));
    delete.send().await.unwrap();
    eventually(|| seen.batches().concat().len() == 3).await;

    let image = |n: &str| json!({"tenant_id": {"S": "acme"}, "type": {"S": "s3"}, "n": {"N": n}});
    let changes = [
        ("INSERT", json!({"NewImage": image("1")})),
        ("MODIFY", json!({"NewImage": image("2"), "OldImage": image("1")})),
        ("REMOVE", json!({"OldImage": image("2")})),
    ];
    let (mut ids, mut last_number) = (BTreeSet::new(), String::new());
    for (mut record, (name, mut change)) in seen.batches().concat().into_iter().zip(changes) {
        change["Keys"] = json!({"tenant_id": {"S": "acme"}, "type": {"S": "s3"}});
        change["StreamViewType"] = json!("NEW_AND_OLD_IMAGES");

        let number = take(&mut record, "/dynamodb/SequenceNumber")
            .as_str()
            .unwrap()
            .to_owned();
        assert!(number.len() == 21 && number > last_number, "{number}");
        last_number = number;
        let created = take(&mut record, "/dynamodb/ApproximateCreationDateTime")
            .as_u64()
            .unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!((now - 60..=now).contains(&created), "{created}");
        assert!(take(&mut record, "/dynamodb/SizeBytes").as_u64().unwrap() > 0);
        let arn = take(&mut record, "/eventSourceARN");
        let start = "arn:aws:dynamodb:eu-west-1:123456789012:table/configs/stream/";
        let label = arn.as_str().unwrap().strip_prefix(start).unwrap();
        NaiveDateTime::parse_from_str(label, "%Y-%m-%dT%H:%M:%S%.3f").unwrap();
        assert!(ids.insert(take(&mut record, "/eventID").as_str().unwrap().to_owned()));

        for name in ["SequenceNumber", "ApproximateCreationDateTime", "SizeBytes"] {
            change[name] = Value::Null;
        }
        let expected = json!({
            "eventID": null,
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "eventSourceARN": null,
            "dynamodb": change,
        });
        assert_eq!(record, expected);
    }
    table.stop().await;
}

#[tokio::test]
async fn write_that_changes_nothing_is_not_delivered() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    for n in [1, 1, 1, 2] {
        table.put("acme", n).await;
    }
    assert_eq!(seen.await_number(2).await.concat(), [1, 2]);
    table.stop().await;
}

#[tokio::test]
async fn records_arrive_in_order_in_batches_of_at_most_100() {
    let directory = Directory::new();
    let permits = Arc::new(Semaphore::new(0));
    let (table, seen) = directory
        .start(holding_the_first(Arc::clone(&permits), |_| Act::Succeed))
        .await;
    table.put_all(0..250).await;
    permits.add_permits(1);
    let batches = seen.await_number(249).await;
    assert_eq!(batches.concat(), (0..250).collect::<Vec<_>>());
    let sizes: Vec<_> = batches.iter().map(Vec::len).collect();
    assert!(
        sizes.iter().all(|size| *size <= 100) && sizes.contains(&100),
        "{sizes:?}"
    );
    table.stop().await;
}

#[tokio::test]
async fn event_is_not_larger_than_lambda_allows() {
    let directory = Directory::new();
    let permits = Arc::new(Semaphore::new(0));
    let (table, seen) = directory
        .start(holding_the_first(Arc::clone(&permits), |_| Act::Succeed))
        .await;
    for n in 0..20 {
        let filling = HashMap::from([("filling".to_owned(), text(&"x".repeat(390_000)))]);
        table.put_with(&format!("tenant-{n}"), n, filling).await;
    }
    permits.add_permits(1);
    let batches = seen.await_number(19).await;
    assert_eq!(batches.concat(), (0..20).collect::<Vec<_>>());
    let sizes = seen.sizes();
    assert!(sizes.iter().all(|size| *size <= MAX_EVENT_BYTES), "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > MAX_EVENT_BYTES / 2), "{sizes:?}");
    table.stop().await;
}

#[tokio::test]
async fn batch_is_repeated_from_the_lowest_reported_record() {
    let directory = Directory::new();
    let permits = Arc::new(Semaphore::new(0));
    let behaviour = holding_the_first(Arc::clone(&permits), |number| match number {
        1 => Act::Report(&[7, 3]),
        2 => Act::Report(&[0]),
        _ => Act::Succeed,
    });
    let (table, seen) = directory.start(behaviour).await;
    table.put_all(0..1).await;
    seen.await_batches(1).await;
    table.put_all(1..10).await;
    permits.add_permits(1);
    let batches = seen.await_batches(5).await;
    let expected: [&[i64]; 5] = [
        &[0],
        &[1, 2, 3, 4, 5, 6, 7, 8, 9],
        &[4, 5, 6, 7, 8, 9],
        &[4, 5, 6],
        &[7, 8, 9],
    ];
    assert_eq!(batches, expected);
    table.stop().await;
}

#[tokio::test]
async fn failed_batch_is_split_and_repeated_until_it_is_handled() {
    let directory = Directory::new();
    let permits = Arc::new(Semaphore::new(0));
    let behaviour = holding_the_first(Arc::clone(&permits), |number| match number {
        1 => Act::Fail,
        2 => Act::Panic,
        3 => Act::Respond("not a batch response"),
        4 => Act::Respond(r#"{"batchItemFailures":[{"itemIdentifier":"100000000000000000001"}]}"#),
        _ => Act::Succeed,
    });
    let (table, seen) = directory.start(behaviour).await;
    table.put_all(0..1).await;
    seen.await_batches(1).await;
    table.put_all(1..9).await;
    permits.add_permits(1);
    let batches = seen.await_batches(7).await;
    let expected: [&[i64]; 7] = [
        &[0],
        &[1, 2, 3, 4, 5, 6, 7, 8],
        &[1, 2, 3, 4],
        &[1, 2],
        &[1],
        &[1],
        &[2, 3, 4, 5, 6, 7, 8],
    ];
    assert_eq!(batches, expected);
    assert_eq!(seen.cold_starts(), [true, false, false, false, false, false, false]);
    table.stop().await;
}

#[tokio::test]
async fn expired_item_is_removed_by_the_service() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    let expired = HashMap::from([("ttl".to_owned(), AttributeValue::N("1000000000".to_owned()))]);
    table.put_with("acme", 1, expired).await;
    table.put("other", 2).await;
    let delete = table.client.delete_item().table_name(TABLE);
    let delete = delete.key("tenant_id", text("other")).key("type", text("s3"));
    delete.send().await.unwrap();
    eventually(|| seen.batches().concat().len() == 3).await;
    assert!(
        seen.batches()
            .concat()
            .iter()
            .all(|record| record.get("userIdentity").is_none())
    );
    table.stop().await;

    // Expired items are removed at the start.
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    seen.await_batches(1).await;
    let record = &seen.batches()[0][0];
    assert_eq!(record["eventName"], "REMOVE");
    assert_eq!(record["dynamodb"]["OldImage"]["tenant_id"]["S"], "acme");
    let service = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
    assert_eq!(record["userIdentity"], service);
    table.stop().await;
}

#[tokio::test]
async fn hand_edit_through_the_exposed_table_is_delivered() {
    let directory = Directory::new();
    let (mut table, seen) = directory.start(|_, _| Act::Succeed).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    table.embedded.expose(listener);
    let own = std::mem::replace(
        &mut table.client,
        client::connect_embedded(&format!("http://{address}")),
    );
    table.put("by-hand", 7).await;
    assert_eq!(seen.await_number(7).await, [[7]]);
    drop(own);
    table.stop().await;
}

#[tokio::test]
async fn second_function_is_rejected() {
    let directory = Directory::new();
    let (mut table, _) = directory.start(|_, _| Act::Succeed).await;
    let error = table.drive(|_, _| Act::Succeed).err().unwrap().to_string();
    assert!(error.contains("driven already"), "{error}");
    table.stop().await;
}
