//! Batches and the end of the server: what was sent again is there once, and nothing is lost.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::process_harness::{Server, send_batch};

const OPERATIONS: usize = 300;

fn upserts() -> Value {
    let upsert = |number: usize| {
        let config = json!({"tenant_id": format!("t{number}"), "type": "s3", "bucket_name": "logs-of-a-tenant"});
        json!({"op": "upsert", "config": config})
    };
    json!({"atomic": false, "operations": (0..OPERATIONS).map(upsert).collect::<Vec<_>>()})
}

/// Sends the batch until every operation of it succeeded, as a client does whose machine is slow.
fn send_until_done(server: &Server) -> Value {
    for _ in 0..20 {
        let response = server.try_batch(&upserts()).expect("a response");
        if response.status == 200 {
            return response.json()["data"]["summary"].clone();
        }
        assert_eq!(response.status, 207);
    }
    panic!("the operations do not converge");
}

#[test]
fn batch_that_kill_9_cut_short_converges_when_it_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_in(dir.path());
    let address = server.address;
    let found = thread::scope(|scope| {
        let batch = scope.spawn(move || send_batch(address, &upserts()));
        let began = Instant::now();
        let found = loop {
            let found = server.tenants();
            if found.len() > 20 || began.elapsed() > Duration::from_mins(1) {
                break found;
            }
            thread::sleep(Duration::from_millis(20));
        };
        server.kill();
        assert!(batch.join().unwrap().is_none(), "the server ended before it responded");
        found
    });
    assert!(
        (21..OPERATIONS).contains(&found.len()),
        "{} in the middle of the batch",
        found.len()
    );

    let server = Server::start_in(dir.path());
    let there: BTreeSet<_> = server.tenants().into_iter().collect();
    assert!(
        found.iter().all(|tenant| there.contains(tenant)),
        "what was there is lost"
    );
    assert!(there.len() < OPERATIONS);
    let summary = send_until_done(&server);
    assert_eq!(summary["total"], OPERATIONS);
    assert_eq!(server.tenants().into_iter().collect::<BTreeSet<_>>().len(), OPERATIONS);
    let again = send_until_done(&server);
    assert_eq!(
        (&again["unchanged"], &again["succeeded"]),
        (&OPERATIONS.into(), &0.into())
    );
}

#[test]
fn batch_may_have_a_mebibyte() {
    let server = Server::start(&["--in-memory"]);
    let config =
        |bytes: usize| json!({"tenant_id": "t", "type": "s3", "bucket_name": "a-bucket", "groups": "x".repeat(bytes)});
    let upsert = |bytes: usize| json!({"op": "upsert", "config": config(bytes)});
    let mut batch = json!({"atomic": false, "operations": vec![upsert(60_000); 17]});
    for (number, operation) in batch["operations"].as_array_mut().unwrap().iter_mut().enumerate() {
        operation["config"]["tenant_id"] = json!(format!("t{number}"));
    }
    let response = server.try_batch(&batch).expect("a response");
    assert_eq!(response.status, 200, "{} bytes", batch.to_string().len());
    batch["operations"].as_array_mut().unwrap().push(upsert(60_000));
    let response = server.try_batch(&batch).expect("a response");
    assert_eq!(response.status, 413, "{} bytes", batch.to_string().len());
}
