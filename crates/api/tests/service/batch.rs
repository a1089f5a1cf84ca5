//! What a batch does to the table, and what its results report.

use std::{collections::BTreeSet, time::Duration};

use api::config::{Settings, TimeLimit};
use serde_json::{Value, json};

use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3, text};

pub(crate) fn create(config: &Value) -> Value {
    json!({"op": "create", "config": config})
}

pub(crate) fn upsert(config: &Value) -> Value {
    json!({"op": "upsert", "config": config})
}

pub(crate) fn update(tenant_id: &str, delivery_type: &str, changes: &Value) -> Value {
    json!({"op": "update", "tenant_id": tenant_id, "type": delivery_type, "changes": changes})
}

pub(crate) fn delete(tenant_id: &str, delivery_type: &str) -> Value {
    json!({"op": "delete", "tenant_id": tenant_id, "type": delivery_type})
}

pub(crate) fn independent(operations: &[Value]) -> Call {
    Call::batch(&json!({"atomic": false, "operations": operations}))
}

pub(crate) fn atomic(operations: &[Value]) -> Call {
    Call::batch(&json!({"operations": operations}))
}

#[tokio::test]
async fn thousand_creates_report_each_failure_and_store_exactly_the_others() {
    let service = Service::start_with(Settings {
        time_limit: TimeLimit(Duration::from_mins(2)),
        ..Settings::default()
    })
    .await;
    for existing in ["t10", "t20"] {
        service.create(s3(existing)).await;
    }
    let mut operations: Vec<_> = (0..1000).map(|number| create(&s3(&format!("t{number}")))).collect();
    operations[3]["config"]["bucket_name"] = json!("No");
    operations[500]["config"]["enable"] = json!(true);
    operations[999]["config"].as_object_mut().unwrap().remove("bucket_name");
    operations[700]["config"]["tenant_id"] = json!("t300");
    let before = service.scan().await;
    let response = service.send(independent(&operations)).await.expect(207);
    assert_eq!(response.summary(), [1000, 993, 0, 7, 0]);
    assert_eq!(response.error(), "7 of 1000 operations failed; see data.results");
    let failed = [3, 500, 999, 300, 700, 10, 20];
    for (index, result) in response.data()["results"].as_array().unwrap().iter().enumerate() {
        let (status, code) = match index {
            3 | 500 | 999 | 300 | 700 => (422, json!("broken_rules")),
            10 | 20 => (409, json!("already_exists")),
            _ => (201, Value::Null),
        };
        assert_eq!(
            (&result["status"], &result["code"]),
            (&status.into(), &code),
            "{result}"
        );
        assert_eq!(result["changed"], status == 201);
        assert_eq!(result["etag"].is_string(), status == 201);
    }
    for (index, rule) in [
        (3, "too_short"),
        (500, "unknown_field"),
        (999, "required"),
        (300, "duplicate"),
    ] {
        assert_eq!(response.data()["results"][index]["details"]["errors"][0]["code"], rule);
    }
    let after = service.scan().await;
    let expected: BTreeSet<_> = (0..1000)
        .filter(|number| !failed.contains(number))
        .map(|number| (format!("t{number}"), "s3".to_owned()))
        .chain(before.keys().cloned())
        .collect();
    assert_eq!(after.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (key, item) in before {
        assert_eq!(after[&key], item, "what exists is not overwritten");
    }
}

#[tokio::test]
async fn atomic_batch_with_one_stale_tag_stores_nothing() {
    let service = Service::start().await;
    let stale = service.create(s3("acme")).await.etag().to_owned();
    let changed = Call::patch(&config_path("acme", "s3")).json(&json!({"enabled": false}));
    service.send(changed).await.expect(200);
    service.create(cloudwatch("acme")).await;
    let before = service.scan().await;
    let mut update = update("acme", "s3", &json!({"target_region": "eu-west-1"}));
    update["if_match"] = json!(stale);
    let operations = [
        create(&s3("new")),
        update,
        delete("acme", "cloudwatch"),
        upsert(&s3("other")),
    ];
    let response = service.send(atomic(&operations)).await.expect(207);
    assert_eq!(response.results("status"), [424, 412, 424, 424]);
    let codes = ["not_applied", "version_mismatch", "not_applied", "not_applied"];
    assert_eq!(response.results("code"), codes);
    assert_eq!(response.summary(), [4, 0, 0, 1, 3]);
    assert_eq!(service.scan().await, before);
    assert_envelope!(response);
}

#[tokio::test]
async fn atomic_batch_makes_every_operation() {
    let service = Service::start().await;
    let tag = service.create(s3("acme")).await.etag().to_owned();
    service.create(s3("old")).await;
    service.create(s3("same")).await;
    let mut update = update("acme", "s3", &json!({"enabled": false}));
    update["if_match"] = json!(tag);
    let mut delete_missing = delete("nobody", "s3");
    delete_missing["allow_missing"] = json!(true);
    let operations = [
        create(&cloudwatch("acme")),
        update,
        upsert(&s3("new")),
        upsert(&s3("same")),
        delete("old", "s3"),
        delete_missing,
    ];
    let response = service.send(atomic(&operations)).await.expect(200);
    assert_eq!(response.results("status"), [201, 200, 201, 200, 200, 200]);
    assert_eq!(response.results("changed"), [true, true, true, false, true, false]);
    assert_eq!(response.summary(), [6, 4, 2, 0, 0]);
    let keys: Vec<_> = service
        .scan()
        .await
        .into_keys()
        .map(|(tenant, kind)| format!("{tenant}/{kind}"))
        .collect();
    assert_eq!(keys, ["acme/cloudwatch", "acme/s3", "new/s3", "same/s3"]);
    for (index, path) in [
        (0, config_path("acme", "cloudwatch")),
        (1, config_path("acme", "s3")),
        (2, config_path("new", "s3")),
        (3, config_path("same", "s3")),
    ] {
        let read = service.send(Call::get(&path)).await.expect(200);
        assert_eq!(response.results("etag")[index], read.etag(), "{path}");
    }
    assert_eq!(
        service.send(Call::get(&config_path("acme", "s3"))).await.data()["enabled"],
        false
    );
}

#[tokio::test]
async fn independent_operations_fail_alone() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let mut stale = delete("acme", "s3");
    stale["if_match"] = json!("\"7\"");
    let operations = [
        stale,
        update("nobody", "s3", &json!({"enabled": false})),
        create(&s3("new")),
        json!({"op": "rename"}),
        delete("gone", "s3"),
        update("other", "s3", &json!({"bucket_name": "No"})),
    ];
    let response = service.send(independent(&operations)).await.expect(207);
    assert_eq!(response.results("status"), [412, 404, 201, 422, 404, 422]);
    assert_eq!(response.summary(), [6, 1, 0, 5, 0]);
    assert_envelope!(redact_tags(response));
}

