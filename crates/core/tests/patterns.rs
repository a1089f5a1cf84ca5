//! The ECMAScript patterns of the value types accept exactly what the types accept.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use proptest::{collection::vec, prelude::*, sample::select};
use regress::Regex;
use serde_json::json;
use tenant_core::{BucketName, BucketPrefix, DesiredLogs, Labels, LogGroupName, Partition, Region, RoleArn, TenantId};

fn matches(pattern: &str, text: &str) -> bool {
    Regex::with_flags(pattern, "u").unwrap().find(text).is_some()
}

/// Concatenations of these parts in any order: similar enough to valid texts that both kinds occur.
fn texts_of(parts: impl IntoIterator<Item = &'static str>, max_parts: usize) -> impl Strategy<Value = String> {
    let parts: Vec<_> = parts.into_iter().collect();
    vec(select(parts), 0..=max_parts).prop_map(|parts| parts.concat())
}

/// Texts of a length near the limit.
fn texts_of_length(limit: usize) -> impl Strategy<Value = String> {
    (limit.saturating_sub(2)..=limit + 2).prop_map(|length| "a".repeat(length))
}

fn regions() -> impl Strategy<Value = String> {
    let area = select(Region::AREAS.map(|(area, _)| area).to_vec());
    let direction = select(Region::DIRECTIONS.to_vec());
    let number = select(vec!["1", "9", "10", "99", "0", "01", "100", "", "x"]);
    let parts = [
        "us",
        "gov",
        "iso",
        "x",
        "toolongword",
        "-",
        "east",
        "north",
        "1",
        "0",
        " ",
        "\n",
    ];
    prop_oneof![
        (area, direction, number).prop_map(|(area, direction, number)| format!("{area}-{direction}-{number}")),
        texts_of(parts, 7),
    ]
}

fn role_arns() -> impl Strategy<Value = String> {
    let partition = select([&Partition::ALL.map(Partition::as_str)[..], &["aws-x", ""]].concat());
    let account = select(vec!["123456789012", "12345678901", "1234567890123", "12345678901a"]);
    let resource = prop_oneof![
        texts_of(["a", "/", ":", "+=,.@_-", "~", " ", "\u{e9}", "\n"], 6),
        "[ -~]{0,4}(/[ -~]{0,2}){0,2}/[a-z]?",
        texts_of(["a", "/", ".", "..", "...", "*", "?", "$", "{", "}", "\"", "\\"], 6),
        texts_of_length(64),
        (texts_of_length(510), "[a-z]{0,2}").prop_map(|(path, name)| format!("{path}/{name}")),
    ];
    (partition, account, select(vec!["role/", "user/", "role"]), resource)
        .prop_map(|(partition, account, kind, resource)| format!("arn:{partition}:iam::{account}:{kind}{resource}"))
}

fn bucket_names() -> impl Strategy<Value = String> {
    let parts = ["a", "z9", "0", "1.", ".", "-", "A", "_", "\u{e9}", "\n"];
    let reserved = [
        &BucketName::RESERVED_PREFIXES[..],
        &BucketName::RESERVED_SUFFIXES[..],
        &["a", "1", "."],
    ]
    .concat();
    prop_oneof![
        texts_of(parts, 8),
        texts_of(reserved, 3),
        texts_of_length(63),
        texts_of_length(3)
    ]
}

const CHARACTERS: [&str; 24] = [
    ".",
    "..",
    "s3://",
    "\u{ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2066}",
    "\u{3164}",
    "\u{fe0f}",
    "a",
    "/",
    " ",
    "#",
    "\u{85}",
    "\u{a0}",
    "\u{2003}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "\u{0}",
    "\t",
    "\u{7f}",
    "\u{1f600}",
];

#[test]
fn region_pattern_accepts_every_area_and_direction() {
    for (area, _) in Region::AREAS {
        for direction in Region::DIRECTIONS {
            let region = format!("{area}-{direction}-1");
            assert!(matches(Region::PATTERN, &region), "{region}");
        }
    }
}

