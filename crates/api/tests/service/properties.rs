//! Random input to the function: it never causes a 500, and an invalid event fails the invocation with its own error.

use std::sync::LazyLock;

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::harness::{Call, Service, s3};

/// One service for all cases: the data that they leave behind is part of the randomness.
static SERVICE: LazyLock<(Runtime, Service)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(async {
        let service = Service::start().await;
        service.create(s3("acme")).await;
        service
    });
    (runtime, service)
});

/// The status of the response, if the event is valid.
fn status_of(event: &[u8]) -> Option<u64> {
    let (runtime, service) = &*SERVICE;
    match runtime.block_on(service.invoke(event)) {
        Ok(response) => serde_json::from_slice::<Value>(&response).unwrap()["statusCode"].as_u64(),
        Err(error) => {
            assert_eq!(error.kind, "InvalidEvent");
            None
        }
    }
}

/// Whether the event has the context of this service's authorizer. Without it, the service is deployed wrongly: a 500.
fn is_authorized(event: &Value) -> bool {
    event["requestContext"]["authorizer"]["keyVersion"]
        .as_str()
        .is_some_and(|version| !version.is_empty())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![Just("s3"), Just("cloudwatch"), Just("acme"), Just("acme-corp-logs")].prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any_name(), inner), 0..6).prop_map(|members| Value::from(Map::from_iter(members))),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop_oneof![
            Just("tenant_id"),
            Just("type"),
            Just("bucket_name"),
            Just("bucket_prefix"),
            Just("log_group_name"),
            Just("log_distribution_role_arn"),
            Just("target_region"),
            Just("enabled"),
            Just("desired_logs"),
            Just("labels"),
            Just("ttl"),
            Just("httpMethod"),
            Just("path"),
            Just("headers"),
            Just("multiValueHeaders"),
            Just("requestContext"),
            Just("authorizer"),
        ]
        .prop_map(str::to_owned),
    ]
}

fn any_method() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop_oneof![Just("GET"), Just("HEAD"), Just("POST"), Just("PUT"), Just("PATCH"), Just("DELETE"), Just("OPTIONS")]
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/api/v1/delivery-configs".to_owned()),
        Just("/api/v1/tenants/acme/delivery-configs".to_owned()),
        Just("/api/v1/tenants/acme/delivery-configs/s3".to_owned()),
        Just("/api/v1/tenants/acme/delivery-configs/s3/validate".to_owned()),
        any::<String>().prop_map(|name| format!("/api/v1/tenants/{name}/delivery-configs")),
        any::<String>().prop_map(|name| format!("/api/v1/tenants/acme/delivery-configs/{name}")),
        any::<String>(),
    ]
}

fn any_header() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        Just("If-Match"),
        Just("If-None-Match"),
        Just("Content-Type"),
        Just("Content-Encoding"),
        Just("X-Body-SHA256"),
        Just("Host"),
        Just("Origin"),
    ];
    let value = prop_oneof![
        any::<String>(),
        Just("*".to_owned()),
        "\"[0-9]{1,3}\"",
        Just("application/json".to_owned())
    ];
    prop_oneof![4 => (name.prop_map(str::to_owned), value), 1 => (any::<String>(), any::<String>())]
}

fn any_query() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![Just("limit".to_owned()), Just("last_key".to_owned()), any::<String>()];
    let value = prop_oneof![
        any::<String>(),
        "[0-9]{1,4}",
        "[a-z]{1,4}#(s3|cloudwatch)",
        "=[a-z%#]{1,6}#=[a-z%]{1,6}"
    ];
    (name, value)
}

proptest! {
    #[test]
    fn random_bytes_are_not_an_event(event in vec(any::<u8>(), 0..512)) {
        prop_assert_eq!(status_of(&event), None);
    }

    #[test]
    fn random_json_never_causes_a_500(event in any_json()) {
        let status = status_of(event.to_string().as_bytes());
        prop_assert!(!is_authorized(&event) || status.is_none_or(|status| status < 500), "{:?}", status);
    }

    #[test]
    fn random_event_parts_never_cause_a_500(name in any_name(), part in any_json()) {
        let mut event = Call::get("/api/v1/delivery-configs").into_event();
        event[name] = part;
        let status = status_of(event.to_string().as_bytes());
        prop_assert!(!is_authorized(&event) || status.is_none_or(|status| status < 500), "{:?}", status);
    }

    #[test]
    fn random_requests_never_cause_a_500(
        method in any_method(),
        path in any_path(),
        query in vec(any_query(), 0..4),
        headers in vec(any_header(), 0..4),
        body in option::of(prop_oneof![any_json().prop_map(|body| body.to_string()), any::<String>()]),
        is_base64 in any::<bool>(),
    ) {
        let call = query.iter().fold(Call::new(&method, &path), |call, (name, value)| call.query(name, value));
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        let call = body.iter().fold(call, |call, body| call.body(body));
        let mut event = call.into_event();
        event["isBase64Encoded"] = json!(is_base64);
        let status = status_of(event.to_string().as_bytes());
        prop_assert!(status.is_none_or(|status| status < 500), "{:?}: {}", status, event);
    }

    #[test]
    fn random_bodies_never_cause_a_500(members in vec((any_name(), any_json()), 0..8)) {
        let body = Value::from(Map::from_iter(members));
        for call in [
            Call::post("/api/v1/tenants/acme/delivery-configs"),
            Call::put("/api/v1/tenants/acme/delivery-configs/s3"),
            Call::patch("/api/v1/tenants/acme/delivery-configs/s3"),
        ] {
            let status = status_of(call.json(&body).into_event().to_string().as_bytes());
            prop_assert!(status.is_some_and(|status| status < 500), "{:?}: {}", status, body);
        }
    }
}
