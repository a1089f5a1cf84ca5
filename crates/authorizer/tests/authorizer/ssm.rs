//! The real SSM client against a server that responds as SSM and its emulators do.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use authorizer::{
    Authorizer,
    config::Settings,
    keys::{KeySource, KeySourceError},
};
use lambda::chain;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    harness::{Decision, KEY, PREVIOUS_KEY, TestClock, capture_log, decide, fixture, own_lines},
    ssm_server::{Reply, SsmServer, found, parameter, rejected},
};

const NAME: &str = "/logging/api/psk";
const PREVIOUS: &str = "/logging/api/psk:previous";
const SECRET: &str = "/aws/reference/secretsmanager/logging-psk";
const PREVIOUS_SECRET: &str = "/aws/reference/secretsmanager/logging-psk:AWSPREVIOUS";

/// The versions that verify the request signed by the newest key and the one signed by the key before it.
async fn verified_by(server: &SsmServer, name: &str) -> [Option<String>; 2] {
    let authorizer = Authorizer::with_clock(server.source(name), Settings::default(), TestClock::new());
    let version = async |name| match decide(&authorizer, &fixture(name)).await.unwrap() {
        Decision::Allow(context) => context["keyVersion"].as_str().map(str::to_owned),
        Decision::Deny => None,
    };
    [
        version("get_without_query").await,
        version("signed_by_the_previous_key").await,
    ]
}

fn versions(current: &str, previous: Option<&str>) -> [Option<String>; 2] {
    [Some(current.to_owned()), previous.map(str::to_owned)]
}

async fn error_of(server: &SsmServer) -> KeySourceError {
    server.source(NAME).fetch().await.unwrap_err()
}

#[tokio::test]
async fn one_call_reads_the_newest_version_and_the_label_previous() {
    let server = SsmServer::start(|_| {
        found(
            &[
                parameter(NAME, KEY, 4, None),
                parameter(NAME, PREVIOUS_KEY, 2, Some(":previous")),
            ],
            &[],
        )
    })
    .await;
    assert_eq!(
        verified_by(&server, NAME).await,
        versions("current:4", Some("previous:2"))
    );
    assert_eq!(
        server.calls(),
        [json!({"Names": [NAME, PREVIOUS], "WithDecryption": true})]
    );
}

#[tokio::test]
async fn age_of_the_previous_key_is_that_of_the_newest_version() {
    for (newest, labelled, expected) in [
        (json!(1_705_228_200.123), json!(1.5), Some("previous:2")),
        (json!(1_700_000_000), json!(1_705_228_200), None),
        (Value::Null, json!(1_705_228_200), None),
    ] {
        let server = SsmServer::start(move |_| {
            let mut current = parameter(NAME, KEY, 4, None);
            current["LastModifiedDate"] = newest.clone();
            let mut previous = parameter(NAME, PREVIOUS_KEY, 2, Some(":previous"));
            previous["LastModifiedDate"] = labelled.clone();
            found(&[current, previous], &[])
        })
        .await;
        assert_eq!(verified_by(&server, NAME).await, versions("current:4", expected));
    }
}

#[tokio::test]
async fn only_outages_of_ssm_are_outages() {
    for (status, code, is_outage) in [
        (400, "ThrottlingException", true),
        (500, "InternalServerError", true),
        (503, "ServiceUnavailable", true),
        (400, "AccessDeniedException", false),
        (400, "UnrecognizedClientException", false),
        (400, "InvalidKeyId", false),
        (400, "ParameterNotFound", false),
        (400, "KMSInvalidStateException", false),
    ] {
        let server = SsmServer::start(move |_| rejected(status, code)).await;
        let error = error_of(&server).await;
        assert_eq!(error.is_outage(), is_outage, "{code}: {error}");
    }
    let server = SsmServer::start(|_| found(&[], &[NAME, PREVIOUS])).await;
    assert!(!error_of(&server).await.is_outage(), "the parameter was deleted");
    let server = SsmServer::start(|_| Reply::Json(200, json!("not a response"))).await;
    assert!(error_of(&server).await.is_outage());
}

