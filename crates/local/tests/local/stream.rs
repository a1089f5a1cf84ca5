//! The table's stream drives a function: every change, in order, at least once, as Lambda does it.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::types::{AttributeValue, StreamSpecification, StreamViewType};
use chrono::NaiveDateTime;
use serde_json::{Value, json};
use tenant_store::client;
use tokio::{net::TcpListener, runtime::Runtime, sync::Semaphore};

use crate::stream_harness::{Act, Directory, TABLE, Table, eventually, text};

/// The largest event of an invocation.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;

fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

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
    let permits = permits();
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
    let permits = permits();
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
    let permits = permits();
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
    let permits = permits();
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

/// A runtime that is dropped takes the driver with it at an await, as a killed process does.
#[test]
fn unhandled_records_are_handled_after_a_kill() {
    let directory = Directory::new();
    let killed = Runtime::new().unwrap();
    let table = killed.block_on(async {
        let (table, seen) = directory
            .start(|number, _| if number == 0 { Act::Succeed } else { Act::Hang })
            .await;
        table.put_all(0..1).await;
        eventually(|| directory.checkpoint_file().exists()).await;
        table.put_all(1..5).await;
        seen.await_batches(2).await;
        table
    });
    killed.shutdown_timeout(Duration::from_secs(10));
    drop(table);

    Runtime::new().unwrap().block_on(async {
        let (table, seen) = directory.start(|_, _| Act::Succeed).await;
        assert_eq!(seen.await_number(4).await.concat(), [1, 2, 3, 4]);
        table.stop().await;
    });
}

#[tokio::test]
async fn lost_checkpoint_repeats_every_record_as_it_was() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    table.put_all(0..5).await;
    seen.await_number(4).await;
    table.stop().await;
    let first = seen.batches().concat();

    // As a loss of power may leave it.
    fs::write(directory.checkpoint_file(), "").unwrap();
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    seen.await_number(4).await;
    assert_eq!(seen.batches().concat(), first);
    table.stop().await;
}

#[tokio::test]
async fn batch_under_way_is_completed_at_the_end() {
    let directory = Directory::new();
    let permits = permits();
    let held = Arc::clone(&permits);
    let slowly = move |_, _: &[Value]| {
        let slowly = Act::Sleep(Duration::from_millis(200));
        Act::Await(Arc::clone(&held), Box::new(slowly))
    };
    let (table, seen) = directory.start(slowly).await;
    table.put_all(0..1).await;
    seen.await_batches(1).await;
    table.put_all(1..3).await;
    permits.add_permits(1);
    table.stop().await;
    assert_eq!(seen.numbers(), [[0]]);

    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    assert_eq!(seen.await_number(2).await, [[1, 2]]);
    table.stop().await;
}

#[tokio::test]
async fn function_that_hangs_does_not_delay_the_end() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Hang).await;
    table.put_all(0..1).await;
    seen.await_batches(1).await;
    table.embedded.begin_stop();
    let began = Instant::now();
    table.stop().await;
    let time = began.elapsed();
    assert!(time < Duration::from_secs(5), "{time:?}");

    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    assert_eq!(seen.await_number(0).await, [[0]]);
    table.stop().await;
}

async fn set_stream(table: &Table, is_enabled: bool) {
    let stream = StreamSpecification::builder()
        .stream_enabled(is_enabled)
        .set_stream_view_type(is_enabled.then_some(StreamViewType::NewAndOldImages))
        .build()
        .unwrap();
    let update = table
        .client
        .update_table()
        .table_name(TABLE)
        .stream_specification(stream);
    update.send().await.unwrap();
}

#[tokio::test]
async fn records_of_a_stream_keep_its_label_when_the_table_gets_another_stream() {
    let directory = Directory::new();
    let permits = permits();
    let held = Arc::clone(&permits);
    let behaviour = move |number, _: &[Value]| match number {
        1 => Act::Await(Arc::clone(&held), Box::new(Act::Fail)),
        _ => Act::Succeed,
    };
    let (table, seen) = directory.start(behaviour).await;
    table.put_all(0..1).await;
    seen.await_batches(1).await;
    table.put_all(1..2).await;
    seen.await_batches(2).await;
    table.put_all(2..3).await;
    set_stream(&table, false).await;
    table.put_all(3..4).await;
    set_stream(&table, true).await;
    table.put_all(4..5).await;
    permits.add_permits(1);
    assert_eq!(seen.await_number(4).await, [[0], [1], [1], [2], [4]]);
    let batches = seen.batches().concat();
    let arns: Vec<_> = batches.iter().map(|record| &record["eventSourceARN"]).collect();
    assert_ne!(arns[0], arns[4]);
    assert_eq!(arns, [arns[0], arns[0], arns[0], arns[0], arns[4]]);
    table.stop().await;
}

#[tokio::test]
async fn table_of_an_earlier_version_gets_a_stream_once() {
    let directory = Directory::new();
    let table = directory.start_undriven().await;
    table.put("acme", 0).await;
    table.stop().await;

    let mut seen_arns = BTreeSet::new();
    for n in 1..4 {
        let (table, seen) = directory.start(|_, _| Act::Succeed).await;
        table.put("acme", n).await;
        assert_eq!(seen.await_number(n).await, [[n]]);
        let record = &seen.batches()[0][0];
        let before = (n - 1).to_string();
        assert_eq!(record["dynamodb"]["OldImage"]["n"]["N"], before.as_str());
        seen_arns.insert(record["eventSourceARN"].to_string());
        table.stop().await;
    }
    assert_eq!(seen_arns.len(), 1, "{seen_arns:?}");
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

fn count_records(directory: &Directory) -> i64 {
    let connection = rusqlite::Connection::open(directory.database_file()).unwrap();
    let count = "SELECT COUNT(*) FROM _stream_records";
    connection.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn old_records_are_removed_once_they_are_handled() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    table.put_all(0..5).await;
    seen.await_number(4).await;
    table.stop().await;
    let checkpoint = fs::read(directory.checkpoint_file()).unwrap();
    assert_eq!(count_records(&directory), 5, "they are not old");

    let connection = rusqlite::Connection::open(directory.database_file()).unwrap();
    let age = "UPDATE _stream_records SET sequence_number = CAST(sequence_number AS INTEGER) - 25 * 3600 * 1000000";
    assert_eq!(connection.execute(age, []).unwrap(), 5);
    drop(connection);

    fs::remove_file(directory.checkpoint_file()).unwrap();
    let (table, seen) = directory.start(|_, _| Act::Fail).await;
    seen.await_batches(3).await;
    table.stop().await;
    assert_eq!(count_records(&directory), 5, "they are not handled");

    fs::write(directory.checkpoint_file(), checkpoint).unwrap();
    let (table, _) = directory.start(|_, _| Act::Succeed).await;
    eventually(|| count_records(&directory) == 1).await;
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
