//! One fixture for each case of the design: the authorizer's response and its log.

use std::{collections::BTreeSet, fs, path::Path};

use authorizer::config::Settings;
use serde_json::{Value, json};

use crate::harness::{Decision, authorizer, capture_log, decide, fixture, request_lines};

/// The digest of the body that the fixtures with a body bind.
const BODY_SHA256: &str = "b3e61b768747682df675a32d916dbeeb8971ebde9941f97f55bc9bec626bddb7";

const ALLOWED: [&str; 26] = [
    "get_without_query",
    "stage_in_the_signed_path",
    "custom_domain",
    "custom_domain_with_base_path",
    "base_path_left_out_of_the_signature",
    "query_in_canonical_order",
    "query_in_the_clients_order",
    "query_with_the_stage",
    "query_unencoded",
    "query_form_encoded",
    "query_with_plus_for_a_space",
    "query_with_a_repeated_name",
    "timestamp_with_microseconds",
    "timestamp_with_offset",
    "timestamp_in_local_time",
    "timestamp_without_an_offset",
    "body_digest_empty",
    "post_with_an_empty_body_digest",
    "authorization_with_several_spaces",
    "header_names_as_go_writes_them",
    "post_without_body_digest",
    "header_names_in_lower_case",
    "headers_in_the_single_map_only",
    "headers_in_the_multi_value_map_only",
    "scheme_in_lower_case_and_hex_in_upper_case",
    "method_in_lower_case",
];

const DENIED: [(&str, &str); 31] = [
    ("authorization_missing", "authorization_missing"),
    ("authorization_null", "authorization_missing"),
    ("timestamp_missing", "timestamp_missing"),
    ("authorization_repeated", "authorization_repeated"),
    ("authorization_repeated_in_another_case", "authorization_repeated"),
    ("timestamp_repeated", "timestamp_repeated"),
    ("body_digest_repeated", "body_digest_repeated"),
    ("authorization_joined_by_a_comma", "authorization_has_comma"),
    ("timestamp_joined_by_a_comma", "timestamp_has_comma"),
    ("another_scheme", "wrong_scheme"),
    ("signature_too_short", "signature_malformed"),
    ("signature_wrong", "wrong_signature"),
    ("timestamp_expired", "timestamp_expired"),
    ("timestamp_in_the_future", "timestamp_in_future"),
    ("timestamp_with_the_name_of_a_zone", "timestamp_malformed"),
    ("timestamp_in_local_time_without_an_offset", "timestamp_in_future"),
    ("base_path_that_the_route_contains", "wrong_signature"),
    ("timestamp_with_an_invalid_date", "timestamp_not_a_date"),
    ("body_digest_stripped", "wrong_signature"),
    ("body_digest_added", "wrong_signature"),
    ("body_digest_malformed", "body_digest_malformed"),
    ("query_left_out_of_the_signature", "wrong_signature"),
    ("query_with_another_value", "wrong_signature"),
    ("query_of_17_values", "too_many_query_pairs"),
    ("query_of_17_names", "too_many_query_pairs"),
    ("path_with_an_encoded_dot_segment", "uri_dot_segment"),
    ("path_with_a_double_slash", "uri_double_slash"),
    ("path_decoded_with_a_nul", "uri_control_byte"),
    ("path_decoded_with_a_question_mark", "uri_delimiter_in_path"),
    ("path_that_is_a_pattern", "resource_is_pattern"),
    ("method_with_a_digit", "method_malformed"),
];

const INVALID: [&str; 11] = [
    "token_authorizer",
    "event_of_another_type",
    "http_api",
    "query_in_the_single_map_only",
    "query_with_a_name_in_the_single_map_only",
    "query_without_a_value",
    "method_arn_with_wildcards",
    "method_arn_missing",
    "path_null",
    "authorization_of_another_type",
    "scheduled_event",
];

/// Fixtures with a test of their own.
const OTHERS: [&str; 3] = [
    "post_with_body_digest",
    "post_with_body_digest_in_upper_case",
    "signed_by_the_previous_key",
];

#[test]
fn every_fixture_is_used() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authorizer/fixtures");
    let name = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    let present: BTreeSet<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| name(entry.unwrap()))
        .collect();
    let denied = DENIED.iter().map(|(name, _)| *name);
    let used = ALLOWED.into_iter().chain(denied).chain(INVALID).chain(OTHERS);
    assert_eq!(present, used.map(str::to_owned).collect());
}

#[tokio::test]
async fn verified_request_is_allowed_with_the_version_of_its_key() {
    let authorizer = authorizer(Settings::default());
    let context = json!({"authMethod": "HMAC-SHA256", "keyVersion": "current:3"});
    for name in ALLOWED {
        let decision = decide(&authorizer, &fixture(name)).await;
        assert_eq!(decision, Ok(Decision::Allow(context.clone())), "{name}");
    }
}

