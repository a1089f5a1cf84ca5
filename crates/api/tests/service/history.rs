//! The revisions of a configuration, and what it was at some time.

use serde_json::{Value, json};
use tenant_core::history::Retention;

use crate::{
    harness::{Call, REQUEST_ID, Service, assert_envelope, config_path, s3},
    history_harness::{Recorded, SECONDS_AGO, history_path, item, text},
};

fn members(revisions: &[Value], name: &str) -> Vec<Value> {
    revisions.iter().map(|revision| revision[name].clone()).collect()
}

#[tokio::test]
async fn every_change_is_a_revision_of_a_configuration_that_is_deleted_too() {
    let mut recorded = Recorded::with_six_revisions().await;
    let paused = Call::patch(&config_path("acme", "s3")).body(r#"{"enabled":false}"#);
    recorded
        .change(650, paused.header("X-Change-Note", "not needed"))
        .await
        .expect(200);
    recorded
        .change(700, Call::delete(&config_path("acme", "s3")))
        .await
        .expect(200);
    let revisions = recorded.revisions().await;
    assert_eq!(
        members(&revisions, "event"),
        [
            "created", "updated", "updated", "updated", "deleted", "created", "updated", "deleted"
        ]
    );
    let times = [100, 200, 300, 400, 500, 600, 650, 700].map(|seconds| text(recorded.at(seconds)));
    assert_eq!(members(&revisions, "changed_at"), times);
    assert_eq!(
        revisions[1]["changes"],
        json!([{"field": "enabled", "from": true, "to": false}])
    );
    assert_eq!(
        revisions[3]["changes"],
        json!([
            {"field": "enabled", "from": false, "to": true},
            {"field": "desired_logs", "from": ["a", "b"], "to": ["b", "c"], "added": ["c"], "removed": ["a"]}
        ])
    );
    assert_eq!(
        revisions[6]["actor"],
        json!({"type": "api", "request_id": REQUEST_ID, "kind": "update", "key": "3", "note": "not needed"})
    );
    assert_eq!(
        revisions[7]["actor"],
        json!({"type": "api", "request_id": REQUEST_ID, "kind": "delete"})
    );
    assert_eq!(revisions[7]["version"], revisions[6]["version"]);
}

#[tokio::test]
async fn change_past_the_service_is_direct() {
    let mut recorded = Recorded::start().await;
    let (one, two) = (item("acme", "one-bucket"), item("acme", "two-buckets"));
    recorded.record("acme", 1, None, Some(one.clone())).await;
    recorded.record("acme", 2, Some(one), Some(two)).await;
    let revisions = recorded.revisions().await;
    assert_eq!(
        members(&revisions, "actor"),
        [json!({"type": "direct"}), json!({"type": "direct"})]
    );
    assert_eq!(
        revisions[1]["changes"],
        json!([{"field": "bucket_name", "from": "one-bucket", "to": "two-buckets"}])
    );
}

#[tokio::test]
async fn pages_in_either_order_have_every_revision_once() {
    let recorded = Recorded::with_six_revisions().await;
    let mut all = members(&recorded.revisions().await, "revision");
    for order in ["asc", "desc"] {
        for limit in 1..=7 {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let call = Call::get(&history_path())
                    .query("order", order)
                    .query("limit", &limit.to_string())
                    .query("cursor", &cursor);
                let page = recorded.service.send(call).await.expect(200);
                let revisions = page.data()["revisions"].as_array().unwrap();
                assert!(
                    page.data()["count"] == revisions.len()
                        && revisions.len() <= limit
                        && page.data()["limit"] == limit
                );
                found.extend(members(revisions, "revision"));
                match page.data()["cursor"].as_str() {
                    Some(next) => next.clone_into(&mut cursor),
                    None => break,
                }
            }
            assert_eq!(found, all, "{order} {limit}");
        }
        all.reverse();
    }
}

#[tokio::test]
async fn since_is_inclusive_and_until_is_not() {
    let recorded = Recorded::with_six_revisions().await;
    for (since, until, expected) in [
        (Some(200), None, 5),
        (None, Some(200), 1),
        (Some(200), Some(400), 2),
        (Some(601), None, 0),
    ] {
        let mut call = Call::get(&history_path());
        for (name, seconds) in [("since", since), ("until", until)] {
            if let Some(seconds) = seconds {
                call = call.query(name, &text(recorded.at(seconds)));
            }
        }
        let page = recorded.service.send(call).await.expect(200);
        assert_eq!(page.data()["count"], expected, "{since:?} {until:?}");
    }
}

