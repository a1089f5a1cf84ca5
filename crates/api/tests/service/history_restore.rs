//! Restoring a revision.

use serde_json::{Value, json};
use tenant_core::history::Image;

use crate::{
    harness::{Call, Response, assert_envelope, config_path, s3},
    history_harness::{Recorded, history_path, item},
    logs::{capture_log, lines_of},
};

fn target() -> String {
    config_path("acme", "s3")
}

/// The configuration of a revision, without its times.
async fn configuration_of(recorded: &Recorded, number: usize) -> Value {
    let response = recorded
        .service
        .send(Call::get(&recorded.path(number).await))
        .await
        .expect(200);
    without_times(&response.data()["configuration"])
}

fn without_times(configuration: &Value) -> Value {
    let mut configuration = configuration.clone();
    for name in ["created_at", "updated_at"] {
        configuration.as_object_mut().unwrap().remove(name);
    }
    configuration
}

async fn restore(recorded: &Recorded, number: usize) -> Call {
    Call::post(&format!("{}/restore", recorded.path(number).await))
}

async fn read(recorded: &Recorded) -> Response {
    recorded.service.send(Call::get(&target())).await
}

#[tokio::test]
async fn each_revision_is_restored_exactly_and_is_a_new_revision() {
    for number in [0, 1, 2, 3, 5] {
        let mut recorded = Recorded::with_six_revisions().await;
        let call = restore(&recorded, number).await.header("X-Change-Note", "back");
        let response = recorded.change(700, call).await.expect(200);
        assert_eq!(
            response.message(),
            "Restored the s3 delivery configuration of tenant acme."
        );
        let stored = read(&recorded).await.expect(200);
        assert_eq!(response.data()["configuration"], *stored.data());
        assert_eq!(
            (response.etag(), &response.data()["created"]),
            (stored.etag(), &json!(false))
        );
        assert_eq!(without_times(stored.data()), configuration_of(&recorded, number).await);
        let revisions = recorded.revisions().await;
        assert_eq!(revisions.len(), 7);
        assert_eq!(revisions[6]["restored_from"], revisions[number]["revision"]);
        assert_eq!(revisions[6]["actor"]["kind"], "restore");
        assert_eq!(revisions[6]["actor"]["note"], "back");
    }
}

#[tokio::test]
async fn deleted_configuration_is_created_again() {
    let mut recorded = Recorded::with_six_revisions().await;
    recorded.change(700, Call::delete(&target())).await.expect(200);
    let call = restore(&recorded, 3).await;
    let response = recorded.change(800, call).await.expect(201);
    assert_eq!(response.header("location"), Some(&*target()));
    assert_eq!(response.data()["created"], true);
    let stored = read(&recorded).await.expect(200);
    assert_eq!(without_times(stored.data()), configuration_of(&recorded, 3).await);
    let revisions = recorded.revisions().await;
    assert_eq!(
        (&revisions[7]["event"], &revisions[7]["restored_from"]),
        (&json!("created"), &revisions[3]["revision"])
    );
}

#[tokio::test]
async fn patch_changes_what_is_restored() {
    let recorded = Recorded::with_six_revisions().await;
    let call = restore(&recorded, 3)
        .await
        .header("Content-Type", "application/merge-patch+json");
    let call = call.body(r#"{"desired_logs":null,"target_region":"eu-west-1","type":"s3"}"#);
    let response = recorded.service.send(call).await.expect(200);
    let mut expected = configuration_of(&recorded, 3).await;
    expected.as_object_mut().unwrap().remove("desired_logs");
    expected["target_region"] = "eu-west-1".into();
    assert_eq!(without_times(&response.data()["configuration"]), expected);
    assert_eq!(
        response.data()["diff"],
        json!([{"field": "target_region", "from": null, "to": "eu-west-1"}])
    );
}

#[tokio::test]
async fn dry_run_shows_the_difference_and_writes_nothing() {
    let mut recorded = Recorded::with_six_revisions().await;
    let before = recorded.image("acme").await;
    let call = restore(&recorded, 2).await.query("dry_run", "true");
    assert_envelope!(recorded.service.send(call.clone()).await.expect(200));
    assert_eq!(recorded.image("acme").await, before);
    recorded.change(700, Call::delete(&target())).await.expect(200);
    let response = recorded.service.send(call.clone()).await.expect(200);
    assert_eq!(response.data()["created"], true);
    read(&recorded).await.expect(404);
    recorded.service.send(call.query("dry_run", "maybe")).await.expect(400);
    let call = restore(&recorded, 2).await.query("dry_run", "1");
    recorded.service.send(call).await.expect(400);
}

#[tokio::test]
async fn restored_configuration_follows_every_rule_of_today() {
    let mut recorded = Recorded::start().await;
    let mut json = serde_json::to_value(item("acme", "No Bucket")).unwrap();
    json["ttl"] = json!({"N": "1"});
    json["target_region"] = json!({"S": "mars-1"});
    recorded.record("acme", 1, None, Image::from_json(json)).await;
    for is_dry_run in ["false", "true"] {
        let call = restore(&recorded, 0).await.query("dry_run", is_dry_run);
        let response = recorded.service.send(call).await.expect(422);
        let fields: Vec<_> = response.broken_rules().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["bucket_name", "target_region", "ttl"]);
    }
    let patch = json!({"bucket_name": "a-bucket", "target_region": null, "ttl": null});
    let call = restore(&recorded, 0).await.json(&patch);
    recorded.service.send(call).await.expect(201);
}