/// Entity tags are random.
fn redact_tags(mut response: crate::harness::Response) -> crate::harness::Response {
    for result in response.body["data"]["results"].as_array_mut().unwrap() {
        if let Some(tag) = result.get_mut("etag") {
            assert_eq!(tag.as_str().unwrap().len(), 34, "{tag}");
            *tag = json!("[tag]");
        }
    }
    response
}

#[tokio::test]
async fn upserts_sent_again_change_nothing() {
    let service = Service::start().await;
    let mut with_prefix = s3("acme");
    with_prefix["bucket_prefix"] = json!("logs");
    with_prefix["labels"] = json!({"env": "prod"});
    let operations = [upsert(&with_prefix), upsert(&cloudwatch("acme")), upsert(&s3("globex"))];
    for call in [independent(&operations), atomic(&operations)] {
        service.send(call).await.expect(200);
    }
    let stored = service.scan().await;
    for call in [independent(&operations), atomic(&operations)] {
        let response = service.send(call).await.expect(200);
        assert_eq!(response.summary(), [3, 0, 3, 0, 0]);
        assert_eq!(response.results("status"), [200, 200, 200]);
        let read = service.send(Call::get(&config_path("acme", "s3"))).await;
        assert_eq!(response.results("etag")[0], read.etag());
    }
    assert_eq!(service.scan().await, stored, "version and times are the same");
}

#[tokio::test]
async fn upsert_merges_as_a_put_does() {
    let service = Service::start().await;
    let mut config = s3("acme");
    config["desired_logs"] = json!(["a"]);
    config["enabled"] = json!(false);
    service.create(config.clone()).await;
    let note = [
        ("tenant_id", text("acme")),
        ("type", text("cloudwatch")),
        ("note", text("by hand")),
    ];
    service.put_item(note).await;
    config.as_object_mut().unwrap().remove("enabled");
    config["desired_logs"] = Value::Null;
    let operations = [upsert(&config), upsert(&cloudwatch("acme"))];
    for call in [independent, atomic] {
        let response = service.send(call(&operations)).await.expect(200);
        assert_eq!(response.results("status"), [200, 200]);
        let item = service.get_item("acme", "s3").await.unwrap();
        assert_eq!(
            item["enabled"].as_bool(),
            Ok(&false),
            "what is not sent keeps its value"
        );
        assert!(!item.contains_key("desired_logs"));
        let item = service.get_item("acme", "cloudwatch").await.unwrap();
        assert_eq!(item["note"], text("by hand"));
        assert_eq!(item["log_group_name"], text("/aws/logs/acme-corp"));
    }
}

