//! Batches that are rejected as a whole.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    batch::{atomic, create, independent, update},
    harness::{BATCH, Call, Service, assert_envelope, s3},
};

const MAX_BODY_BYTES: usize = 1024 * 1024;

fn signed(body: &str) -> Call {
    Call::post(BATCH)
        .header("X-Body-SHA256", &hex::encode(Sha256::digest(body)))
        .body(body)
}

fn one() -> Value {
    json!({"operations": [create(&s3("acme"))]})
}

#[tokio::test]
async fn body_without_digest_returns_400() {
    let service = Service::start().await;
    assert_envelope!(service.send(Call::post(BATCH).json(&one())).await.expect(400));
    let empty = Call::post(BATCH).json(&one()).header("X-Body-SHA256", "");
    service.send(empty).await.expect(400);
    let wrong = Call::post(BATCH).json(&one()).header("X-Body-SHA256", &"0".repeat(64));
    service.send(wrong).await.expect(400);
    assert!(service.scan().await.is_empty());
    let digest = hex::encode(Sha256::digest(one().to_string()));
    let authorized = Call::post(BATCH).json(&one()).signed_digest(&digest);
    service.send(authorized).await.expect(200);
}

#[tokio::test]
async fn body_of_one_mebibyte_is_accepted_and_a_larger_one_returns_413() {
    let service = Service::start().await;
    let body = one().to_string();
    let full = format!("{body}{}", " ".repeat(MAX_BODY_BYTES - body.len()));
    assert_envelope!(service.send(signed(&format!("{full} "))).await.expect(413));
    service.send(signed(&full)).await.expect(200);
}

#[tokio::test]
async fn body_other_than_json_returns_415() {
    let service = Service::start().await;
    for (name, value) in [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")] {
        let call = signed(&one().to_string()).header(name, value);
        service.send(call).await.expect(415);
    }
    let merge_patch = signed(&one().to_string()).header("Content-Type", "application/merge-patch+json");
    service.send(merge_patch).await.expect(415);
}

#[tokio::test]
async fn body_that_is_not_a_batch_returns_400() {
    let service = Service::start().await;
    for body in [
        "",
        "null",
        "[]",
        "{",
        r#"{"operations":[],"operations":[]}"#,
        r#"{"operations":[{"op":"create","config":{"tenant_id":"\ud800"}}]}"#,
        r#"{"operations":[]}"#,
        r#"{"atomic":false,"operations":[]}"#,
        r#"{"operation":[]}"#,
        r#"{"operations":[1],"dryRun":true}"#,
    ] {
        let response = service.send(signed(body)).await.expect(400);
        assert_eq!(response.body.get("data"), None);
    }
    assert_envelope!(
        service
            .send(signed(r#"{"operations":[1],"dryRun":true}"#))
            .await
            .expect(400)
    );
    assert_envelope!(service.send(signed("")).await.expect(400));
}

#[tokio::test]
async fn limit_of_operations_is_named_with_the_way_out() {
    let service = Service::start().await;
    let operations = |count: usize| {
        (0..count)
            .map(|number| create(&s3(&format!("t{number}"))))
            .collect::<Vec<_>>()
    };
    assert_envelope!(service.send(atomic(&operations(101))).await.expect(400));
    assert_envelope!(service.send(independent(&operations(1001))).await.expect(400));
    assert!(service.scan().await.is_empty());
}

#[tokio::test]
async fn every_broken_rule_of_an_atomic_batch_returns_422_and_nothing_is_written() {
    let service = Service::start().await;
    let operations = [
        create(&s3("acme")),
        create(&json!({"tenant_id": "a b", "type": "s3", "bucket_name": "No"})),
        update("acme", "s3", &json!({"enable": true})),
        json!({"op": "delete", "tenant_id": "old"}),
    ];
    let response = service.send(atomic(&operations)).await.expect(422);
    let found: Vec<_> = response.body["details"]["errors"].as_array().unwrap().iter().collect();
    let found: Vec<_> = found
        .iter()
        .map(|error| (error["index"].as_u64().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            (0, "duplicate"),
            (1, "invalid_format"),
            (1, "too_short"),
            (2, "unknown_field"),
            (2, "duplicate"),
            (3, "required")
        ]
    );
    assert!(service.scan().await.is_empty());
    assert_envelope!(response);
    let dry = json!({"dry_run": true, "operations": operations});
    assert_eq!(service.send(Call::batch(&dry)).await.status, 422);
}

#[tokio::test]
async fn configuration_over_64_kib_is_invalid_by_itself() {
    let service = Service::start().await;
    let mut large = create(&s3("large"));
    large["config"]["groups"] = json!("x".repeat(64 * 1024));
    let response = service
        .send(independent(&[large, create(&s3("acme"))]))
        .await
        .expect(207);
    assert_eq!(response.results("status"), [422, 201]);
    assert_eq!(response.results("details")[0]["errors"][0]["field"], "config");
}

#[tokio::test]
async fn full_results_are_for_200_operations() {
    let service = Service::start().await;
    let batch = |count: usize| {
        let operations: Vec<_> = (0..count)
            .map(|number| json!({"op": "delete", "tenant_id": format!("t{number}"), "type": "s3", "allow_missing": true}))
            .collect();
        Call::batch(&json!({"atomic": false, "dry_run": true, "operations": operations})).query("return", "full")
    };
    assert_eq!(
        service.send(batch(200)).await.expect(200).summary(),
        [200, 0, 200, 0, 0]
    );
    assert_envelope!(service.send(batch(201)).await.expect(400));
    for value in ["", "Full", "minimal"] {
        let call = Call::batch(&one()).query("return", value);
        service.send(call).await.expect(400);
    }
    assert!(service.scan().await.is_empty());
}

#[tokio::test]
async fn longest_list_of_broken_rules_fits_into_a_response() {
    let service = Service::start().await;
    let invalid: Vec<_> = (0..120).map(|number| format!(r#","x{number}":1"#)).collect();
    let invalid = invalid.concat();
    for is_atomic in [true, false] {
        let count = if is_atomic { 100 } else { 1000 };
        let operations: Vec<_> = (0..count)
            .map(|number| format!(r#"{{"op":"create","config":{{"tenant_id":"t{number}"{invalid}}}}}"#))
            .collect();
        let body = format!(r#"{{"atomic":{is_atomic},"operations":[{}]}}"#, operations.join(","));
        let response = service.send(signed(&body)).await;
        assert_eq!(response.status, if is_atomic { 422 } else { 207 });
    }
}
