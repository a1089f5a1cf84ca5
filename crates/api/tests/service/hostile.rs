//! Malicious input: it never causes a 500 or a panic, and never reaches other data.

use serde_json::{Value, json};

use crate::harness::{Call, LIST, Service, config_path, s3, tenant_path};

const FIELDS: [&str; 13] = [
    "tenant_id",
    "type",
    "log_distribution_role_arn",
    "log_group_name",
    "bucket_name",
    "bucket_prefix",
    "target_region",
    "enabled",
    "desired_logs",
    "labels",
    "ttl",
    "created_at",
    "updated_at",
];

#[tokio::test]
async fn invalid_host_is_ignored() {
    let service = Service::start().await;
    for host in [
        "",
        "%%%",
        "[::1",
        "a b",
        "evil.example:99999",
        "http://x/",
        "..",
        "a@b:c",
        "é",
        &"x".repeat(5000),
    ] {
        let mut event = Call::get(LIST).into_event();
        event["headers"] = json!({"Host": host, "X-Forwarded-Proto": "x y"});
        event["multiValueHeaders"] = json!({"Host": [host, host], "X-Forwarded-Proto": ["x y"]});
        let response: Value =
            serde_json::from_slice(&service.invoke(event.to_string().as_bytes()).await.unwrap()).unwrap();
        assert_eq!(response["statusCode"], 200, "{host}");
    }
}

#[tokio::test]
async fn path_never_reaches_another_route_or_tenant() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    for (path, status) in [
        ("/api/v1/tenants/%2e%2e/delivery-configs", 400),
        ("/api/v1/tenants/../delivery-configs", 400),
        ("/api/v1/tenants/x/../acme/delivery-configs", 404),
        ("/api/v1/tenants/x%2F..%2Facme/delivery-configs", 400),
        ("/api/v1/tenants/./acme/delivery-configs", 404),
        ("/api/v1//delivery-configs", 404),
        ("//api/v1/delivery-configs", 404),
        ("//evil.example/api/v1/delivery-configs", 404),
        ("/api/v1/tenants//delivery-configs", 400),
        ("/api/v1/tenants/a\\b/delivery-configs", 400),
        ("/api/v1/tenants/a%5Cb/delivery-configs", 400),
        ("/api/v1/tenants/\0/delivery-configs", 400),
        ("/api/v1/tenants/%00/delivery-configs", 400),
        ("/api/v1/tenants/%/delivery-configs", 400),
        ("/api/v1/tenants/%zz/delivery-configs", 400),
        ("/api/v1/tenants/%ff%fe/delivery-configs", 400),
        ("/api/v1/tenants/%0d%0aX-Evil:%201/delivery-configs", 400),
        ("/api/v1/tenants/{tenant_id}/delivery-configs", 400),
        ("/api/v1/tenants/acme;x=1/delivery-configs", 400),
        ("/api/v1/delivery-configs;x=1", 404),
        ("/api/v1/delivery-configs?limit=x", 404),
        ("/api/v1/delivery-configs#x", 404),
        ("/API/V1/delivery-configs", 404),
        ("http://x/api/v1/delivery-configs", 400),
        ("api/v1/delivery-configs", 400),
        ("*", 404),
        ("", 400),
    ] {
        let response = service.send(Call::get(path)).await.expect(status);
        assert!(!response.body.to_string().contains("acme-corp-logs"), "{path}");
    }
    let long = format!("/api/v1/tenants/{}/delivery-configs", "a".repeat(60_000));
    service.send(Call::get(&long)).await.expect(400);
    service.send(Call::get(&"/a".repeat(40_000))).await.expect(400);
}

#[tokio::test]
async fn ten_thousand_parameters_return_400() {
    let service = Service::start().await;
    let short = (0..10_000).fold(Call::get(LIST), |call, _| call.query("a", ""));
    service.send(short).await.expect(400);
    let long = (0..10_000).fold(Call::get(LIST), |call, number| {
        call.query(&format!("parameter-{number}"), "1")
    });
    service.send(long).await.expect(400);
    let limits = (0..10_000).fold(Call::get(LIST), |call, _| call.query("limit", "1"));
    service.send(limits).await.expect(400);
}

