//! What the driver of the stream keeps from one start of the server to the next, and how it ends.

use std::{
    collections::BTreeSet,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use serde_json::Value;
use tokio::{runtime::Runtime, sync::Semaphore};

use crate::stream_harness::{Act, Directory, TABLE, Table, eventually};

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
async fn driver_has_caught_up_only_after_what_was_there_before_its_start() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Fail).await;
    table.put_all(0..3).await;
    seen.await_batches(1).await;
    table.stop().await;

    let permits = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&permits);
    let (table, seen) = directory
        .start(move |_, _| Act::Await(Arc::clone(&held), Box::new(Act::Succeed)))
        .await;
    let mut has_caught_up = table.has_caught_up.clone().unwrap();
    seen.await_batches(1).await;
    assert!(!*has_caught_up.borrow());
    permits.add_permits(10);
    has_caught_up.wait_for(|caught_up| *caught_up).await.unwrap();
    assert_eq!(seen.await_number(2).await.concat(), [0, 1, 2]);
    drop(has_caught_up);
    table.stop().await;
}

#[tokio::test]
async fn checkpoint_is_stored_while_the_driver_runs() {
    let directory = Directory::new();
    let (table, seen) = directory.start(|_, _| Act::Succeed).await;
    for n in 0..3 {
        table.put("acme", n).await;
        seen.await_number(n).await;
    }
    let batches = seen.batches().concat();
    let number = batches[2]["dynamodb"]["SequenceNumber"].as_str().unwrap();
    let stored = number[1..].trim_start_matches('0');
    eventually(|| fs::read_to_string(directory.checkpoint_file()).is_ok_and(|content| content.contains(stored))).await;
    table.stop().await;
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
    let permits = Arc::new(Semaphore::new(0));
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
    let permits = Arc::new(Semaphore::new(0));
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
