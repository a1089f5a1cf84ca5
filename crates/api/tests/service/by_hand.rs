//! Items that a person wrote into the table, whatever their key and their attributes are.

use std::{collections::BTreeMap, sync::LazyLock};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::{
    collection::{btree_map, btree_set, vec},
    prelude::*,
    sample::select,
};
use serde_json::{Value, json};
use tenant_core::{ConfigKey, Field};
use tokio::runtime::Runtime;

use crate::harness::{Call, LIST, Response, Service, config_path, tenant_path, text};

type Attributes = BTreeMap<String, AttributeValue>;

const ROLE: &str = "arn:aws:iam::123456789012:role/LogDistributionRole";

/// One service for all cases, each of which deletes its item.
static SERVICE: LazyLock<(Runtime, Service)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(Service::start());
    (runtime, service)
});

/// The segment of a path for this text.
fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn path_of(tenant_id: &str, delivery_type: &str) -> String {
    config_path(&segment(tenant_id), &segment(delivery_type))
}

fn any_tenant_id() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec!["acme", "ACME_corp-7"]).prop_map(str::to_owned),
        2 => select(vec!["acme.corp", "O'Neil", "a b", "100%", "a/b", "\u{e9}", "#", "a\\b", "+", "..x"]).prop_map(str::to_owned),
        1 => any::<String>().prop_filter("not a key", |text| is_segment(text)),
    ]
}

fn any_delivery_type() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["s3", "cloudwatch"]).prop_map(str::to_owned),
        1 => select(vec!["splunk", "CloudWatch", "S3 ", "s3/validate", "validate"]).prop_map(str::to_owned),
        1 => any::<String>().prop_filter("not a key", |text| is_segment(text)),
    ]
}

/// No path can hold an empty segment, or one of dots.
fn is_segment(text: &str) -> bool {
    !["", ".", ".."].contains(&text) && text.len() <= 500
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "",
            " ",
            "acme-corp-logs",
            "logs",
            "logs/",
            "logs//",
            "/logs",
            "(binary)",
            "eu-west-1",
            "moon-east-1",
            ROLE,
            "/aws/logs/acme",
            "true",
            "1900000000",
            "2024-01-15T10:30:00Z",
            "yesterday",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

/// Numbers as DynamoDB writes them. None is an expiry of the last five years, so no item has expired.
fn any_number() -> impl Strategy<Value = String> {
    select(vec![
        "0",
        "1",
        "-1",
        "1500000000",
        "4102444800",
        "4102444800.5",
        "1800000000000",
        "1.5",
        "-0.25",
        "99999999999999999999999999999999999999",
        "4102444800.0000000000000000000000000001",
    ])
    .prop_map(str::to_owned)
}

fn any_blob() -> impl Strategy<Value = Blob> {
    vec(any::<u8>(), 0..8).prop_map(Blob::new)
}

fn any_attribute() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        4 => any_text().prop_map(AttributeValue::S),
        2 => any_number().prop_map(AttributeValue::N),
        2 => any::<bool>().prop_map(AttributeValue::Bool),
        2 => Just(AttributeValue::Null(true)),
        1 => any_blob().prop_map(AttributeValue::B),
        2 => btree_set(select(vec!["a", "b", "c", "d", " e"]), 1..4)
            .prop_map(|texts| AttributeValue::Ss(texts.into_iter().map(str::to_owned).collect())),
        1 => btree_set(any_number(), 1..3).prop_map(|numbers| AttributeValue::Ns(numbers.into_iter().collect())),
        1 => btree_set(vec(any::<u8>(), 1..4), 1..3)
            .prop_map(|blobs| AttributeValue::Bs(blobs.into_iter().map(Blob::new).collect())),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
            btree_map(select(vec!["a", "B", "N"]).prop_map(str::to_owned), inner, 0..3)
                .prop_map(|members| AttributeValue::M(members.into_iter().collect())),
        ]
    })
}