#[tokio::test]
async fn deletion_takes_a_key_that_was_written_by_hand() {
    let service = Service::start().await;
    for call in [independent, atomic] {
        service
            .put_item([("tenant_id", text("O'Neil")), ("type", text("splunk"))])
            .await;
        let response = service.send(call(&[delete("O'Neil", "splunk")])).await.expect(200);
        assert_eq!(response.results("tenant_id"), ["O'Neil"]);
        assert!(service.scan().await.is_empty());
        let response = service.send(call(&[delete("O'Neil", "splunk")])).await.expect(207);
        assert_eq!(response.results("status"), [404]);
    }
}

#[tokio::test]
async fn rule_that_depends_on_the_stored_item_is_reported_for_its_operation() {
    let service = Service::start().await;
    service
        .put_item([("tenant_id", text("stub")), ("type", text("s3"))])
        .await;
    let operations = [update("stub", "s3", &json!({"enabled": true})), create(&s3("new"))];
    let response = service.send(atomic(&operations)).await.expect(207);
    assert_eq!(response.results("status"), [422, 424]);
    assert_eq!(response.results("details")[0]["errors"][0]["field"], "bucket_name");
    let response = service.send(independent(&operations)).await.expect(207);
    assert_eq!(response.results("status"), [422, 201]);
}

#[tokio::test]
async fn full_results_have_configuration_and_difference() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service.create(s3("same")).await;
    service.create(s3("old")).await;
    let operations = [
        update("acme", "s3", &json!({"enabled": false})),
        upsert(&s3("same")),
        create(&s3("new")),
        delete("old", "s3"),
    ];
    let body = json!({"atomic": false, "operations": operations});
    let response = service
        .send(Call::batch(&body).query("return", "full"))
        .await
        .expect(200);
    let diffs = response.results("diff");
    assert_eq!(diffs[0], json!([{"field": "enabled", "from": true, "to": false}]));
    assert_eq!(diffs[1], json!([]));
    assert_eq!(
        diffs[2][0],
        json!({"field": "bucket_name", "from": null, "to": "acme-corp-logs"})
    );
    assert_eq!(
        diffs[3][0],
        json!({"field": "bucket_name", "from": "acme-corp-logs", "to": null})
    );
    let configurations = response.results("configuration");
    for (index, path) in [(0, "acme"), (1, "same"), (2, "new")] {
        let read = service.send(Call::get(&config_path(path, "s3"))).await;
        assert_eq!(&configurations[index], read.data());
    }
    assert_eq!(configurations[3], Value::Null);
    let plain = service.send(independent(&[delete("acme", "s3")])).await.expect(200);
    assert_eq!(
        (plain.results("diff"), plain.results("configuration")),
        (vec![Value::Null], vec![Value::Null])
    );
}

#[tokio::test]
async fn response_that_would_be_too_large_leaves_out_details() {
    let service = Service::start().await;
    let large = "x".repeat(350_000);
    for number in 0..8 {
        let tenant = format!("t{number}");
        let item = [
            ("tenant_id", text(&tenant)),
            ("type", text("s3")),
            ("bucket_name", text(&large)),
        ];
        service.put_item(item).await;
    }
    let operations: Vec<_> = (0..8).map(|number| delete(&format!("t{number}"), "s3")).collect();
    let dry = Call::batch(&json!({"atomic": false, "dry_run": true, "operations": operations}));
    let full = Call::batch(&json!({"atomic": false, "operations": operations})).query("return", "full");
    for call in [dry, full] {
        let response = service.send(call).await.expect(200);
        let truncated = response
            .results("truncated")
            .iter()
            .filter(|truncated| **truncated == true)
            .count();
        assert_eq!(truncated, 3, "five of 350 kB fit");
        assert_eq!(
            response.results("diff").iter().filter(|diff| diff.is_array()).count(),
            5
        );
    }
}