#[tokio::test]
async fn order_of_the_response_does_not_matter() {
    let server = SsmServer::start(|_| {
        found(
            &[
                parameter(NAME, PREVIOUS_KEY, 5, Some(":previous")),
                parameter(NAME, KEY, 4, None),
            ],
            &[],
        )
    })
    .await;
    assert_eq!(
        verified_by(&server, NAME).await,
        versions("current:4", Some("previous:5"))
    );
}

#[tokio::test]
async fn missing_label_is_normal() {
    let server = SsmServer::start(|_| found(&[parameter(NAME, KEY, 1, None)], &[PREVIOUS])).await;
    assert_eq!(verified_by(&server, NAME).await, versions("current:1", None));
}

#[tokio::test]
async fn versions_identify_keys_when_an_emulator_omits_the_selector() {
    let server = SsmServer::start(|_| {
        found(
            &[parameter(NAME, PREVIOUS_KEY, 1, None), parameter(NAME, KEY, 2, None)],
            &[],
        )
    })
    .await;
    assert_eq!(
        verified_by(&server, NAME).await,
        versions("current:2", Some("previous:1"))
    );
}

#[tokio::test]
async fn label_on_the_newest_version_is_not_a_second_key() {
    let server = SsmServer::start(|_| {
        found(
            &[
                parameter(NAME, KEY, 4, None),
                parameter(NAME, KEY, 4, Some(":previous")),
            ],
            &[],
        )
    })
    .await;
    let keys = server.source(NAME).fetch().await.unwrap();
    assert!(format!("{keys:?}").contains("previous: None"), "{keys:?}");
}

#[tokio::test]
async fn value_with_a_line_end_is_the_key_without_it() {
    let value = [KEY, b"\n"].concat();
    let server = SsmServer::start(move |_| found(&[parameter(NAME, &value, 1, None)], &[PREVIOUS])).await;
    assert_eq!(verified_by(&server, NAME).await, versions("current:1", None));
}

#[tokio::test]
async fn secret_is_read_with_the_stage_awsprevious() {
    let server = SsmServer::start(|_| {
        let previous = parameter(SECRET, PREVIOUS_KEY, 0, Some(":AWSPREVIOUS"));
        found(&[previous, parameter(SECRET, KEY, 0, None)], &[])
    })
    .await;
    assert_eq!(
        verified_by(&server, SECRET).await,
        versions("current", Some("previous"))
    );
    assert_eq!(server.calls()[0]["Names"], json!([SECRET, PREVIOUS_SECRET]));
}

#[tokio::test]
async fn secret_that_was_never_rotated_is_read_with_any_response_of_ssm() {
    let listed = SsmServer::start(|_| found(&[parameter(SECRET, KEY, 0, None)], &[PREVIOUS_SECRET])).await;
    assert_eq!(verified_by(&listed, SECRET).await, versions("current", None));

    for code in ["ParameterNotFound", "ParameterVersionNotFound", "ValidationException"] {
        let rejecting = SsmServer::start(move |call| match call["Names"].as_array().unwrap().len() {
            1 => found(&[parameter(SECRET, KEY, 0, None)], &[]),
            _ => rejected(400, code),
        })
        .await;
        assert_eq!(
            verified_by(&rejecting, SECRET).await,
            versions("current", None),
            "{code}"
        );
        let names: Vec<Value> = rejecting.calls().iter().map(|call| call["Names"].clone()).collect();
        assert_eq!(
            names[..2],
            [json!([SECRET, PREVIOUS_SECRET]), json!([SECRET])],
            "{code}"
        );
    }
}

#[tokio::test]
async fn missing_parameter_is_named() {
    let server = SsmServer::start(|_| found(&[], &[NAME, PREVIOUS])).await;
    assert!(matches!(error_of(&server).await, KeySourceError::Missing(name) if name == NAME));
}

#[tokio::test]
async fn unusable_newest_value_is_an_error() {
    for value in ["", "\n", "short"] {
        let server = SsmServer::start(move |_| found(&[parameter(NAME, value.as_bytes(), 1, None)], &[])).await;
        assert!(
            matches!(error_of(&server).await, KeySourceError::Unusable { .. }),
            "{value:?}"
        );
    }
}