fn any_labels() -> impl Strategy<Value = AttributeValue> {
    let key = select(vec!["env", "team/a", "Team", "\u{e9}"]).prop_map(str::to_owned);
    let value = prop_oneof![4 => select(vec!["prod", "", "a b"]).prop_map(text), 1 => any_attribute()];
    btree_map(key, value, 0..4).prop_map(|labels| AttributeValue::M(labels.into_iter().collect()))
}

/// A value that the field often has, so that many items are nearly valid.
fn usual_attribute(field: Field) -> BoxedStrategy<AttributeValue> {
    let texts = |texts: &'static [&'static str]| select(texts).prop_map(text).boxed();
    match field {
        Field::TenantId | Field::Type => unreachable!("a part of the key"),
        Field::LogDistributionRoleArn => texts(&[ROLE]),
        Field::LogGroupName => texts(&["/aws/logs/acme"]),
        Field::BucketName => texts(&["acme-corp-logs"]),
        Field::BucketPrefix => texts(&["logs", "logs/", "logs//", ""]),
        Field::TargetRegion => texts(&["eu-west-1", ""]),
        Field::Enabled => any::<bool>().prop_map(AttributeValue::Bool).boxed(),
        Field::DesiredLogs => prop_oneof![
            Just(AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()])),
            Just(AttributeValue::L(vec![text("b"), text("a")])),
            Just(AttributeValue::L(vec![text("")])),
            Just(AttributeValue::L(vec![])),
        ]
        .boxed(),
        Field::Labels => any_labels().boxed(),
        Field::Ttl => Just(AttributeValue::N("4102444800".to_owned())).boxed(),
        Field::CreatedAt | Field::UpdatedAt => texts(&["2024-01-15T10:30:00Z", "yesterday"]),
    }
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    let fields = Field::ALL
        .into_iter()
        .filter(|field| ![Field::TenantId, Field::Type].contains(field));
    let fields: Vec<_> = fields
        .map(|field| {
            let value = prop_oneof![5 => usual_attribute(field), 1 => any_attribute()];
            (Just(field.name()), proptest::option::weighted(0.6, value))
        })
        .collect();
    let others = btree_map(select(vec!["version", "note", "last_change"]), any_attribute(), 0..2);
    (fields, others).prop_map(|(fields, others)| {
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        fields
            .chain(others)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

async fn put(service: &Service, tenant_id: &str, delivery_type: &str, attributes: &Attributes) -> Attributes {
    let key = [("tenant_id", text(tenant_id)), ("type", text(delivery_type))];
    let attributes = attributes.iter().map(|(name, value)| (name.as_str(), value.clone()));
    service.put_item(attributes.chain(key)).await;
    service.get_item(tenant_id, delivery_type).await.unwrap()
}

/// What a log processor sees of an item: everything but what each write assigns. It reads a missing or null `enabled` as off.
fn as_processed(mut item: Attributes) -> Attributes {
    for assigned in ["version", "updated_at", "last_change"] {
        item.remove(assigned);
    }
    if item.get("enabled").is_none_or(AttributeValue::is_null) {
        item.insert("enabled".to_owned(), AttributeValue::Bool(false));
    }
    item
}

/// What the entity tag covers.
fn modelled(mut item: Attributes) -> Attributes {
    item.retain(|name, _| name == "version" || Field::from_name(name).is_some());
    item
}

/// Whether the checks of a validation find a value that no client could send.
fn breaks_a_rule(checks: &Value, delivery_type: &str) -> bool {
    let delivery_type = delivery_type.parse().unwrap();
    checks.as_array().unwrap().iter().any(|check| {
        let field = Field::from_name(check["field"].as_str().unwrap());
        let is_read = field.is_some_and(|field| {
            field.applies_to(delivery_type) && ![Field::CreatedAt, Field::UpdatedAt, Field::Labels].contains(&field)
        });
        let is_kept = check["code"] == "wrong_delivery_type" && check["status"] == "warning";
        let is_usual = [json!("ok"), json!("skipped")].contains(&check["status"]);
        // An item without `enabled` is shown with it.
        let is_shown = check["field"] == "enabled" && check["status"] == "missing";
        !is_usual && !is_kept && !is_shown && (is_read || check["code"] == "wrong_delivery_type")
    })
}

async fn expect_listed(service: &Service, path: &str, tenant_id: &str, shown: &Value) {
    for list in [Call::get(path), Call::get(LIST).query("limit", "1000")] {
        let list = service.send(list).await.expect(200);
        let configurations = list.data()["configurations"].as_array().unwrap();
        assert!(configurations.contains(shown), "{tenant_id:?}: {list:?}");
    }
}

/// Sends what is shown back unchanged, and expects that a log processor sees no change.
async fn send_back(service: &Service, key: &ConfigKey, before: &Attributes, shown: &Value, checks: &Value) {
    let path = path_of(key.tenant_id(), key.delivery_type());
    for method in ["PUT", "PATCH"] {
        let response = service.send(Call::new(method, &path).json(shown)).await;
        let after = service.get_item(key.tenant_id(), key.delivery_type()).await.unwrap();
        if key.parse().is_err() {
            assert_eq!(response.status, 409, "{response:?}");
            assert_eq!(&after, before);
        } else if response.status == 200 {
            assert_eq!(as_processed(after), as_processed(before.clone()), "{shown}");
        } else {
            assert_eq!(response.status, 422, "{response:?}");
            assert!(breaks_a_rule(checks, key.delivery_type()), "{response:?} for {shown}");
            assert_eq!(&after, before);
        }
    }
}

async fn handle(service: &Service, key: &ConfigKey, attributes: &Attributes, edited: &Attributes) {
    let (tenant_id, delivery_type) = (key.tenant_id(), key.delivery_type());
    let path = path_of(tenant_id, delivery_type);
    let stored = put(service, tenant_id, delivery_type, attributes).await;
    let read = service.send(Call::get(&path)).await.expect(200);
    assert_eq!(
        (&read.data()["tenant_id"], &read.data()["type"]),
        (&json!(tenant_id), &json!(delivery_type))
    );
    assert!(read.data().as_object().unwrap().values().all(|value| !value.is_null()));
    service.send(Call::new("HEAD", &path)).await.expect(200);
    expect_listed(service, &tenant_path(&segment(tenant_id)), tenant_id, read.data()).await;
    let validated = service.send(Call::get(&format!("{path}/validate"))).await.expect(200);
    assert_eq!(validated.data()["type"], delivery_type);

    send_back(service, key, &stored, read.data(), &validated.data()["checks"]).await;

    let stored = put(service, tenant_id, delivery_type, attributes).await;
    let edited = put(service, tenant_id, delivery_type, edited).await;
    let known = Call::get(&path).header("If-None-Match", read.etag());
    let is_unchanged = service.send(known).await.status == 304;
    assert_eq!(is_unchanged, modelled(stored) == modelled(edited));

    service.send(Call::delete(&path)).await.expect(200);
    assert_eq!(service.get_item(tenant_id, delivery_type).await, None);
    let status = if key.parse().is_ok() { 404 } else { 400 };
    service.send(Call::delete(&path)).await.expect(status);
}

/// A case is some twenty requests.
fn fewer_cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases / 4,
        ..usual
    }
}

