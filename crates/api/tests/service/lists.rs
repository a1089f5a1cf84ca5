use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::Utc;
use serde_json::{Value, json};

use crate::{
    description::{self, Configurations},
    harness::{Call, LIST, Response, Service, assert_envelope, cloudwatch, config_path, s3, tenant_path, text},
};

async fn page(service: &Service, limit: usize, last_key: Option<&str>) -> Response {
    let call = Call::get(LIST).query("limit", &limit.to_string());
    service
        .send(last_key.into_iter().fold(call, |call, key| call.query("last_key", key)))
        .await
        .expect(200)
}

/// Walks every page and returns the keys in order.
pub(crate) async fn walk(service: &Service, limit: usize) -> Vec<(String, String)> {
    let (mut found, mut last_key) = (Vec::new(), None);
    loop {
        let page = page(service, limit, last_key.as_deref()).await;
        assert!(page.keys().len() <= limit);
        found.extend(page.keys());
        match page.data().get("last_key") {
            Some(key) => last_key = Some(key.as_str().unwrap().to_owned()),
            None => return found,
        }
    }
}

#[tokio::test]
async fn list_of_a_tenant_has_its_configurations_and_their_count() {
    let service = Service::start().await;
    service.create(cloudwatch("acme")).await;
    service.create(s3("acme")).await;
    service.create(s3("other")).await;
    assert_envelope!(service.send(Call::get(&tenant_path("acme"))).await.expect(200));
}

#[tokio::test]
async fn list_of_an_unknown_tenant_is_empty() {
    let service = Service::start().await;
    assert_envelope!(service.send(Call::get(&tenant_path("nobody"))).await.expect(200));
}

#[tokio::test]
async fn page_has_its_limit_and_the_key_of_the_next_one() {
    let service = Service::start().await;
    service.create(cloudwatch("acme")).await;
    service.create(s3("acme")).await;
    assert_envelope!(page(&service, 1, None).await);
    let last = page(&service, 1, Some("acme#cloudwatch")).await;
    assert_eq!(last.keys(), [("acme".to_owned(), "s3".to_owned())]);
    assert_eq!(last.data().get("last_key"), None);
}

#[tokio::test]
async fn list_of_an_empty_table_is_empty() {
    let service = Service::start().await;
    let response = service.send(Call::get(LIST)).await.expect(200);
    assert_eq!(response.data(), &json!({"configurations": [], "count": 0, "limit": 50}));
}

#[tokio::test]
async fn page_has_fifty_configurations_by_default() {
    let service = Service::start().await;
    for number in 0..51 {
        service.create(s3(&format!("tenant-{number}"))).await;
    }
    let first = service.send(Call::get(LIST)).await.expect(200);
    assert_eq!(
        (&first.data()["count"], &first.data()["limit"]),
        (&json!(50), &json!(50))
    );
    assert_eq!(first.keys().len(), 50);
    assert_eq!(page(&service, 1000, None).await.data()["count"], 51);
}

#[tokio::test]
async fn limit_outside_1_to_1000_returns_400() {
    let service = Service::start().await;
    for limit in [
        "0",
        "1001",
        "-1",
        "+5",
        " 5",
        "5 ",
        "1.5",
        "1e2",
        "0x10",
        "x",
        "",
        "99999999999999999999",
        "٣",
    ] {
        service.send(Call::get(LIST).query("limit", limit)).await.expect(400);
    }
    assert_envelope!(service.send(Call::get(LIST).query("limit", "0")).await);
}

#[tokio::test]
async fn malformed_last_key_returns_400() {
    let service = Service::start().await;
    for last_key in [
        "x",
        "#",
        "acme#",
        "#s3",
        "acme#splunk",
        "acme#s3#x",
        "a.b#s3",
        "\0",
        "acme#s3\0",
        "acme%23s3",
    ] {
        service
            .send(Call::get(LIST).query("last_key", last_key))
            .await
            .expect(400);
    }
    assert_envelope!(service.send(Call::get(LIST).query("last_key", "x")).await);
}

#[tokio::test]
async fn repeated_parameter_returns_400() {
    let service = Service::start().await;
    service
        .send(Call::get(LIST).query("limit", "1").query("limit", "1"))
        .await
        .expect(400);
    let response = service
        .send(Call::get(LIST).query("last_key", "a#s3").query("last_key", ""))
        .await
        .expect(400);
    assert_envelope!(response);
}

