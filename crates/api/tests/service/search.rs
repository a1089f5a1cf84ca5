//! Filters on the list of all configurations, and the search with a body.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::Utc;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testing::Fault;

use crate::{
    harness::{Call, LIST, Response, Service, assert_envelope, cloudwatch, s3, text},
    logs::{capture_log, request_lines},
};

pub(crate) const SEARCH: &str = "/api/v1/delivery-configs/search";

/// A search with the digest of its body, as clients send it.
pub(crate) fn search(body: &Value) -> Call {
    let digest = hex::encode(Sha256::digest(body.to_string()));
    Call::post(SEARCH).json(body).header("X-Body-SHA256", &digest)
}

fn tenants(response: &Response) -> Vec<String> {
    let mut tenants: Vec<_> = response.keys().into_iter().map(|(tenant_id, _)| tenant_id).collect();
    tenants.sort();
    tenants
}

async fn with_three_tenants() -> Service {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service.create(cloudwatch("globex")).await;
    let mut paused = s3("ocm-c1u5ter-prod");
    paused["enabled"] = false.into();
    paused["bucket_name"] = "initech-logs".into();
    service.create(paused).await;
    service
}

#[tokio::test]
async fn list_and_search_find_what_matches_and_show_how_the_filter_was_read() {
    let service = with_three_tenants().await;
    for (filter, canonical, found) in [
        (
            "type=s3 bucket_name=acme-corp-logs",
            r#"type = "s3" AND bucket_name = "acme-corp-logs""#,
            vec!["acme"],
        ),
        ("account = 123456789012", r#"account = "123456789012""#, vec!["globex"]),
        ("c1u5ter", r#""c1u5ter""#, vec!["ocm-c1u5ter-prod"]),
        ("-enabled=true", "NOT enabled = true", vec!["ocm-c1u5ter-prod"]),
        (
            "type = s3 AND enabled = true OR acme",
            r#"type = "s3" AND (enabled = true OR "acme")"#,
            vec!["acme"],
        ),
        (
            "delivers(\"payment-service\")",
            r#"delivers("payment-service")"#,
            vec!["acme", "globex"],
        ),
        ("broken", "broken", vec![]),
        (" ", "", vec!["acme", "globex", "ocm-c1u5ter-prod"]),
    ] {
        let listed = service.send(Call::get(LIST).query("filter", filter)).await.expect(200);
        let searched = service.send(search(&json!({ "filter": filter }))).await.expect(200);
        assert_eq!(tenants(&listed), found, "{filter}");
        assert_eq!(listed.data(), searched.data(), "{filter}");
        assert_eq!(listed.data()["filter"], canonical, "{filter}");
        assert_eq!(listed.data()["scanned"], 3, "{filter}");
        assert_eq!(listed.data()["count"], found.len(), "{filter}");
    }
}

#[tokio::test]
async fn search_without_a_filter_finds_everything_and_the_list_stays_as_it_is() {
    let service = with_three_tenants().await;
    for body in [json!({}), json!({"filter": ""}), json!({"filter": null})] {
        let response = service.send(search(&body)).await.expect(200);
        assert_eq!(response.keys().len(), 3);
        assert_eq!(
            (&response.data()["filter"], &response.data()["scanned"]),
            (&json!(""), &json!(3))
        );
    }
    for call in [Call::get(LIST), Call::get(LIST).query("filter", "")] {
        let response = service.send(call).await.expect(200);
        let members: Vec<_> = response.data().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["configurations", "count", "limit"]);
    }
}

#[tokio::test]
async fn pages_of_a_search_have_its_limit_and_the_key_of_the_next_one() {
    let service = Service::start().await;
    for number in 0..9 {
        service.create(s3(&format!("acme-{number}"))).await;
        service.create(s3(&format!("other-{number}"))).await;
    }
    let (mut found, mut body) = (Vec::new(), json!({"filter": "tenant_id = \"acme-*\"", "limit": 2}));
    loop {
        let page = service.send(search(&body)).await.expect(200);
        assert!(page.keys().len() <= 2);
        assert_eq!(page.data()["limit"], 2);
        found.extend(tenants(&page));
        match page.data().get("last_key") {
            Some(key) => body["last_key"] = key.clone(),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, (0..9).map(|number| format!("acme-{number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn search_requires_the_digest_of_its_body() {
    let service = Service::start().await;
    let body = json!({"filter": "acme"});
    assert_envelope!(service.send(Call::post(SEARCH).json(&body)).await.expect(400));
    let empty = Call::post(SEARCH).json(&body).header("X-Body-SHA256", "");
    service.send(empty).await.expect(400);
    service.send(Call::post(SEARCH)).await.expect(400);
    let digest = hex::encode(Sha256::digest(body.to_string()));
    let verified = Call::post(SEARCH).json(&body).signed_digest(&digest);
    service.send(verified).await.expect(200);
    let other = Call::post(SEARCH).json(&json!({})).header("X-Body-SHA256", &digest);
    let mismatch = service.send(other).await.expect(400);
    assert!(mismatch.error().contains("does not match"), "{}", mismatch.error());

    let log = capture_log();
    service.send(Call::post(SEARCH).json(&body)).await.expect(400);
    assert_eq!(request_lines(&log)[0]["code"], "digest_required");
}

#[tokio::test]
async fn invalid_filter_returns_400_with_its_position_and_the_nearest_name() {
    let service = Service::start().await;
    for (filter, part) in [
        (
            "type = s3 AND bucket_nam = x",
            "at character 15: bucket_nam is not a field (did you mean bucket_name?)",
        ),
        ("enabled = yes", "at character 11: expected true or false for enabled"),
        (
            "(type = s3",
            "at character 11: expected AND, OR, another term or ), found the end of the filter",
        ),
        (&"a ".repeat(21), "at character 41: expected at most 20 terms"),
        (&"a".repeat(1025), "at character 1025: expected at most 1024 characters"),
        ("\0\u{1}=x", "is not a field"),
    ] {
        let listed = service.send(Call::get(LIST).query("filter", filter)).await.expect(400);
        let searched = service.send(search(&json!({ "filter": filter }))).await.expect(400);
        assert!(listed.error().contains(part), "{filter}: {}", listed.error());
        assert_eq!(listed.error(), searched.error());
    }
    assert_envelope!(service.send(Call::get(LIST).query("filter", "enabled = yes")).await);
    let twice = Call::get(LIST).query("filter", "acme").query("filter", "acme");
    service.send(twice).await.expect(400);
}

#[tokio::test]
async fn body_that_describes_no_search_returns_400() {
    let service = Service::start().await;
    for body in [
        json!({"filters": "acme"}),
        json!({"filter": "acme", "order_by": "tenant_id"}),
        json!({"filter": 7}),
        json!({"limit": 0}),
        json!({"limit": "50"}),
        json!({"last_key": "acme"}),
        json!([]),
        json!(null),
        json!("acme"),
    ] {
        service.send(search(&body)).await.expect(400);
    }
    assert_envelope!(service.send(search(&json!({"filters": "acme"}))).await);
    assert_envelope!(service.send(search(&json!([]))).await);
    let digest = hex::encode(Sha256::digest("filter=acme"));
    let form = Call::post(SEARCH).body("filter=acme").header("X-Body-SHA256", &digest);
    service
        .send(form.clone().header("Content-Type", "application/x-www-form-urlencoded"))
        .await
        .expect(415);
    service.send(form).await.expect(400);
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let response = service.send(Call::new(method, SEARCH)).await.expect(405);
        assert_eq!(response.header("allow"), Some("POST"), "{method}");
    }
}

#[tokio::test]
async fn garbage_and_expired_items_do_not_break_a_page() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let past = AttributeValue::N((Utc::now().timestamp() - 5).to_string());
    service
        .put_item([("tenant_id", text("expired")), ("type", text("s3")), ("ttl", past)])
        .await;
    service
        .put_item([
            ("tenant_id", text("O'Neil \u{1f600}")),
            ("type", text("splunk")),
            ("bucket_name", AttributeValue::N("1E+100".to_owned())),
            ("enabled", text("yes")),
            ("desired_logs", AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()])),
            ("ttl", AttributeValue::Bool(true)),
            ("updated_at", AttributeValue::L(vec![AttributeValue::Null(true)])),
        ])
        .await;
    for (filter, found) in [
        ("broken", vec!["O'Neil \u{1f600}"]),
        ("NOT broken", vec!["acme"]),
        ("desired_logs:a", vec!["O'Neil \u{1f600}"]),
        (
            "type = splunk OR updated_at > 2024-01-15T10:30:00Z",
            vec!["O'Neil \u{1f600}", "acme"],
        ),
        ("NOT ttl:*", vec!["acme"]),
        ("tenant_id = expired", vec![]),
    ] {
        let response = service.send(search(&json!({ "filter": filter }))).await.expect(200);
        assert_eq!(tenants(&response), found, "{filter}");
    }
}

#[tokio::test]
async fn log_has_the_number_of_scanned_items_but_not_the_filter() {
    let service = with_three_tenants().await;
    let log = capture_log();
    service
        .send(Call::get(LIST).query("filter", "hush-hush"))
        .await
        .expect(200);
    service.send(search(&json!({"filter": "hush-hush"}))).await.expect(200);
    service
        .send(Call::get(LIST).query("filter", "hush-hush ="))
        .await
        .expect(400);
    service.send(Call::get(LIST)).await.expect(200);
    let [listed, searched, rejected, unfiltered] = &request_lines(&log)[..] else {
        panic!("{}", log.text())
    };
    assert_eq!(
        (&listed["scanned_items"], &searched["scanned_items"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(searched["route"], SEARCH);
    assert_eq!(
        (&rejected["code"], &rejected["scanned_items"]),
        (&json!("invalid_filter"), &Value::Null)
    );
    assert_eq!(unfiltered["scanned_items"], Value::Null);
    assert!(!log.text().contains("hush"), "{}", log.text());
}

#[tokio::test]
async fn search_over_a_slow_store_returns_what_it_has_before_the_deadline() {
    let (service, direct, _proxy) = Service::start_behind_proxy(&[Fault::Pass, Fault::Hang]).await;
    for number in 0..9 {
        direct.create(s3(&format!("acme-{number}"))).await;
    }
    let in_time = SystemTime::now() + Duration::from_millis(1500);
    let call = search(&json!({"filter": "nobody", "limit": 1}));
    let response = service.send_before(in_time, call).await.expect(200);
    assert!(SystemTime::now() < in_time);
    assert_eq!(
        (&response.data()["count"], &response.data()["scanned"]),
        (&json!(0), &json!(2))
    );
    let rest = search(&json!({"last_key": response.data()["last_key"]}));
    assert_eq!(direct.send(rest).await.expect(200).keys().len(), 7);

    let (service, ..) = Service::start_behind_proxy(&[Fault::Hang]).await;
    let in_time = SystemTime::now() + Duration::from_millis(1500);
    let failed = service.send_before(in_time, search(&json!({}))).await.expect(503);
    assert!(SystemTime::now() < in_time);
    assert!(!failed.error().contains("write"), "{}", failed.error());
}
