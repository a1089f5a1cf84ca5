//! Batches while the store fails: a response in time, and no result that is a guess.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};
use testing::Fault;

use crate::{
    batch::{atomic, create, independent, upsert},
    harness::{Response, Service, s3},
    logs::{capture_log, request_lines},
};

fn creates(count: usize) -> Vec<Value> {
    (0..count).map(|number| create(&s3(&format!("t{number}")))).collect()
}

/// The first requests pass, and all others meet this fault.
fn after(passed: usize, fault: Fault) -> Vec<Fault> {
    let mut faults = vec![Fault::Pass; passed];
    faults.push(fault);
    faults
}

/// How many results have which code, where a success has none.
fn codes(response: &Response) -> BTreeMap<String, usize> {
    let mut codes = BTreeMap::new();
    for code in response.results("code") {
        *codes.entry(code.as_str().unwrap_or("applied").to_owned()).or_default() += 1;
    }
    codes
}

/// What is reported as applied is in the table, and what is known not to be is not.
async fn assert_truthful(response: &Response, direct: &Service) {
    let stored = direct.scan().await;
    for result in response.data()["results"].as_array().unwrap() {
        let key = (result["tenant_id"].as_str().unwrap().to_owned(), "s3".to_owned());
        match result["code"].as_str() {
            None => assert!(stored.contains_key(&key), "{result}"),
            Some("outcome_unknown") => assert_eq!(result.get("changed"), None),
            Some(_) => assert!(!stored.contains_key(&key), "{result}"),
        }
    }
}

#[tokio::test]
async fn store_that_throttles_half_way_is_reported_operation_by_operation() {
    let faults = after(60, Fault::Reject(400, "ThrottlingException"));
    let (service, direct, _) = Service::start_behind_proxy(&faults).await;
    let log = capture_log();
    let started = Instant::now();
    let response = service.send(independent(&creates(120))).await.expect(207);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    let codes = codes(&response);
    // A slow machine has no time for all of them.
    let applied = codes["applied"];
    assert!((1..=60).contains(&applied), "{codes:?}");
    assert_eq!(codes.values().sum::<usize>(), 120);
    assert!(
        codes
            .keys()
            .all(|code| ["applied", "store_throttled", "not_attempted"].contains(&code.as_str())),
        "{codes:?}"
    );
    assert_eq!(response.summary()[1], applied as u64);
    assert_truthful(&response, &direct).await;
    let [line] = &request_lines(&log)[..] else {
        panic!("{}", log.text())
    };
    assert_eq!(
        (&line["level"], &line["code"]),
        (&"WARN".into(), &"operations_failed".into())
    );
    assert!(line["error"].as_str().unwrap().contains("throttles"), "{line}");
}

#[tokio::test]
async fn store_that_hangs_half_way_leaves_outcomes_unknown_and_the_rest_not_attempted() {
    let (service, direct, _) = Service::start_behind_proxy(&after(20, Fault::Hang)).await;
    let deadline = SystemTime::now() + Duration::from_secs(4);
    let response = service.send_before(deadline, independent(&creates(100))).await;
    assert!(SystemTime::now() < deadline);
    let codes = codes(&response);
    let expected = [("applied", 20), ("not_attempted", 64), ("outcome_unknown", 16)];
    assert_eq!(
        codes,
        expected.map(|(code, count)| (code.to_owned(), count)).into(),
        "16 run at the same time"
    );
    assert_eq!(response.summary(), [100, 20, 0, 16, 64]);
    assert_eq!(
        response.error(),
        "16 of 100 operations failed and 64 were not attempted; see data.results"
    );
    assert_truthful(&response, &direct).await;
    let expected = ["t0", "t1"].map(Value::from);
    assert_eq!(
        response.results("tenant_id")[..2],
        expected,
        "results are in the order of the request"
    );
}

#[tokio::test]
async fn lost_responses_are_unknown_although_the_writes_were_applied() {
    let (service, direct, _) = Service::start_behind_proxy(&after(10, Fault::LoseResponse)).await;
    let response = service.send(independent(&creates(20))).await.expect(207);
    let codes = codes(&response);
    assert_eq!((codes["applied"], codes["outcome_unknown"]), (10, 10), "{codes:?}");
    assert_truthful(&response, &direct).await;
    assert_eq!(direct.scan().await.len(), 20);
    let again: Vec<_> = (0..20).map(|number| upsert(&s3(&format!("t{number}")))).collect();
    let response = direct.send(independent(&again)).await.expect(200);
    assert_eq!(response.summary(), [20, 0, 20, 0, 0], "sending upserts again is safe");
}

#[tokio::test]
async fn defect_is_logged_once_and_not_shown() {
    let log = capture_log();
    let service = Service::start_without_table().await;
    let response = service.send(independent(&creates(3))).await.expect(207);
    assert_eq!(response.results("status"), [500, 500, 500]);
    assert_eq!(response.results("code"), ["internal_error"; 3]);
    assert!(!response.body.to_string().contains("table"), "{response:?}");
    let [line] = &request_lines(&log)[..] else {
        panic!("{}", log.text())
    };
    assert_eq!(line["level"], "ERROR");
    assert!(
        line["error"].as_str().unwrap().contains("TENANT_CONFIG_TABLE"),
        "{line}"
    );
}

#[tokio::test]
async fn atomic_batch_on_a_failing_store_is_a_503_with_retry_after() {
    let conflict = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"m",
        "CancellationReasons":[{"Code":"TransactionConflict","Message":"m"},{"Code":"None"}]}"#;
    for faults in [
        vec![Fault::Reject(400, "ThrottlingException")],
        after(1, Fault::Reject(400, "ThrottlingException")),
        after(1, Fault::Respond(400, conflict.to_owned())),
        after(1, Fault::LoseResponse),
    ] {
        let (service, _, _) = Service::start_behind_proxy(&faults).await;
        let response = service.send(atomic(&creates(2))).await.expect(503);
        assert_eq!(response.header("retry-after"), Some("1"), "{faults:?}");
        assert_eq!(response.body.get("data"), None);
    }
}

#[tokio::test]
async fn atomic_batch_whose_response_was_lost_succeeds() {
    let faults = [Fault::Pass, Fault::LoseResponse, Fault::Pass];
    let (service, direct, _) = Service::start_behind_proxy(&faults).await;
    let response = service.send(atomic(&creates(3))).await.expect(200);
    assert_eq!(response.results("status"), [201, 201, 201]);
    assert_eq!(direct.scan().await.len(), 3);
}

#[tokio::test]
async fn items_too_large_for_one_transaction_are_reported_with_the_way_out() {
    let service = Service::start().await;
    for number in 0..12 {
        let tenant = format!("t{number}");
        let item = [
            ("tenant_id", crate::harness::text(&tenant)),
            ("type", crate::harness::text("s3")),
            ("note", crate::harness::text(&"x".repeat(380_000))),
        ];
        service.put_item(item).await;
    }
    let operations: Vec<_> = (0..12)
        .map(|number| json!({"op": "update", "tenant_id": format!("t{number}"), "type": "s3", "changes": {"enabled": false}}))
        .collect();
    let response = service.send(atomic(&operations)).await.expect(400);
    assert!(response.error().contains("\"atomic\": false"), "{response:?}");
    let stored = service.get_item("t0", "s3").await.unwrap();
    assert!(!stored.contains_key("enabled"), "nothing was written");
}
