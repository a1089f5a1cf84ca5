use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::*;
use crate::config::Field;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

fn parse(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn canonical(text: &str) -> String {
    parse(text).to_string()
}

fn error(text: &str) -> FilterError {
    let parsed = text.parse::<Filter>();
    parsed.map_or_else(|error| error, |filter| panic!("{text} is the filter {filter}"))
}

fn stored(attributes: Value) -> StoredConfig {
    let Value::Object(attributes) = attributes else {
        unreachable!("the tests pass objects")
    };
    StoredConfig::from_attributes(attributes)
}

/// Whether a configuration with these attributes matches.
fn matches(filter: &str, attributes: Value) -> bool {
    parse(filter).matches(&stored(attributes), NOW)
}

#[test]
fn canonical_form_shows_how_a_filter_was_read() {
    for (text, expected) in [
        ("", ""),
        (" \t\n", ""),
        ("acme", r#""acme""#),
        ("'acme' \"corp\"", r#""acme" AND "corp""#),
        ("acme corp OR globex", r#""acme" AND ("corp" OR "globex")"#),
        ("a AND b OR c AND d", r#""a" AND ("b" OR "c") AND "d""#),
        ("(a AND b) OR c", r#"("a" AND "b") OR "c""#),
        ("(a b) AND (c (d))", r#""a" AND "b" AND "c" AND "d""#),
        ("((a OR (b OR c)))", r#""a" OR "b" OR "c""#),
        ("-acme", r#"NOT "acme""#),
        ("NOT acme", r#"NOT "acme""#),
        ("NOT(a OR b)", r#"NOT ("a" OR "b")"#),
        ("-(a b)", r#"NOT ("a" AND "b")"#),
        ("NOT (NOT a)", r#""a""#),
        ("-(-(a b)) c", r#""a" AND "b" AND "c""#),
        ("a AND(b)", r#""a" AND "b""#),
        ("ANDROID ORACLE NOTHING", r#""ANDROID" AND "ORACLE" AND "NOTHING""#),
        ("type=s3", r#"type = "s3""#),
        ("type  =  's3'", r#"type = "s3""#),
        ("bucket_name != \"acme-*\"", r#"bucket_name != "acme-*""#),
        ("bucket_name = '*-logs'", r#"bucket_name = "*-logs""#),
        ("bucket_name = \"*acme*\"", r#"bucket_name = "*acme*""#),
        ("bucket_name = \"*\"", r#"bucket_name = "*""#),
        ("bucket_name = \"**\"", r#"bucket_name = "*""#),
        ("bucket_name = \"\"", r#"bucket_name = """#),
        (r#"bucket_prefix = "a\*\"\\\'b""#, r#"bucket_prefix = "a\*\"\\'b""#),
        (r#"bucket_prefix = '"'"#, r#"bucket_prefix = "\"""#),
        ("log_group_name:*", "log_group_name:*"),
        ("enabled = true", "enabled = true"),
        ("enabled != true", "enabled = false"),
        ("ttl >= -5", "ttl >= -5"),
        (
            "updated_at > 2024-01-15T10:30:00+01:00",
            r#"updated_at > "2024-01-15T09:30:00Z""#,
        ),
        (
            "created_at <= '2024-01-15t10:30:00.25z'",
            r#"created_at <= "2024-01-15T10:30:00.250Z""#,
        ),
        ("desired_logs:payment", r#"desired_logs:"payment""#),
        ("desired_logs:'pay*'", r#"desired_logs:"pay*""#),
        ("account = 123456789012", r#"account = "123456789012""#),
        ("account:*", "account:*"),
        ("labels.env = production", r#"labels.env = "production""#),
        ("labels.\"a.b/c\":*", "labels.a.b/c:*"),
        ("labels.'Odd key' != x", r#"labels."Odd key" != "x""#),
        ("labels:env", "labels.env:*"),
        ("labels:*", "labels:*"),
        ("delivers( payments )", r#"delivers("payments")"#),
        ("broken OR -broken", "broken OR NOT broken"),
        ("\"broken\" 'type'", r#""broken" AND "type""#),
        (
            "log_distribution_role_arn = arn:aws:iam::123456789012:role/a",
            r#"log_distribution_role_arn = "arn:aws:iam::123456789012:role/a""#,
        ),
        ("acme.corp", r#""acme.corp""#),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
        assert_eq!(parse(expected), parse(text), "{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn error_has_its_position_and_what_was_expected() {
    for (text, position, problem) in [
        ("AND a", 1, "expected a term, found AND"),
        ("a AND", 6, "expected a term, found the end of the filter"),
        ("a OR OR b", 6, "expected a term, found OR"),
        ("NOT NOT a", 5, "expected a term, found NOT"),
        ("NOT -a", 5, "expected a term, found -"),
        ("- a", 2, "expected a term, found white space"),
        ("()", 2, "expected a term, found )"),
        (
            "(a",
            3,
            "expected AND, OR, another term or ), found the end of the filter",
        ),
        (
            "a)",
            2,
            "expected AND, OR, another term or the end of the filter, found )",
        ),
        ("(a)b", 4, "expected white space, found b"),
        ("\"a\"b", 4, "expected white space, found b"),
        ("a ! b", 3, "expected a term, found !"),
        ("a, b", 2, "expected white space, found ,"),
        ("\"a", 1, "expected a closing quote"),
        ("é \"a", 3, "expected a closing quote"),
        (r#""a\b""#, 3, r"expected a quote, \ or * after \ in a text"),
        (r#""a\"#, 3, r"expected a quote, \ or * after \ in a text"),
        ("\"\"", 1, "expected a word that is not empty"),
        ("acme*", 1, "expected a word without *"),
        ("\"acme*\"", 1, "expected a word without *"),
        ("a and b", 3, "expected AND in upper case"),
        ("Not a", 1, "expected NOT in upper case"),
        ("type", 1, "expected a comparison with type, or type:*"),
        ("labels.env", 1, "expected a comparison with labels.env"),
        ("account s3", 1, "expected a comparison with account"),
        ("type =", 7, "expected a value, found the end of the filter"),
        ("type == s3", 7, "expected a value, found ="),
        ("type = (s3 OR cloudwatch)", 8, "expected a value, found (s3"),
        ("type = AND", 8, "expected a value, found AND"),
        (
            "type = *",
            8,
            "expected a value, since * alone follows only a colon, as in type:*",
        ),
        ("type : s3", 6, "expected = or another comparison with type"),
        ("bucket_name = acme-*", 15, "expected quotes around a text with *"),
        (
            "bucket_name = \"a*b\"",
            17,
            "expected * only as the first or the last character",
        ),
        (
            "bucket_name = \"***\"",
            17,
            "expected * only as the first or the last character",
        ),
        ("bucket_name < \"a*\"", 15, "expected a text without * after <"),
        (
            "bucket_nam = x",
            1,
            "bucket_nam is not a field (did you mean bucket_name?)",
        ),
        ("label.env = x", 1, "label.env is not a field (did you mean labels?)"),
        ("region = x", 1, "region is not a field (did you mean target_region?)"),
        ("acount = x", 1, "acount is not a field (did you mean account?)"),
        ("xyzzy = x", 1, "xyzzy is not a field (for a word"),
        ("arn:aws", 1, "arn is not a field (for a word"),
        (
            "\"type\" = s3",
            1,
            "expected the name of a field before a comparison, without quotes",
        ),
        ("broken = true", 1, "expected no comparison with broken"),
        ("enabled = yes", 11, "expected true or false for enabled"),
        ("enabled = \"true\"", 11, "expected true or false for enabled"),
        ("enabled > true", 9, "expected = or != after enabled"),
        ("enabled:true", 8, "expected = or another comparison with enabled"),
        ("ttl = soon", 7, "expected whole Unix seconds for ttl"),
        ("ttl = +5", 7, "expected whole Unix seconds for ttl"),
        ("ttl = 1.5", 7, "expected whole Unix seconds for ttl"),
        ("ttl < 9007199254740993", 7, "expected whole Unix seconds for ttl"),
        ("created_at > yesterday", 14, "expected an RFC 3339 time for created_at"),
        (
            "created_at > 2024-01-15",
            14,
            "expected an RFC 3339 time for created_at",
        ),
        (
            "created_at > 0000-01-01T00:00:00+01:00",
            14,
            "expected an RFC 3339 time for created_at",
        ),
        ("created_at = \"2024*\"", 14, "expected an RFC 3339 time for created_at"),
        ("desired_logs = a", 14, "expected : after desired_logs"),
        ("account = 123", 11, "expected the 12 digits of an account"),
        ("account = 12345678901a", 11, "expected the 12 digits of an account"),
        ("account = \"12a*\"", 11, "expected the 12 digits of an account"),
        ("labels = x", 8, "expected the key of a label before a comparison"),
        ("labels. = x", 1, "expected the key of a label, of 1 to 63 characters"),
        (
            "labels.\"a*\" = x",
            1,
            "expected the key of a label, of 1 to 63 characters",
        ),
        ("labels:\"\"", 8, "expected the key of a label, of 1 to 63 characters"),
        ("delivers", 1, "expected the name of an application"),
        ("delivers(\"a*\")", 10, "expected the whole name of an application"),
        ("delivers(\"\")", 10, "expected the whole name of an application"),
        ("delivers(*)", 10, "expected the whole name of an application"),
        ("delivers()", 10, "expected a value, found )"),
        ("delivers(a, b)", 11, "expected ), found ,"),
        ("delivers(a", 11, "expected ), found the end of the filter"),
        ("deliver(a)", 1, "deliver is not a function (the only one is delivers)"),
    ] {
        let error = error(text);
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.problem.starts_with(problem), "{text}: {error}");
    }
}

#[test]
fn limits_are_1024_characters_20_terms_and_8_groups() {
    let word = |chars: usize| "é".repeat(chars);
    assert_eq!(canonical(&word(1024)).chars().count(), 1026);
    assert_eq!(error(&word(1025)).position, 1025);

    let terms = |count: usize| vec!["a"; count].join(" ");
    parse(&terms(20));
    assert_eq!(error(&terms(21)).position, 41);
    assert_eq!(error(&terms(21)).problem, "expected at most 20 terms");

    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(canonical(&nested(8)), r#""a""#);
    assert_eq!(error(&nested(9)).position, 9);
    // An OR within an AND counts as well, since its canonical form has parentheses.
    let alternating = |depth: usize| {
        (0..depth).fold("a".to_owned(), |inner, level| match level % 2 {
            0 => format!("b OR {inner}"),
            _ => format!("(b AND {inner})"),
        })
    };
    assert_eq!(canonical(&alternating(9)).matches('(').count(), 8);
    assert!(error(&alternating(11)).problem.contains("at most 8 groups"));
    assert_eq!(error(&"(".repeat(1024)).position, 9);
}

#[test]
fn comparison_with_a_missing_field_is_false_and_not_negates_it() {
    for filter in [
        "bucket_name = a",
        "bucket_name != a",
        "bucket_name < a",
        "bucket_name >= a",
        "bucket_name = \"*\"",
        "bucket_name:*",
        "ttl > 0",
        "ttl != 0",
        "created_at < 2024-01-15T10:30:00Z",
        "created_at != 2024-01-15T10:30:00Z",
        "desired_logs:a",
        "desired_logs:\"*\"",
        "account:*",
        "account = 123456789012",
        "labels.env = a",
        "labels.env != a",
        "labels.env:*",
        "labels:*",
        "enabled = true",
        "enabled:*",
        "delivers(a)",
        "a",
    ] {
        for missing in [
            json!({}),
            json!({
                "bucket_name": null, "ttl": null, "created_at": null, "desired_logs": null, "enabled": null, "labels": null,
                "log_distribution_role_arn": null
            }),
        ] {
            assert!(!matches(filter, missing.clone()), "{filter} {missing}");
            assert!(matches(&format!("NOT {filter}"), missing), "NOT {filter}");
        }
    }
}

#[test]
fn value_of_another_type_is_present_but_compares_with_nothing() {
    let odd = json!({
        "bucket_name": 7, "ttl": {"N": "1E+100"}, "created_at": 7, "desired_logs": "a", "enabled": "true",
        "log_distribution_role_arn": ["arn:aws:iam::123456789012:role/a"], "target_region": {"B": "AQI="}
    });
    for filter in [
        "bucket_name = \"7\"",
        "bucket_name != \"7\"",
        "bucket_name < \"8\"",
        "ttl > 0",
        "ttl != 0",
        "created_at != 2024-01-15T10:30:00Z",
        "desired_logs:a",
        "enabled = true",
        "enabled != true",
        "enabled = false",
        "account:*",
        "target_region = \"*\"",
        "a",
        "arn",
        "delivers(a)",
    ] {
        assert!(!matches(filter, odd.clone()), "{filter}");
    }
    for field in ["bucket_name", "ttl", "created_at", "desired_logs", "enabled"] {
        assert!(matches(&format!("{field}:*"), odd.clone()), "{field}");
    }
}

#[test]
fn texts_compare_byte_by_byte() {
    let config = || json!({"tenant_id": "Acme", "bucket_name": "acme-logs", "bucket_prefix": "a*b"});
    for (filter, expected) in [
        ("tenant_id = Acme", true),
        ("tenant_id = acme", false),
        ("tenant_id < acme", true),
        ("tenant_id > \"Acmd~\"", true),
        ("tenant_id >= Acme AND tenant_id <= Acme", true),
        ("tenant_id < é", true),
        ("bucket_name = \"acme-*\"", true),
        ("bucket_name = \"*-logs\"", true),
        ("bucket_name = \"*me-lo*\"", true),
        ("bucket_name = \"*acme\"", false),
        ("bucket_name = \"logs*\"", false),
        ("bucket_name = \"*\"", true),
        ("bucket_name != \"acme-*\"", false),
        ("bucket_name != \"*acme\"", true),
        (r#"bucket_prefix = "a\*b""#, true),
        (r#"bucket_prefix = "a\*""#, false),
        (r#"bucket_prefix = "a\**""#, true),
        ("cme-l", true),
        ("CME-L", false),
    ] {
        assert_eq!(matches(filter, config()), expected, "{filter}");
    }
}

#[test]
fn enabled_that_is_missing_is_false() {
    for (enabled, is_false) in [(json!(null), true), (json!(false), true), (json!(true), false)] {
        assert_eq!(matches("enabled = false", json!({ "enabled": enabled })), is_false);
        assert_eq!(matches("enabled = true", json!({ "enabled": enabled })), !is_false);
        assert_eq!(matches("enabled != false", json!({ "enabled": enabled })), !is_false);
    }
    assert!(matches("enabled = false AND NOT enabled:*", json!({})));
}

#[test]
fn times_compare_as_instants_and_numbers_by_value() {
    let config =
        || json!({"updated_at": "2024-01-15T11:30:00+01:00", "created_at": "yesterday", "ttl": 1_800_000_000.5});
    for (filter, expected) in [
        ("updated_at = 2024-01-15T10:30:00Z", true),
        ("updated_at = 2024-01-15T10:30:00.000Z", true),
        ("updated_at > 2024-01-15T10:29:59.999Z", true),
        ("updated_at < 2024-01-15T10:30:00-00:01", true),
        ("updated_at != 2024-01-15T11:30:00+01:00", false),
        ("created_at:*", true),
        ("created_at != 2024-01-15T11:30:00Z", false),
        ("ttl > 1800000000", true),
        ("ttl <= 1800000001", true),
        ("ttl = 1800000000", false),
        ("ttl > -9007199254740992", true),
    ] {
        assert_eq!(matches(filter, config()), expected, "{filter}");
    }
    assert!(matches("ttl = 1800000000", json!({"ttl": 1_800_000_000})));
    assert!(matches("ttl >= 1800000000", json!({"ttl": i64::MAX})));
}

#[test]
fn application_is_delivered_by_an_enabled_configuration_that_names_it_or_none() {
    for (config, expected) in [
        (json!({"enabled": true}), true),
        (json!({"enabled": true, "desired_logs": null}), true),
        (json!({"enabled": true, "desired_logs": ["a", "payments"]}), true),
        (json!({"enabled": true, "desired_logs": ["a", "Payments"]}), false),
        // Log processors take them for every application.
        (json!({"enabled": true, "desired_logs": []}), true),
        (json!({"enabled": true, "desired_logs": [""]}), true),
        (json!({"enabled": true, "desired_logs": ["", "a"]}), false),
        (json!({"enabled": true, "desired_logs": [7]}), false),
        (json!({"enabled": true, "desired_logs": "payments"}), false),
        (json!({"enabled": false, "desired_logs": ["payments"]}), false),
        (json!({"enabled": "true"}), false),
        (json!({}), false),
    ] {
        assert_eq!(matches("delivers(payments)", config.clone()), expected, "{config}");
        let (listed, names) = (
            matches("desired_logs:payments", config.clone()),
            &config["desired_logs"],
        );
        let is_listed = names.as_array().is_some_and(|names| names.contains(&json!("payments")));
        assert_eq!(listed, is_listed, "{config}");
    }
}

#[test]
fn account_is_that_of_the_role_even_in_a_role_that_is_not_valid() {
    let with_role = |role: &str| json!({ "log_distribution_role_arn": role });
    for (role, expected) in [
        ("arn:aws:iam::123456789012:role/a", true),
        ("arn:aws-cn:iam::123456789012:role/team*/a", true),
        ("arn:aws:iam::123456789012", true),
        ("arn:aws:iam::1234567890123:role/a", false),
        ("arn:aws:iam:123456789012:role/a", false),
        ("arn:aws:iam::999999999999:role/:123456789012:", false),
        ("role/123456789012", false),
        ("", false),
    ] {
        assert_eq!(matches("account = 123456789012", with_role(role)), expected, "{role}");
    }
    let role = "arn:aws:iam::123456789012:role/a";
    for (filter, expected) in [
        ("account = \"1234*\"", true),
        ("account = \"*9012\"", true),
        ("account = \"*5678*\"", true),
        ("account != \"1234*\"", false),
        ("account < 200000000000", true),
        ("account:*", true),
    ] {
        assert_eq!(matches(filter, with_role(role)), expected, "{filter}");
    }
}

#[test]
fn word_finds_a_part_of_tenant_bucket_group_or_role() {
    for field in [
        "tenant_id",
        "bucket_name",
        "log_group_name",
        "log_distribution_role_arn",
    ] {
        assert!(matches("c1u5ter", json!({ field: "ocm-c1u5ter-prod" })), "{field}");
    }
    for field in ["bucket_prefix", "target_region", "type", "created_at"] {
        assert!(!matches("c1u5ter", json!({ field: "ocm-c1u5ter-prod" })), "{field}");
    }
}

#[test]
fn broken_finds_what_a_check_finds() {
    let s3 = || json!({"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "enabled": true});
    assert!(!matches("broken", s3()));
    assert!(matches("-broken", s3()));
    // A warning is not a failure.
    for (field, value, expected) in [
        ("bucket_name", json!("NO_BUCKET"), true),
        ("bucket_name", json!(null), true),
        ("type", json!("splunk"), true),
        ("enabled", json!("yes"), true),
        ("ttl", json!("soon"), false),
        ("desired_logs", json!([]), false),
    ] {
        let mut config = s3();
        config[field] = value.clone();
        assert_eq!(matches("broken", config), expected, "{field} {value}");
    }
}

#[test]
fn or_binds_tighter_than_and() {
    let config = || json!({"tenant_id": "b"});
    assert!(!matches("a AND b OR b", config()));
    assert!(matches("(a AND b) OR b", config()));
    assert!(matches("b OR a -a", config()));
}

/// Texts with everything that the grammar has.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-c]{1,3}",
        1 => r#"[a*"'\\ ():=é.-]{1,6}"#,
        1 => any::<String>().prop_filter("is not empty", |text| !text.is_empty()),
    ]
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    any_text().prop_flat_map(|text| {
        select(vec![
            Pattern::Exact(text.clone()),
            Pattern::Beginning(text.clone()),
            Pattern::End(text.clone()),
            Pattern::Part(text),
        ])
    })
}

fn any_inequality() -> impl Strategy<Value = Inequality> {
    select(vec![
        Inequality::Less,
        Inequality::LessOrEqual,
        Inequality::Greater,
        Inequality::GreaterOrEqual,
    ])
}

fn any_comparator() -> impl Strategy<Value = Comparator> {
    prop_oneof![
        Just(Comparator::Equal),
        Just(Comparator::NotEqual),
        any_inequality().prop_map(Comparator::Ordered),
    ]
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    // From the year 0 to the year 9999.
    let seconds = -62_167_219_200_i64..253_402_300_800;
    let nanoseconds = prop_oneof![Just(0_u32), Just(250_000_000), 0..1_000_000_000_u32];
    (seconds, nanoseconds).prop_map(|(seconds, nanoseconds)| DateTime::from_timestamp(seconds, nanoseconds).unwrap())
}

fn any_key() -> impl Strategy<Value = String> {
    any_text().prop_filter("is not too long", |key| key.chars().count() <= 63)
}

fn any_term() -> impl Strategy<Value = Term> {
    let text_field = select(vec![
        Field::TenantId,
        Field::Type,
        Field::BucketName,
        Field::TargetRegion,
    ]);
    let subject = prop_oneof![text_field.prop_map(Subject::Field), any_key().prop_map(Subject::Label)];
    let anything = prop_oneof![
        select(Field::ALL.to_vec()).prop_map(Subject::Field),
        any_key().prop_map(Subject::Label),
        Just(Subject::Account),
    ];
    let test = prop_oneof![
        any_pattern().prop_map(TextTest::Is),
        any_pattern().prop_map(TextTest::IsNot),
        (any_inequality(), any_text()).prop_map(|(inequality, text)| TextTest::Ordered(inequality, text)),
    ];
    let digits = prop_oneof![
        "[0-9]{12}".prop_map(Pattern::Exact),
        "[0-9]{1,12}".prop_map(Pattern::Beginning),
    ];
    prop_oneof![
        anything.prop_map(Term::Present),
        (subject, test).prop_map(|(subject, test)| Term::Text { subject, test }),
        digits.prop_map(|account| Term::Text {
            subject: Subject::Account,
            test: TextTest::Is(account)
        }),
        any::<bool>().prop_map(|value| Term::Boolean {
            field: Field::Enabled,
            value
        }),
        (any_comparator(), -(1_i64 << 53)..=1 << 53).prop_map(|(comparator, value)| Term::Number {
            field: Field::Ttl,
            comparator,
            value
        }),
        (any_comparator(), any_time()).prop_map(|(comparator, value)| Term::Time {
            field: Field::UpdatedAt,
            comparator,
            value
        }),
        any_pattern().prop_map(|name| Term::Contains {
            field: Field::DesiredLogs,
            name
        }),
        any_text().prop_map(Term::Delivers),
        Just(Term::Broken),
        any_text().prop_map(Term::Word),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let term = any_term().prop_map(Expression::Term);
    let expression = term.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expression::all),
            vec(inner.clone(), 2..4).prop_map(Expression::any),
            inner.prop_map(Expression::negate),
        ]
    });
    expression.prop_map(|expression| Filter(Some(expression)))
}

fn count_terms(expression: &Expression) -> usize {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter().map(count_terms).sum(),
        Expression::Not(opposite) => count_terms(opposite),
        Expression::Term(_) => 1,
    }
}

/// Parts of filters, in any order.
fn any_tokens() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        select(vec![
            "AND",
            "OR",
            "NOT",
            "-",
            "(",
            ")",
            "\"",
            "'",
            "*",
            "\\",
            ":",
            "=",
            "!=",
            "<",
            ">=",
            ",",
            ".",
            " ",
            "type",
            "enabled",
            "ttl",
            "labels.",
            "account",
            "desired_logs",
            "updated_at",
            "broken",
            "delivers(",
            "true",
            "2024-01-15T10:30:00Z",
            "é",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9]{1,4}",
    ];
    vec((token, select(vec!["", " "])), 0..24).prop_map(|tokens| {
        tokens
            .into_iter()
            .flat_map(|(token, space)| [token, space.to_owned()])
            .collect()
    })
}

proptest! {
    #[test]
    fn canonical_form_parses_to_the_same_filter(filter in any_filter()) {
        let text = filter.to_string();
        let terms = filter.expression().map_or(0, count_terms);
        prop_assume!(text.chars().count() <= Filter::MAX_CHARS && terms <= Filter::MAX_TERMS);
        prop_assert_eq!(text.parse::<Filter>(), Ok(filter), "{}", text);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error_within_it(text in prop_oneof![any::<String>(), any_tokens()]) {
        match text.parse::<Filter>() {
            Ok(filter) => {
                let canonical = filter.to_string();
                if canonical.chars().count() <= Filter::MAX_CHARS {
                    prop_assert_eq!(canonical.parse::<Filter>(), Ok(filter), "{}", canonical);
                }
            }
            Err(FilterError { position, problem }) => {
                prop_assert!((1..=text.chars().count() + 1).contains(&position), "{}: {}", position, problem);
                prop_assert!(!problem.is_empty());
            }
        }
    }

    #[test]
    fn not_is_the_opposite(filter in any_filter(), tenant_id in any_text(), ttl in any::<i32>()) {
        let config = stored(json!({"tenant_id": tenant_id, "type": "s3", "ttl": ttl, "enabled": true}));
        let opposite = Filter(filter.0.clone().map(Expression::negate));
        prop_assert_ne!(filter.matches(&config, NOW), opposite.matches(&config, NOW));
    }
}