#[tokio::test]
async fn unusable_previous_value_is_ignored_with_a_warning() {
    let server = SsmServer::start(|_| {
        found(
            &[
                parameter(NAME, KEY, 2, None),
                parameter(NAME, b"short", 1, Some(":previous")),
            ],
            &[],
        )
    })
    .await;
    let log = capture_log();
    assert_eq!(verified_by(&server, NAME).await, versions("current:2", None));
    assert!(
        own_lines(&log)
            .iter()
            .any(|line| line["message"] == "the previous key is ignored")
    );
}

#[tokio::test]
async fn key_with_surrounding_blanks_or_a_byte_order_mark_is_reported_without_its_value() {
    for (value, expected) in [
        (&b" psk-0123456789abcdef\n"[..], "begins or ends with white space"),
        (b"\xef\xbb\xbfpsk-0123456789abcdef", "byte order mark"),
    ] {
        let server = SsmServer::start(move |_| found(&[parameter(NAME, value, 7, None)], &[PREVIOUS])).await;
        let log = capture_log();
        server.source(NAME).fetch().await.unwrap();
        let lines = own_lines(&log);
        let line = lines.iter().find(|line| line["event"] == "key_unusual").unwrap();
        assert!(line["cause"].as_str().unwrap().contains(expected), "{line}");
        assert_eq!((&line["parameter"], &line["version"]), (&json!(NAME), &json!(7)));
        assert!(
            !log.json_lines()
                .iter()
                .any(|line| line.to_string().contains("0123456789abcdef"))
        );
    }
}

#[tokio::test]
async fn throttled_read_is_tried_three_times() {
    let server = SsmServer::start(|_| rejected(400, "ThrottlingException")).await;
    assert!(matches!(error_of(&server).await, KeySourceError::Throttled(_)));
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn read_that_is_throttled_once_succeeds() {
    let throttles = AtomicBool::new(true);
    let server = SsmServer::start(move |_| {
        if throttles.swap(false, Ordering::Relaxed) {
            rejected(400, "ThrottlingException")
        } else {
            found(&[parameter(NAME, KEY, 1, None)], &[PREVIOUS])
        }
    })
    .await;
    assert!(server.source(NAME).fetch().await.is_ok());
}

#[tokio::test]
async fn server_errors_are_tried_three_times() {
    let server = SsmServer::start(|_| rejected(500, "InternalServerError")).await;
    assert!(matches!(error_of(&server).await, KeySourceError::Unavailable(_)));
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn denied_read_is_not_repeated_and_reports_why() {
    let server = SsmServer::start(|_| rejected(400, "AccessDeniedException")).await;
    let error = error_of(&server).await;
    assert!(matches!(error, KeySourceError::AccessDenied(_)));
    assert_eq!(
        chain(&error),
        "reading the parameter is denied: service error: unhandled error (AccessDeniedException): AccessDeniedException: the text of it"
    );
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn response_that_is_not_json_is_an_error() {
    let server = SsmServer::start(|_| Reply::Json(200, json!("not a response"))).await;
    assert!(server.source(NAME).fetch().await.is_err());
}

#[tokio::test]
async fn closed_port_is_an_error_at_once() {
    let server = SsmServer::start(|_| Reply::Hang).await;
    let source = server.source(NAME);
    drop(server);
    tokio::task::yield_now().await;
    let began = Instant::now();
    assert!(matches!(source.fetch().await, Err(KeySourceError::Unavailable(_))));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn hanging_server_times_out_within_the_function_timeout() {
    let server = SsmServer::start(|_| Reply::Hang).await;
    let source = server.source(NAME);
    let began = Instant::now();
    assert!(matches!(source.fetch().await, Err(KeySourceError::TimedOut)));
    assert!(began.elapsed() < Duration::from_millis(4_200), "{:?}", began.elapsed());
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn failing_ssm_is_a_function_error() {
    let server = SsmServer::start(|_| rejected(400, "AccessDeniedException")).await;
    let authorizer = Authorizer::with_clock(server.source(NAME), Settings::default(), TestClock::new());
    let error = decide(&authorizer, &fixture("get_without_query")).await.unwrap_err();
    assert_eq!(error.kind, "KeysUnavailable");
}