#[tokio::test]
async fn configuration_without_a_history_has_no_revisions() {
    let recorded = Recorded::start().await;
    let page = recorded.service.send(Call::get(&history_path())).await.expect(200);
    assert_eq!(
        page.data(),
        &json!({"revisions": [], "count": 0, "limit": 50, "recording_since": text(recorded.began)})
    );
    let invalid = format!("{}/history", config_path("acme", "splunk"));
    recorded.service.send(Call::get(&invalid)).await.expect(400);
}

#[tokio::test]
async fn retention_moves_the_beginning_of_the_history() {
    let recorded = Recorded::start_with("1".parse::<Retention>().unwrap()).await;
    let page = recorded.service.send(Call::get(&history_path())).await.expect(200);
    assert_eq!(page.data()["recording_since"], text(recorded.began));
    let (service, _, history) = Service::start_with_history().await;
    let long_ago = recorded.at(-100 * 24 * 60 * 60);
    history.start_recording("1".parse().unwrap(), long_ago).await.unwrap();
    let page = service.send(Call::get(&history_path())).await.expect(200);
    let since: chrono::DateTime<chrono::Utc> = page.data()["recording_since"].as_str().unwrap().parse().unwrap();
    assert!(
        (chrono::Utc::now() - since).num_seconds().abs_diff(24 * 60 * 60) < 60,
        "{since}"
    );
}

#[tokio::test]
async fn revision_has_the_configuration_before_and_after_it() {
    let recorded = Recorded::with_six_revisions().await;
    let read = async |number| {
        let response = recorded
            .service
            .send(Call::get(&recorded.path(number).await))
            .await
            .expect(200);
        let data = response.data();
        (data["previous"].clone(), data["configuration"].clone())
    };
    assert_eq!(read(0).await.0, Value::Null);
    for number in 1..4 {
        let (previous, configuration) = read(number).await;
        assert_eq!(previous, read(number - 1).await.1);
        assert_ne!(previous, configuration);
    }
    let (previous, configuration) = read(4).await;
    assert_eq!((previous, configuration), (read(3).await.1, Value::Null));
    assert_eq!(read(5).await.0, Value::Null);
    let stored = recorded
        .service
        .send(Call::get(&config_path("acme", "s3")))
        .await
        .expect(200);
    assert_eq!(&read(5).await.1, stored.data());
}

#[tokio::test]
async fn unknown_revision_returns_404_and_any_other_text_400() {
    let recorded = Recorded::with_six_revisions().await;
    let path = recorded.path(0).await;
    let other_tenant = path.replace("acme", "globex");
    assert_envelope!(recorded.service.send(Call::get(&other_tenant)).await.expect(404));
    for text in ["0", "x", "%00", "..."] {
        let path = format!("{}/{text}", history_path());
        recorded.service.send(Call::get(&path)).await.expect(400);
    }
    let path = format!("{}/latest", history_path());
    assert_envelope!(recorded.service.send(Call::get(&path)).await.expect(400));
}

#[tokio::test]
async fn malformed_parameter_returns_400() {
    let recorded = Recorded::start().await;
    for (name, value) in [
        ("order", "newest"),
        ("order", ""),
        ("since", "yesterday"),
        ("since", ""),
        ("until", "2024-01-15T10:30:00"),
        ("cursor", "abc"),
        ("limit", "0"),
        ("at", "2024-01-15T10:30:00Z"),
    ] {
        let call = Call::get(&history_path()).query(name, value);
        recorded.service.send(call).await.expect(400);
    }
    let (from, to) = (text(recorded.at(1)), text(recorded.at(0)));
    let call = Call::get(&history_path()).query("since", &from).query("until", &to);
    assert_envelope!(recorded.service.send(call).await.expect(400));
    let call = Call::get(&history_path()).query("order", "newest");
    assert_envelope!(recorded.service.send(call).await.expect(400));
    let call = Call::get(&history_path()).query("since", "2024-01-15 10:30:00Z");
    assert_envelope!(recorded.service.send(call).await.expect(400));
}

async fn read_at(recorded: &Recorded, seconds: i64) -> crate::harness::Response {
    let at = text(recorded.at(seconds));
    let call = Call::get(&config_path("acme", "s3")).query("at", &at);
    recorded.service.send(call).await
}