proptest! {
    #![proptest_config(fewer_cases())]

    #[test]
    fn any_item_is_listed_read_validated_sent_back_and_deleted(
        tenant_id in any_tenant_id(),
        delivery_type in any_delivery_type(),
        attributes in any_attributes(),
        edited in any_attributes(),
    ) {
        let (runtime, service) = &*SERVICE;
        let key = ConfigKey::new(tenant_id, delivery_type).unwrap();
        runtime.block_on(handle(service, &key, &attributes, &edited));
    }
}

/// Keys that only a person writes.
const ODD_KEYS: [(&str, &str); 10] = [
    ("acme.corp", "s3"),
    ("O'Neil", "cloudwatch"),
    ("acme corp", "s3"),
    ("100%", "s3"),
    ("a/b", "s3"),
    ("\u{e9}", "s3"),
    ("...", "s3"),
    ("acme", "splunk"),
    ("acme", "CloudWatch"),
    ("acme", "s3/validate"),
];

fn every_call(path: &str) -> [Call; 6] {
    let body = json!({"enabled": false});
    [
        Call::get(path),
        Call::new("HEAD", path),
        Call::get(&format!("{path}/validate")),
        Call::put(path).json(&body),
        Call::patch(path).json(&body),
        Call::delete(path),
    ]
}