#[tokio::test]
async fn preconditions_guard_a_restoration() {
    let recorded = Recorded::with_six_revisions().await;
    let (tag, other) = (
        read(&recorded).await.etag().to_owned(),
        format!("\"{}\"", "0".repeat(32)),
    );
    for is_dry_run in ["true", "false"] {
        for (header, value, status) in [
            ("If-Match", &*other, 412),
            ("If-None-Match", &*tag, 412),
            ("If-None-Match", "*", 412),
            ("If-Match", "unquoted", 400),
        ] {
            let call = restore(&recorded, 1)
                .await
                .query("dry_run", is_dry_run)
                .header(header, value);
            recorded.service.send(call).await.expect(status);
        }
    }
    assert_eq!(read(&recorded).await.etag(), tag);
    let call = restore(&recorded, 1).await.header("If-Match", &tag);
    let tag = recorded.service.send(call).await.expect(200).etag().to_owned();
    let call = restore(&recorded, 2).await.header("If-Match", "*");
    recorded.service.send(call).await.expect(200);
    let call = restore(&recorded, 3).await.header("If-None-Match", &tag);
    recorded.service.send(call).await.expect(200);

    recorded.service.send(Call::delete(&target())).await.expect(200);
    for is_dry_run in ["true", "false"] {
        for value in ["*", &*tag] {
            let call = restore(&recorded, 1)
                .await
                .query("dry_run", is_dry_run)
                .header("If-Match", value);
            recorded.service.send(call).await.expect(412);
        }
    }
    let call = restore(&recorded, 1).await.header("If-None-Match", "*");
    recorded.service.send(call).await.expect(201);
}

#[tokio::test]
async fn deletion_cannot_be_restored() {
    let recorded = Recorded::with_six_revisions().await;
    let call = restore(&recorded, 4).await;
    assert_envelope!(recorded.service.send(call).await.expect(409));
}

#[tokio::test]
async fn revision_without_its_values_cannot_be_restored() {
    let mut recorded = Recorded::start().await;
    let (one, two) = (item("acme", &"a".repeat(250_000)), item("acme", &"b".repeat(250_000)));
    recorded.record("acme", 1, Some(one), Some(two)).await;
    assert_eq!(recorded.revisions().await[0]["truncated"], true);
    let call = restore(&recorded, 0).await;
    assert_envelope!(recorded.service.send(call).await.expect(409));
}

#[tokio::test]
async fn malformed_request_is_rejected_and_changes_nothing() {
    let recorded = Recorded::with_six_revisions().await;
    let before = recorded.image("acme").await;
    for (body, status) in [
        (r#"{"type":"cloudwatch"}"#, 400),
        (r#"{"tenant_id":"globex"}"#, 400),
        (r#"{"enabled":true,"enabled":false}"#, 400),
        ("[]", 400),
        ("{", 400),
        (r#"{"unknown":1}"#, 422),
        (r#"{"bucket_name":null}"#, 422),
    ] {
        let call = restore(&recorded, 0).await.body(body);
        recorded.service.send(call).await.expect(status);
    }
    let call = restore(&recorded, 0)
        .await
        .header("Content-Type", "text/plain")
        .body("{}");
    recorded.service.send(call).await.expect(415);
    let call = restore(&recorded, 0).await.header("X-Body-SHA256", &"0".repeat(64));
    recorded.service.send(call).await.expect(400);
    let unknown = format!(
        "{}/1f9gg2s0ma00021123456789012345678901001iqa298/restore",
        history_path()
    );
    recorded.service.send(Call::post(&unknown)).await.expect(404);
    assert_eq!(recorded.image("acme").await, before);
}

#[tokio::test]
async fn configuration_under_an_invalid_key_cannot_be_restored() {
    let recorded = Recorded::start().await;
    let text = crate::harness::text;
    recorded
        .service
        .put_item([("tenant_id", text("acme.corp")), ("type", text("s3"))])
        .await;
    let revision = "history/1f9gg2s0ma00021123456789012345678901001iqa298/restore";
    let call = |tenant: &str| Call::post(&format!("{}/{revision}", config_path(tenant, "s3")));
    recorded.service.send(call("acme.corp")).await.expect(409);
    recorded.service.send(call("globex.corp")).await.expect(400);
}

#[tokio::test]
async fn attribute_that_is_not_a_field_stays() {
    let mut recorded = Recorded::start().await;
    let created = Call::post("/api/v1/tenants/acme/delivery-configs").json(&s3("acme"));
    recorded.change(1, created).await.expect(201);
    let text = crate::harness::text;
    let by_hand = [
        ("tenant_id", text("acme")),
        ("type", text("s3")),
        ("owner", text("platform")),
    ];
    recorded.service.put_item(by_hand).await;
    let call = restore(&recorded, 0).await;
    let response = recorded.service.send(call).await.expect(200);
    assert_eq!(response.data()["diff"].as_array().unwrap().len(), 3);
    let stored = recorded.service.get_item("acme", "s3").await.unwrap();
    assert_eq!(stored["owner"], text("platform"));
}

#[tokio::test]
async fn restoration_is_in_the_audit_log_and_in_the_metrics() {
    let recorded = Recorded::with_six_revisions().await;
    let log = capture_log();
    let call = restore(&recorded, 1).await;
    recorded.service.send(call).await.expect(200);
    recorded.service.send(Call::delete(&target())).await.expect(200);
    let call = restore(&recorded, 3).await;
    recorded.service.send(call).await.expect(201);
    let lines = lines_of(&log, lambda::logging::AUDIT_TARGET);
    let actions: Vec<_> = lines.iter().map(|line| (&line["action"], line.get("fields"))).collect();
    let fields = json!("bucket_name,bucket_prefix,enabled,desired_logs");
    assert_eq!(
        actions,
        [
            (&json!("restore"), Some(&json!("enabled"))),
            (&json!("delete"), None),
            (&json!("restore"), Some(&fields)),
        ]
    );
}