#[tokio::test]
async fn no_type_of_value_causes_a_500() {
    let service = Service::start().await;
    let long = "a".repeat(10_000);
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("x"),
        json!("\0"),
        json!("\u{1f600}"),
        json!(long),
        json!([]),
        json!([[]]),
        json!([null, 1, ""]),
        json!({}),
        json!({"a": {}}),
    ];
    for field in FIELDS {
        service.create(s3("acme")).await;
        for value in &values {
            let mut config = s3("acme");
            config[field] = value.clone();
            let create = service.send(Call::post(&tenant_path("acme")).json(&config)).await;
            assert!([400, 409, 422].contains(&create.status), "{field} {value}: {create:?}");
            for method in ["PUT", "PATCH"] {
                for body in [&config, &json!({field: value})] {
                    let update = service
                        .send(Call::new(method, &config_path("acme", "s3")).json(body))
                        .await;
                    assert!([200, 400, 422].contains(&update.status), "{field} {value}: {update:?}");
                }
            }
        }
        service.send(Call::delete(&config_path("acme", "s3"))).await.expect(200);
    }
}

#[tokio::test]
async fn no_body_causes_a_500_or_a_huge_response() {
    let service = Service::start().await;
    let many: serde_json::Map<_, _> = (0..6500).map(|number| (format!("{number:x}"), 1.into())).collect();
    for body in [
        "[".repeat(60_000),
        r#"{"a":"#.repeat(10_000),
        format!(r#"{{"desired_logs":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000)),
        r#"{"type":"s3","bucket_name":"a\u0000b"}"#.to_owned(),
        r#"{"type":"s3","bucket_name":"a\ud800b"}"#.to_owned(),
        format!(r#"{{"ttl":{}}}"#, "9".repeat(60_000)),
        r#"{"ttl":1e999}"#.to_owned(),
        r#"{"ttl":-0}"#.to_owned(),
        Value::Object(many).to_string(),
        format!(r#"{{"{}":1}}"#, "a".repeat(60_000)),
        format!(r#"{{"tenant_id":"{}"}}"#, "a".repeat(60_000)),
        format!(r#"{{"desired_logs":["{}"]}}"#, "a\",\"".repeat(12_000)),
        "\0".repeat(64 * 1024),
    ] {
        for call in [
            Call::post(&tenant_path("acme")),
            Call::put(&config_path("acme", "s3")),
            Call::patch(&config_path("acme", "s3")),
        ] {
            let response = service.send(call.body(&body)).await;
            assert!([400, 404, 422].contains(&response.status), "{response:?}");
            // An error for each unknown field, and the response within the limit of Lambda.
            assert!(response.body.to_string().len() < 2_000_000);
        }
    }
    assert_eq!(service.send(Call::get(LIST)).await.data()["count"], 0);
}

#[tokio::test]
async fn no_header_value_causes_a_500() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let long = "x".repeat(8000);
    let list = "\"1\",".repeat(2500);
    for name in [
        "If-Match",
        "If-None-Match",
        "Content-Type",
        "Content-Encoding",
        "Content-Length",
        "X-Body-SHA256",
        "Origin",
        "Transfer-Encoding",
        "Expect",
        "Range",
        "X-HTTP-Method-Override",
    ] {
        for value in [
            "",
            " ",
            "\t",
            "\u{ff}\u{fe}",
            "a\tb",
            "\"",
            "W/",
            "*",
            "-1",
            &long,
            &list,
        ] {
            for call in [
                Call::get(&config_path("acme", "s3")),
                Call::patch(&config_path("acme", "s3")).body(r#"{"enabled":true}"#),
            ] {
                let response = service.send(call.header(name, value)).await;
                assert!(response.status < 500, "{name}: {value}: {response:?}");
            }
        }
    }
}