#[tokio::test]
async fn key_that_breaks_the_rules_is_a_400_where_no_item_has_it() {
    let service = Service::start().await;
    for (tenant_id, delivery_type) in ODD_KEYS {
        for call in every_call(&path_of(tenant_id, delivery_type)) {
            service.send(call).await.expect(400);
        }
    }
    for tenant_id in ["acme.corp", "O'Neil", &"t".repeat(3000)] {
        service
            .send(Call::get(&tenant_path(&segment(tenant_id))))
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn change_of_an_item_whose_key_breaks_the_rules_is_a_409_that_asks_to_replace_it() {
    let service = Service::start().await;
    for (tenant_id, delivery_type) in ODD_KEYS {
        let path = path_of(tenant_id, delivery_type);
        let before = put(&service, tenant_id, delivery_type, &Attributes::new()).await;
        let statuses = [200, 200, 200, 409, 409, 200];
        for (call, status) in every_call(&path).into_iter().zip(statuses) {
            let response = service.send(call).await.expect(status);
            if status == 409 {
                assert!(
                    response.error().ends_with("Delete it and create a new one."),
                    "{response:?}"
                );
                assert_eq!(service.get_item(tenant_id, delivery_type).await.as_ref(), Some(&before));
            }
        }
        assert_eq!(service.get_item(tenant_id, delivery_type).await, None);
    }
}

#[tokio::test]
async fn item_of_an_unknown_type_can_be_replaced_through_the_api() {
    let service = Service::start().await;
    let attributes = [
        ("tenant_id", "acme"),
        ("type", "CloudWatch"),
        ("log_group_name", "/aws/logs/acme"),
    ];
    service
        .put_item(attributes.map(|(name, value)| (name, text(value))))
        .await;
    let path = config_path("acme", "CloudWatch");
    crate::harness::assert_envelope!(
        service
            .send(Call::patch(&path).json(&json!({"enabled": true})))
            .await
            .expect(409)
    );
    crate::harness::assert_envelope!(service.send(Call::get(&format!("{path}/validate"))).await.expect(200));
    service.send(Call::delete(&path)).await.expect(200);
    service.create(crate::harness::cloudwatch("acme")).await;
}

/// The checks of a validation that are not as usual, as field, status and code.
fn reported(response: &Response) -> Vec<(String, String, String)> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = response.data()["checks"].as_array().unwrap().iter();
    let checks = checks.map(|check| (text(check, "field"), text(check, "status"), text(check, "code")));
    checks
        .filter(|(_, status, _)| !["ok", "skipped"].contains(&status.as_str()))
        .collect()
}

#[tokio::test]
async fn everything_that_a_validation_reports_can_be_fixed() {
    let service = Service::start().await;
    let path = config_path("acme", "s3");
    let validate = || Call::get(&format!("{path}/validate"));
    let attributes = [
        ("bucket_name", text(" ")),
        ("bucket_prefix", text("")),
        ("target_region", text("moon-east-1")),
        ("log_distribution_role_arn", text(ROLE)),
        ("log_group_name", AttributeValue::N("7".to_owned())),
        ("desired_logs", AttributeValue::L(vec![text("")])),
        ("labels", text("env=prod")),
        ("ttl", AttributeValue::N("-1".to_owned())),
        ("created_at", text("yesterday")),
        ("updated_at", AttributeValue::Bool(true)),
        ("enabled", text("yes")),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value)).into();
    put(&service, "acme", "s3", &attributes).await;
    put(
        &service,
        "acme",
        "splunk",
        &[("enabled".to_owned(), AttributeValue::Bool(true))].into(),
    )
    .await;
    let before = service.send(validate()).await.expect(200);
    crate::harness::assert_envelope!(before);
    let fields: Vec<_> = reported(&before).into_iter().map(|(field, ..)| field).collect();
    assert_eq!(fields.len(), 12, "{fields:?}");

    let fix = json!({
        "bucket_name": "acme-corp-logs", "bucket_prefix": null, "target_region": "eu-west-1", "enabled": true,
        "log_distribution_role_arn": null, "log_group_name": null, "desired_logs": null, "labels": null, "ttl": null
    });
    service.send(Call::patch(&path).json(&fix)).await.expect(200);
    service
        .send(Call::delete(&config_path("acme", "splunk")))
        .await
        .expect(200);
    let fixed = service.send(validate()).await.expect(200);
    assert_eq!(fixed.data()["valid"], true);
    let warning = ["created_at", "warning", "invalid_format"].map(str::to_owned);
    assert_eq!(reported(&fixed), [warning.into()]);
    service.send(Call::delete(&path)).await.expect(200);
    service.create(crate::harness::s3("acme")).await;
    assert_eq!(reported(&service.send(validate()).await.expect(200)), []);
}

