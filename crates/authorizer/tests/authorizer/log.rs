//! What is logged, and what must never be logged.

use authorizer::{Authorizer, config::Settings};
use serde_json::Value;

use crate::{
    harness::{
        KEY, PREVIOUS_KEY, Script, ScriptedSource, TestClock, authorizer, capture_log, decide, fixture, own_lines,
        request_lines,
    },
    ssm_server::{SsmServer, found, parameter},
};

#[tokio::test]
async fn allowed_request_leaves_one_line_with_reason_key_version_and_ids() {
    let authorizer = authorizer(Settings::default());
    // Reading the previous key has a line of its own.
    authorizer.prefetch().await.unwrap();
    let log = capture_log();
    decide(&authorizer, &fixture("get_without_query")).await.unwrap();
    let lines = own_lines(&log);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["decision"], "allow");
    assert_eq!(lines[0]["reason"], "verified");
    assert_eq!(lines[0]["key_version"], "current:3");
    assert_eq!(lines[0]["request_id"], "3f2b7c1e-58d4-4a0c-9c7e-0d1e2f3a4b5c");
    assert_eq!(lines[0]["extended_request_id"], "RjJ4dGVuZGVkPQ=");
    assert_eq!(lines[0]["lambda_request_id"], "lambda-request-1");
    assert_eq!(lines[0]["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(lines[0]["cold_start"], false);
    assert!(lines[0]["duration_ms"].is_f64());
}

#[tokio::test]
async fn denied_request_leaves_one_warning_with_reason_and_ids() {
    let authorizer = authorizer(Settings::default());
    // Reading the previous key has a line of its own.
    authorizer.prefetch().await.unwrap();
    let log = capture_log();
    decide(&authorizer, &fixture("signature_wrong")).await.unwrap();
    let lines = request_lines(&log);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(lines[0]["decision"], "deny");
    assert_eq!(lines[0]["reason"], "wrong_signature");
    assert_eq!(lines[0]["key_version"], Value::Null);
    assert_eq!(lines[0]["request_id"], "3f2b7c1e-58d4-4a0c-9c7e-0d1e2f3a4b5c");
    assert_eq!(lines[0]["lambda_request_id"], "lambda-request-1");
}

#[tokio::test]
async fn missing_keys_are_logged_with_their_cause() {
    let source = ScriptedSource::new([Script::Failure]);
    let authorizer = Authorizer::with_clock(source, Settings::default(), TestClock::new());
    let log = capture_log();
    decide(&authorizer, &fixture("get_without_query")).await.unwrap_err();
    let [cause, request] = &own_lines(&log)[..] else {
        panic!("{}", log.text())
    };
    assert_eq!((&cause["level"], &request["level"]), (&"ERROR".into(), &"ERROR".into()));
    assert_eq!(cause["cause"], "reading the parameter took too long");
    assert_eq!(request.get("cause"), None, "a cause is logged once");
    assert_eq!(
        (&request["decision"], &request["reason"]),
        (&"none".into(), &"keys_unavailable".into())
    );
    assert_eq!(request["request_id"], "3f2b7c1e-58d4-4a0c-9c7e-0d1e2f3a4b5c");
}

/// Every crate logs here, the SDK's and its HTTP client's included, at a level that production never uses.
#[tokio::test]
async fn no_key_signature_or_header_is_logged_at_any_level() {
    let log = capture_log();
    let name = "/logging/api/psk";
    let server = SsmServer::start(move |_| {
        found(
            &[
                parameter(name, KEY, 2, None),
                parameter(name, PREVIOUS_KEY, 1, Some(":previous")),
            ],
            &[],
        )
    })
    .await;
    let source = server.source(name);
    let authorizer = Authorizer::with_clock(source, Settings::default(), TestClock::new());
    authorizer.prefetch().await.unwrap();
    let fixtures = [
        "get_without_query",
        "post_with_body_digest",
        "signed_by_the_previous_key",
        "signature_wrong",
        "another_scheme",
        "timestamp_expired",
        "timestamp_with_an_invalid_date",
        "http_api",
        "authorization_joined_by_a_comma",
    ];
    for name in fixtures {
        let _ = decide(&authorizer, &fixture(name)).await;
    }

    let text = log.text();
    assert!(
        text.contains("TRACE") && text.contains("aws_smithy_runtime"),
        "the SDK's lines are not captured"
    );
    assert!(
        text.contains("current:2") && text.contains("wrong_signature"),
        "the authorizer's lines are not captured"
    );
    for key in [KEY, PREVIOUS_KEY] {
        assert!(!text.contains(str::from_utf8(key).unwrap()), "a key was logged");
    }
    for name in fixtures {
        let event: Value = serde_json::from_slice(&fixture(name)).unwrap();
        for header in ["Authorization", "X-API-Timestamp", "X-Body-SHA256"] {
            let Some(value) = event["headers"][header].as_str() else {
                continue;
            };
            assert!(!text.contains(value), "{header} of {name} was logged");
            let signature = value.rsplit(' ').next().unwrap();
            assert!(!text.contains(signature), "{header} of {name} was logged");
        }
    }
}