#[tokio::test]
async fn empty_last_key_returns_the_first_page() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let first = service.send(Call::get(LIST).query("last_key", "")).await.expect(200);
    assert_eq!(first.keys(), [("acme".to_owned(), "s3".to_owned())]);
}

#[tokio::test]
async fn last_key_works_after_its_item_is_deleted() {
    let service = Service::start().await;
    for tenant_id in ["a", "b", "c", "d"] {
        service.create(s3(tenant_id)).await;
    }
    let first = page(&service, 2, None).await;
    let last_key = first.data()["last_key"].as_str().unwrap();
    let before = page(&service, 1000, Some(last_key)).await.keys();
    let (tenant_id, delivery_type) = first.keys().pop().unwrap();
    service
        .send(Call::delete(&config_path(&tenant_id, &delivery_type)))
        .await
        .expect(200);
    assert_eq!(page(&service, 1000, Some(last_key)).await.keys(), before);
    assert_eq!(before.len(), 2);
}

#[tokio::test]
async fn walk_returns_everything_once_even_items_with_hand_written_keys() {
    let service = Service::start().await;
    let mut there = BTreeSet::new();
    for tenant_id in ["a", "b", "c"] {
        service.create(s3(tenant_id)).await;
        there.insert((tenant_id.to_owned(), "s3".to_owned()));
    }
    for (tenant_id, delivery_type) in [("acme corp", "s3"), ("b", "splunk"), ("a#b", "%"), ("=é", "#")] {
        service
            .put_item([("tenant_id", text(tenant_id)), ("type", text(delivery_type))])
            .await;
        there.insert((tenant_id.to_owned(), delivery_type.to_owned()));
    }
    for limit in [1, 2, 7, 1000] {
        let found = walk(&service, limit).await;
        assert_eq!(found.len(), there.len(), "{limit}");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), there, "{limit}");
    }
}

#[tokio::test]
async fn expired_configuration_is_in_no_list() {
    let service = Service::start().await;
    service.create(cloudwatch("acme")).await;
    let past = AttributeValue::N((Utc::now().timestamp() - 5).to_string());
    service
        .put_item([("tenant_id", text("acme")), ("type", text("s3")), ("ttl", past)])
        .await;
    let alive = [("acme".to_owned(), "cloudwatch".to_owned())];
    assert_eq!(service.send(Call::get(&tenant_path("acme"))).await.keys(), alive);
    assert_eq!(walk(&service, 1).await, alive);
}

#[tokio::test]
async fn page_of_large_items_stays_within_the_limit_of_lambda() {
    let service = Service::start().await;
    // Each is near DynamoDB's limit of 400 kB, and control characters take six times the room in JSON.
    for (number, filling) in ["a", "\u{1}", "\"", "é", "\\", "a", "a", "a", "a", "a"]
        .iter()
        .enumerate()
    {
        let prefix = filling.repeat(380_000 / filling.len());
        let tenant_id = format!("tenant-{number}");
        service
            .put_item([
                ("tenant_id", text(&tenant_id)),
                ("type", text("s3")),
                ("bucket_prefix", text(&prefix)),
            ])
            .await;
    }
    assert_eq!(walk(&service, 1000).await.len(), 10);
}

/// Typed clients read a list as a whole: none of these items breaks its schema. The stage `generated` shows the same list to
/// five of them.
#[tokio::test]
async fn list_with_items_written_by_hand_matches_the_description() {
    let service = Service::start().await;
    let items = include_str!("../../../../tests/generated/written-by-hand.json");
    let items: Value = serde_json::from_str(items).unwrap();
    for item in items.as_array().unwrap() {
        let attributes = item.as_object().unwrap().iter();
        service
            .put_item(attributes.map(|(name, value)| (name.as_str(), attribute(value))))
            .await;
    }
    let list = service.send(Call::get(&tenant_path("odd"))).await.expect(200);
    assert_eq!(list.data()["configurations"], items);
    let schema = json!({ "$ref": "#/components/schemas/DeliveryConfigList" });
    description::validate("list", &schema, list.data(), Configurations::Valid);
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::String(value) => text(value),
        Value::Bool(value) => AttributeValue::Bool(*value),
        Value::Array(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        other => panic!("{other}"),
    }
}