#[test]
fn role_arn_pattern_accepts_every_partition() {
    for partition in Partition::ALL {
        let role = format!("arn:{partition}:iam::123456789012:role/a");
        assert!(matches(RoleArn::PATTERN, &role), "{role}");
    }
}

#[test]
fn bucket_name_pattern_rejects_every_reserved_prefix_and_suffix() {
    for prefix in BucketName::RESERVED_PREFIXES {
        assert!(!matches(BucketName::PATTERN, &format!("{prefix}logs")), "{prefix}");
    }
    for suffix in BucketName::RESERVED_SUFFIXES {
        assert!(!matches(BucketName::PATTERN, &format!("logs{suffix}")), "{suffix}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn region_pattern_equals_its_type(text in regions()) {
        prop_assert_eq!(matches(Region::PATTERN, &text), text.parse::<Region>().is_ok());
    }

    #[test]
    fn role_arn_pattern_equals_its_type(text in role_arns()) {
        prop_assert_eq!(matches(RoleArn::PATTERN, &text), text.parse::<RoleArn>().is_ok());
    }

    #[test]
    fn bucket_name_pattern_equals_its_type(text in bucket_names()) {
        prop_assert_eq!(matches(BucketName::PATTERN, &text), text.parse::<BucketName>().is_ok());
    }

    #[test]
    fn log_group_name_pattern_equals_its_type(
        text in prop_oneof![texts_of(["aws", "/", "a", "_-.#", "Z9", "*", ":", "\u{e9}", "\n"], 5), texts_of_length(512)],
    ) {
        prop_assert_eq!(matches(LogGroupName::PATTERN, &text), text.parse::<LogGroupName>().is_ok());
    }

    #[test]
    fn bucket_prefix_pattern_equals_its_type(text in texts_of(CHARACTERS, 4)) {
        prop_assert_eq!(matches(BucketPrefix::PATTERN, &text), text.parse::<BucketPrefix>().is_ok());
    }

    #[test]
    fn patterns_of_texts_know_every_character_up_to_ffff(character in prop::char::range('\0', '\u{ffff}')) {
        for text in [format!("a{character}b"), format!("{character}"), format!("{character}a"), format!("a{character}")] {
            prop_assert_eq!(matches(BucketPrefix::PATTERN, &text), text.parse::<BucketPrefix>().is_ok());
            prop_assert_eq!(matches(DesiredLogs::NAME_PATTERN, &text), DesiredLogs::parse(&json!([text])).is_ok());
        }
    }

    #[test]
    fn log_name_pattern_equals_its_type(text in texts_of(CHARACTERS, 4)) {
        let is_name = !text.is_empty() && DesiredLogs::parse(&json!([text])).is_ok();
        prop_assert_eq!(matches(DesiredLogs::NAME_PATTERN, &text), is_name);
    }

    #[test]
    fn label_patterns_equal_their_type(
        text in prop_oneof![texts_of(["a", "Z9", "0", ".", "_", "/", "-", " ", "\u{e9}", "\n"], 4), texts_of_length(Labels::MAX_CHARS)],
    ) {
        prop_assert_eq!(matches(Labels::KEY_PATTERN, &text), Labels::parse(&json!({ &text: "" })).is_ok());
        prop_assert_eq!(matches(Labels::TEXT_PATTERN, &text), Labels::parse(&json!({ "a": text })).is_ok());
    }

    #[test]
    fn tenant_id_pattern_equals_its_type(
        text in prop_oneof![texts_of(["a", "Z9", "_-", ".", " ", "\u{e9}", "\n"], 4), texts_of_length(TenantId::MAX_CHARS)],
    ) {
        prop_assert_eq!(matches(TenantId::PATTERN, &text), text.parse::<TenantId>().is_ok());
    }
}