#[tokio::test]
async fn configuration_is_read_as_it_was() {
    let recorded = Recorded::with_six_revisions().await;
    for (seconds, revision) in [
        (100, 0),
        (199, 0),
        (200, 1),
        (350, 2),
        (499, 3),
        (600, 5),
        (SECONDS_AGO - 1, 5),
    ] {
        let response = read_at(&recorded, seconds).await.expect(200);
        assert_eq!(response.header("etag"), None);
        let then = recorded.service.send(Call::get(&recorded.path(revision).await)).await;
        assert_eq!(response.data(), &then.data()["configuration"], "{seconds}");
    }
    for seconds in [0, 99, 500, 599] {
        read_at(&recorded, seconds).await.expect(404);
    }
    let head = Call::new("HEAD", &config_path("acme", "s3")).query("at", &text(recorded.at(100)));
    recorded
        .service
        .send(head.header("If-None-Match", "*"))
        .await
        .expect(200);
}

#[tokio::test]
async fn time_before_the_history_returns_404_and_one_in_the_future_400() {
    let recorded = Recorded::with_six_revisions().await;
    let before = read_at(&recorded, -1).await.expect(404);
    let sentence = "what the configuration was at this time is not in the history, which begins at";
    assert!(before.error().contains(sentence), "{before:?}");
    assert_envelope!(read_at(&recorded, SECONDS_AGO + 100).await.expect(400));
    let call = Call::get(&config_path("acme", "s3")).query("at", "now");
    assert_envelope!(recorded.service.send(call).await.expect(400));
}

#[tokio::test]
async fn configuration_that_had_expired_did_not_exist() {
    let mut recorded = Recorded::start().await;
    let expires = recorded.at(150).timestamp();
    let with_ttl = |name: &str| {
        let mut json = serde_json::to_value(item("acme", name)).unwrap();
        json["ttl"] = json!({ "N": expires.to_string() });
        tenant_core::history::Image::from_json(json)
    };
    recorded.record("acme", 100, None, with_ttl("one-bucket")).await;
    recorded.record("acme", 9000, with_ttl("one-bucket"), None).await;
    read_at(&recorded, 149).await.expect(200);
    read_at(&recorded, 150).await.expect(404);
    read_at(&recorded, 9000).await.expect(404);
}

#[tokio::test]
async fn change_that_is_not_in_the_history_yet_is_awaited() {
    let mut recorded = Recorded::with_six_revisions().await;
    let path = config_path("acme", "s3");
    recorded
        .service
        .send(Call::patch(&path).body(r#"{"enabled":false}"#))
        .await
        .expect(200);
    let behind = read_at(&recorded, 700).await.expect(503);
    assert_eq!(behind.header("retry-after"), Some("1"));
    // What is certain is returned nevertheless.
    read_at(&recorded, 450).await.expect(200);
    let after = recorded.image("acme").await;
    recorded
        .record("acme", 9000, Some(item("acme", "one-bucket")), after)
        .await;
    read_at(&recorded, 9500).await.expect(200);
    recorded.service.send(Call::delete(&path)).await.expect(200);
    assert_envelope!(read_at(&recorded, 9500).await.expect(503));
}

#[tokio::test]
async fn deployment_without_a_history_says_so() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let revision = format!("{}/1f9gg2s0ma00021123456789012345678901001iqa298", history_path());
    for call in [
        Call::get(&history_path()),
        Call::get(&revision),
        Call::post(&format!("{revision}/restore")),
        Call::get("/api/v1/history"),
        Call::get("/api/v1/tenants/acme/history"),
        Call::get(&config_path("acme", "s3")).query("at", "2024-01-15T10:30:00Z"),
    ] {
        let response = service.send(call).await.expect(404);
        assert_eq!(
            response.error(),
            "Not found: this deployment of the service has no history."
        );
    }
}

#[tokio::test]
async fn failure_of_the_history_is_not_one_of_the_configurations() {
    let service = Service::start_with_missing_history().await;
    service.create(s3("acme")).await;
    service.send(Call::get(&config_path("acme", "s3"))).await.expect(200);
    service.send(Call::get(&history_path())).await.expect(500);
    service.send(Call::get("/health")).await.expect(200);
    service.send(Call::delete(&config_path("acme", "s3"))).await.expect(200);
}
