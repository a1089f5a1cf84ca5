//! What a stream costs. Not a test: `cargo nextest run --workspace --run-ignored all --no-capture -E 'test(stream_cost)'`
//! prints the figures of docs/decisions/0503-local-stream.md.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use local::database::EmbeddedDynamoDb;
use rusqlite::Connection;
use tokio::{task::yield_now, time::sleep};

use crate::stream_harness::{Act, Directory, TABLE, Table, text};

/// How often each table is written to.
const WRITES: usize = 300;

/// Updates an item as a PATCH does: in one conditional call, whose response is the item.
async fn update(table: &Table, number: usize) -> Duration {
    let began = Instant::now();
    let update = table.client.update_item().table_name(TABLE);
    let update = update.key("tenant_id", text("acme")).key("type", text("s3"));
    let update = update
        .update_expression("SET n = :n")
        .condition_expression("attribute_exists(tenant_id)");
    let update = update.expression_attribute_values(":n", AttributeValue::N(number.to_string()));
    let update = update.return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
    update.send().await.unwrap();
    began.elapsed()
}

/// Measures each table, in turns.
async fn compare(tables: &[(&str, &Table)]) {
    let mut times = vec![Vec::new(); tables.len()];
    for write in 0..WRITES {
        for (times, (_, table)) in times.iter_mut().zip(tables) {
            times.push(update(table, write).await);
        }
    }
    for (times, (name, _)) in times.into_iter().zip(tables) {
        report(name, times);
    }
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let [p1, p25, p50, p99] = [1, 25, 50, 99].map(|percent| times[times.len() * percent / 100].as_micros());
    eprintln!("{name:40} p1 {p1:6}  p25 {p25:6}  p50 {p50:6}  p99 {p99:6} µs");
}

async fn prepare(table: &Table) {
    let put = table.client.put_item().table_name(TABLE);
    let put = put.item("tenant_id", text("acme")).item("type", text("s3"));
    put.item("filling", text(&"x".repeat(600))).send().await.unwrap();
}

/// Adds records of the last hour.
fn add_records(connection: &Connection, count: u32) {
    let add = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2) \
               INSERT INTO _stream_records (table_name, event_name, keys_json, new_image, old_image, sequence_number, \
               shard_id, created_at) \
               SELECT ?1, 'MODIFY', '{}', printf('%.800c', 'x'), printf('%.800c', 'x'), \
               CAST((SELECT MIN(CAST(sequence_number AS INTEGER)) FROM _stream_records) - n AS TEXT), \
               (SELECT shard_id FROM _stream_records LIMIT 1), 0 FROM number";
    connection.execute(add, (TABLE, count)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn stream_cost_of_an_update() {
    let (plain_dir, driven_dir) = (Directory::new(), Directory::new());
    let plain = plain_dir.start_undriven().await;
    let (driven, seen) = driven_dir.start(|_, _| Act::Succeed).await;
    let folder = tempfile::tempdir().unwrap();
    let plain_temporary = Table::create(EmbeddedDynamoDb::temporary(folder.path()).unwrap()).await;
    let mut driven_temporary = Table::create(EmbeddedDynamoDb::temporary(folder.path()).unwrap()).await;
    driven_temporary.drive(|_, _| Act::Succeed).unwrap();
    for table in [&plain, &driven, &plain_temporary, &driven_temporary] {
        prepare(table).await;
    }
    compare(&[
        ("data directory, no stream", &plain),
        ("data directory, driven", &driven),
        ("temporary, no stream", &plain_temporary),
        ("temporary, driven", &driven_temporary),
    ])
    .await;

    let mut delays = Vec::new();
    for n in 0..WRITES {
        let before = seen.count();
        update(&driven, 1_000_000 + n).await;
        let began = Instant::now();
        while seen.count() == before {
            yield_now().await;
        }
        delays.push(began.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    report("from the response to the function", delays);

    let connection = Connection::open(driven_dir.database_file()).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    for count in [20_000, 80_000] {
        add_records(&connection, count);
        compare(&[("data directory, driven, more records", &driven)]).await;
    }
    connection
        .execute("DELETE FROM _stream_records WHERE id > 20000", [])
        .unwrap();
    connection.execute("DROP INDEX _stream_records_by_number", []).unwrap();
    let total: i64 = connection
        .query_row("SELECT COUNT(*) FROM _stream_records", [], |row| row.get(0))
        .unwrap();
    eprintln!("{total} records, without the index:");
    compare(&[("data directory, driven", &driven)]).await;
    for table in [plain, driven, plain_temporary, driven_temporary] {
        table.stop().await;
    }
}