#[tokio::test]
async fn s3_item_with_a_role_is_valid_and_can_be_sent_back() {
    let service = Service::start().await;
    let path = config_path("acme", "s3");
    let attributes = [
        ("bucket_name".to_owned(), text("acme-corp-logs")),
        ("log_distribution_role_arn".to_owned(), text(ROLE)),
        ("enabled".to_owned(), AttributeValue::Bool(true)),
    ];
    let before = put(&service, "acme", "s3", &attributes.into()).await;
    let validated = service.send(Call::get(&format!("{path}/validate"))).await.expect(200);
    assert_eq!(validated.data()["valid"], true);
    let mut shown = service.send(Call::get(&path)).await.expect(200).data().clone();
    service.send(Call::put(&path).json(&shown)).await.expect(200);
    let after = service.get_item("acme", "s3").await.unwrap();
    assert_eq!(as_processed(after), as_processed(before));
    shown["enabled"] = false.into();
    let response = service.send(Call::put(&path).json(&shown)).await.expect(200);
    assert_eq!(response.data()["log_distribution_role_arn"], ROLE);
    shown["log_distribution_role_arn"] = ROLE.replace("Role", "Other").into();
    let response = service.send(Call::put(&path).json(&shown)).await.expect(422);
    assert_eq!(
        response.broken_rules(),
        [("log_distribution_role_arn", "wrong_delivery_type")]
    );
}

#[tokio::test]
async fn stub_is_not_switched_on() {
    let service = Service::start().await;
    let path = config_path("acme", "cloudwatch");
    put(&service, "acme", "cloudwatch", &Attributes::new()).await;
    let response = service
        .send(Call::patch(&path).json(&json!({"enabled": true})))
        .await
        .expect(422);
    let expected = [
        ("log_distribution_role_arn", "required"),
        ("log_group_name", "required"),
    ];
    assert_eq!(response.broken_rules(), expected);
    crate::harness::assert_envelope!(response);
}

#[tokio::test]
async fn item_that_would_become_too_large_is_a_422() {
    let service = Service::start().await;
    let path = config_path("acme", "s3");
    let note = ("note".to_owned(), text(&"n".repeat(400 * 1024 - 60)));
    let before = put(&service, "acme", "s3", &[note].into()).await;
    let response = service
        .send(Call::patch(&path).json(&json!({"desired_logs": ["a"]})))
        .await
        .expect(422);
    assert_eq!(response.broken_rules(), [("desired_logs", "too_long")]);
    assert!(response.error().contains("400 kB"), "{response:?}");
    assert_eq!(service.get_item("acme", "s3").await, Some(before));
}
