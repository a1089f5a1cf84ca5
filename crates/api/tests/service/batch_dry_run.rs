//! A dry run predicts what the same batch does, and writes nothing.

use std::sync::LazyLock;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    batch::{create, delete, update, upsert},
    harness::{Call, Response, Service, assert_envelope, cloudwatch, config_path, s3, text},
};

fn batch(is_atomic: bool, is_dry_run: bool, operations: &[Value]) -> Call {
    Call::batch(&json!({"atomic": is_atomic, "dry_run": is_dry_run, "operations": operations}))
}

#[tokio::test]
async fn dry_run_reports_and_writes_nothing() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let before = service.scan().await;
    let operations = [
        create(&s3("new")),
        update("acme", "s3", &json!({"enabled": false, "target_region": "eu-west-1"})),
        upsert(&cloudwatch("acme")),
        json!({"op": "delete", "tenant_id": "old", "type": "s3", "allow_missing": true}),
    ];
    for is_atomic in [true, false] {
        let response = service.send(batch(is_atomic, true, &operations)).await.expect(200);
        assert_eq!(response.message(), "Dry run: nothing was written.");
        assert_eq!(response.results("status"), [201, 200, 201, 200]);
        assert_eq!(response.summary(), [4, 3, 1, 0, 0]);
        assert_eq!(service.scan().await, before);
        assert_envelope!(response);
    }
}

#[tokio::test]
async fn dry_run_of_a_thousand_operations_reads_a_hundred_items_at_a_time() {
    let service = Service::start().await;
    service.create(s3("t7")).await;
    let operations: Vec<_> = (0..1000).map(|number| create(&s3(&format!("t{number}")))).collect();
    let response = service.send(batch(false, true, &operations)).await.expect(207);
    assert_eq!(response.summary(), [1000, 999, 0, 1, 0]);
    assert_eq!(response.results("status")[7], 409);
}

/// One service for all cases: what they leave behind is part of the randomness.
static SERVICE: LazyLock<(Runtime, Service)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(Service::start());
    (runtime, service)
});

/// What a dry run and the batch itself report of each operation alike.
fn predicted(response: &Response) -> Vec<[Value; 5]> {
    let results = response.data()["results"].as_array().unwrap().iter();
    let members = ["status", "code", "changed", "details", "diff"];
    results.map(|result| members.map(|name| result[name].clone())).collect()
}

fn any_key() -> impl Strategy<Value = (&'static str, &'static str)> {
    (select(vec!["a", "b", "c"]), select(vec!["s3", "cloudwatch"]))
}

fn any_fields() -> impl Strategy<Value = Value> {
    let member =
        |name: &'static str, values: Vec<Value>| option::of(select(values).prop_map(move |value| (name, value)));
    let members = [
        member("enabled", vec![json!(null), json!(true), json!(false)]),
        member(
            "target_region",
            vec![json!(null), json!("us-east-1"), json!("cn-north-1")],
        ),
        member("desired_logs", vec![json!(null), json!(["a"]), json!(["a", "b"])]),
        member("bucket_prefix", vec![json!(null), json!("logs")]),
        member(
            "labels",
            vec![json!(null), json!({"env": "prod"}), json!({"env": null, "team": "x"})],
        ),
    ];
    members.prop_map(|members| {
        let members = members.into_iter().flatten();
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<serde_json::Map<_, _>>()
            .into()
    })
}

/// A configuration with these fields; not every one of them is valid.
fn config((tenant_id, delivery_type): (&str, &str), fields: &Value) -> Value {
    let mut config = if delivery_type == "s3" {
        s3(tenant_id)
    } else {
        cloudwatch(tenant_id)
    };
    for (name, value) in fields.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn any_operation() -> impl Strategy<Value = Value> {
    let if_match = option::weighted(0.3, select(vec!["current", "\"7\""]));
    (any_key(), any_fields(), 0..4, any::<bool>(), if_match).prop_map(|(key, fields, kind, allow_missing, if_match)| {
        let mut operation = match kind {
            0 => return create(&config(key, &fields)),
            1 => return upsert(&config(key, &fields)),
            2 => update(key.0, key.1, &fields),
            _ => delete(key.0, key.1),
        };
        if kind == 3 {
            operation["allow_missing"] = json!(allow_missing);
        }
        if let Some(tag) = if_match {
            operation["if_match"] = json!(tag);
        }
        operation
    })
}

/// Gives each operation that is to match the tag of its configuration.
async fn with_current_tags(service: &Service, mut operations: Vec<Value>) -> Vec<Value> {
    for operation in &mut operations {
        if operation["if_match"] == "current" {
            let part = |name: &str| operation[name].as_str().unwrap().to_owned();
            let read = service
                .send(Call::get(&config_path(&part("tenant_id"), &part("type"))))
                .await;
            operation["if_match"] = json!(read.header("etag").unwrap_or("\"none\""));
        }
    }
    operations
}

/// An item as somebody might write it by hand, so that updates and upserts meet more than what the service writes.
async fn write_by_hand(service: &Service, key: (&str, &str), fields: &Value) {
    let mut item = vec![("tenant_id", text(key.0)), ("type", text(key.1))];
    if fields.get("enabled").is_some() {
        item.push(("bucket_name", text("by-hand")));
    }
    if fields.get("labels").is_some() {
        item.push(("enabled", aws_sdk_dynamodb::types::AttributeValue::Null(true)));
    }
    if fields.get("bucket_prefix").is_some() {
        item.push((
            "ttl",
            aws_sdk_dynamodb::types::AttributeValue::N("1700000000".to_owned()),
        ));
    }
    service.put_item(item).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn dry_run_predicts_statuses_and_differences(
        operations in vec(any_operation(), 1..7),
        is_atomic in any::<bool>(),
        by_hand in option::weighted(0.3, (any_key(), any_fields())),
    ) {
        let (runtime, service) = &*SERVICE;
        runtime.block_on(async {
            if let Some((key, fields)) = by_hand {
                write_by_hand(service, key, &fields).await;
            }
            let operations = with_current_tags(service, operations).await;
            let before = service.scan().await;
            let dry = service.send(batch(is_atomic, true, &operations)).await;
            prop_assert_eq!(&service.scan().await, &before);
            let real = service.send(batch(is_atomic, false, &operations).query("return", "full")).await;
            prop_assert_eq!(dry.status, real.status, "{:?} {:?}", dry, real);
            if dry.status == 422 {
                prop_assert_eq!(&dry.body["details"], &real.body["details"]);
                prop_assert_eq!(&service.scan().await, &before);
                return Ok(());
            }
            prop_assert_eq!(dry.summary(), real.summary());
            prop_assert_eq!(predicted(&dry), predicted(&real), "{:?}", operations);
            if is_atomic && real.status == 207 {
                prop_assert_eq!(&service.scan().await, &before);
            }
            Ok(())
        })?;
    }
}