#[tokio::test]
async fn request_signed_by_the_previous_key_is_allowed_with_its_version() {
    let context = json!({"authMethod": "HMAC-SHA256", "keyVersion": "previous:2"});
    let decision = decide(&authorizer(Settings::default()), &fixture("signed_by_the_previous_key")).await;
    assert_eq!(decision, Ok(Decision::Allow(context)));
}

#[tokio::test]
async fn signed_body_digest_is_passed_on_in_lower_case() {
    let context = json!({"authMethod": "HMAC-SHA256", "keyVersion": "current:3", "bodySha256": BODY_SHA256});
    let authorizer = authorizer(Settings::default());
    for name in ["post_with_body_digest", "post_with_body_digest_in_upper_case"] {
        let decision = decide(&authorizer, &fixture(name)).await;
        assert_eq!(decision, Ok(Decision::Allow(context.clone())), "{name}");
    }
}

#[tokio::test]
async fn invalid_request_is_denied_and_its_reason_is_logged() {
    let authorizer = authorizer(Settings::default());
    for (name, reason) in DENIED {
        let log = capture_log();
        assert_eq!(decide(&authorizer, &fixture(name)).await, Ok(Decision::Deny), "{name}");
        let lines = request_lines(&log);
        assert_eq!(lines.len(), 1, "{name}");
        assert_eq!(lines[0]["reason"], reason, "{name}");
    }
}

#[tokio::test]
async fn invalid_event_is_an_error() {
    let authorizer = authorizer(Settings::default());
    for name in INVALID {
        let error = decide(&authorizer, &fixture(name)).await.unwrap_err();
        assert_eq!(error.kind, "InvalidEvent", "{name}");
        assert!(!error.message.contains("HMAC-SHA256"), "{name}: {error}");
    }
}

#[tokio::test]
async fn malformed_event_is_an_error_that_does_not_quote_it() {
    let authorizer = authorizer(Settings::default());
    let mut cut = fixture("get_without_query");
    cut.truncate(400);
    let secret = br#"{"type":"REQUEST","methodArn":"secret","httpMethod":{"secret":"secret"}}"#;
    let twice = br#"{"type":"REQUEST","type":"REQUEST"}"#;
    for event in [
        &b""[..],
        b"null",
        b"[]",
        b"{}",
        b"\"secret\"",
        b"{\"secret\":",
        b"\xff\xfe",
        &cut,
        secret,
        twice,
    ] {
        let error = decide(&authorizer, event).await.unwrap_err();
        assert_eq!(error.kind, "InvalidEvent");
        assert!(!error.message.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn null_maps_mean_no_headers_and_no_query() {
    let authorizer = authorizer(Settings::default());
    let mut event: Value = serde_json::from_slice(&fixture("get_without_query")).unwrap();
    for map in ["queryStringParameters", "multiValueQueryStringParameters"] {
        assert_eq!(event[map], Value::Null);
        event[map] = json!({});
    }
    assert!(matches!(
        decide(&authorizer, event.to_string().as_bytes()).await,
        Ok(Decision::Allow(_))
    ));
    for map in ["headers", "multiValueHeaders"] {
        event[map] = Value::Null;
    }
    assert_eq!(
        decide(&authorizer, event.to_string().as_bytes()).await,
        Ok(Decision::Deny)
    );
}

#[tokio::test]
async fn mandatory_body_digest_applies_to_post_put_and_patch_only() {
    let authorizer = authorizer(Settings {
        require_body_digest: true,
        ..Settings::default()
    });
    let log = capture_log();
    assert_eq!(
        decide(&authorizer, &fixture("post_without_body_digest")).await,
        Ok(Decision::Deny)
    );
    assert_eq!(request_lines(&log)[0]["reason"], "body_digest_missing");
    let log = capture_log();
    assert_eq!(
        decide(&authorizer, &fixture("post_with_an_empty_body_digest")).await,
        Ok(Decision::Deny)
    );
    assert_eq!(request_lines(&log)[0]["reason"], "body_digest_missing");
    for name in ["post_with_body_digest", "get_without_query"] {
        assert!(
            matches!(decide(&authorizer, &fixture(name)).await, Ok(Decision::Allow(_))),
            "{name}"
        );
    }
    for (method, is_bound) in [
        ("PUT", true),
        ("PATCH", true),
        ("patch", true),
        ("DELETE", false),
        ("HEAD", false),
    ] {
        let log = capture_log();
        let mut event: Value = serde_json::from_slice(&fixture("post_without_body_digest")).unwrap();
        event["httpMethod"] = json!(method);
        assert_eq!(
            decide(&authorizer, event.to_string().as_bytes()).await,
            Ok(Decision::Deny)
        );
        let reason = if is_bound {
            "body_digest_missing"
        } else {
            "wrong_signature"
        };
        assert_eq!(request_lines(&log)[0]["reason"], reason, "{method}");
    }
}
