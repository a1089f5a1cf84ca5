//! No input is ever allowed without a signature, and none causes a panic.

use authorizer::config::Settings;
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value};

use crate::harness::{Decision, authorizer, decide, fixture};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

/// Any JSON, with the names that the authorizer reads among its keys.
fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        Just("REQUEST".to_owned()),
        Just("GET".to_owned()),
        Just("/api/v1/delivery-configs".to_owned()),
        Just("2024-01-15T10:30:00Z".to_owned()),
        Just("arn:aws:execute-api:us-east-1:123456789012:a/b/GET/c".to_owned()),
        "(HMAC-SHA256 )?[0-9a-f]{64}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let members = proptest::collection::vec((name(), inner.clone()), 0..8);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::Array),
            members.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    const NAMES: [&str; 13] = [
        "type",
        "methodArn",
        "httpMethod",
        "path",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "requestContext",
        "requestId",
        "Authorization",
        "x-api-timestamp",
        "X-Body-SHA256",
    ];
    prop_oneof![4 => proptest::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

/// Every place in a JSON value, by its path.
fn places(value: &Value) -> Vec<String> {
    let mut places = Vec::new();
    let mut rest = vec![(String::new(), value)];
    while let Some((path, value)) = rest.pop() {
        match value {
            Value::Object(members) => {
                let escape = |name: &str| name.replace('~', "~0").replace('/', "~1");
                rest.extend(
                    members
                        .iter()
                        .map(|(name, value)| (format!("{path}/{}", escape(name)), value)),
                );
            }
            Value::Array(items) => {
                rest.extend(
                    items
                        .iter()
                        .enumerate()
                        .map(|(at, value)| (format!("{path}/{at}"), value)),
                );
            }
            _ => {}
        }
        places.push(path);
    }
    places
}

proptest! {
    #[test]
    fn random_bytes_are_never_allowed(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(run(decide(&authorizer(Settings::default()), &bytes)).is_err());
    }

    #[test]
    fn random_json_is_never_allowed(event in json()) {
        let decision = run(decide(&authorizer(Settings::default()), event.to_string().as_bytes()));
        prop_assert!(!matches!(decision, Ok(Decision::Allow(_))));
    }

    /// An event with the required parts; everything else is random.
    #[test]
    fn random_parts_of_an_event_are_never_allowed(
        method in any::<String>(), path in "(/[ -~]{0,9}){0,4}|[^a]{0,9}", headers in json(), more_headers in json(),
        query in json(), context in json(),
    ) {
        let mut event: Value = serde_json::from_slice(&fixture("get_without_query")).unwrap();
        event["httpMethod"] = method.into();
        event["path"] = path.into();
        event["headers"] = headers;
        event["multiValueHeaders"] = more_headers;
        event["multiValueQueryStringParameters"] = query;
        event["requestContext"] = context;
        let decision = run(decide(&authorizer(Settings::default()), event.to_string().as_bytes()));
        prop_assert!(!matches!(decision, Ok(Decision::Allow(_))));
    }

    #[test]
    fn changed_byte_of_an_event_does_not_panic(at in any::<Index>(), byte in any::<u8>()) {
        let mut event = fixture("query_in_canonical_order");
        *at.get_mut(&mut event) = byte;
        // Most bytes are not signed; the scheme's own property tests cover those that are.
        let _ = run(invoke_authorizer(&event));
    }

    #[test]
    fn replaced_part_of_an_event_does_not_panic(at in any::<Index>(), value in json()) {
        let mut event: Value = serde_json::from_slice(&fixture("query_in_canonical_order")).unwrap();
        let places = places(&event);
        let place = at.get(&places);
        *event.pointer_mut(place).unwrap() = value;
        let _ = run(invoke_authorizer(event.to_string().as_bytes()));
    }
}

async fn invoke_authorizer(event: &[u8]) -> Result<Vec<u8>, lambda::HandlerError> {
    use lambda::Handler;
    authorizer(Settings::default())
        .invoke(event, &crate::harness::invocation())
        .await
}
