//! What is a filter, how it is read, and what is reported about other texts.

use super::*;

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

/// Fails unless the text has this error, which may go on.
fn check(text: &str, position: usize, problem: &str) {
    let error = error(text);
    assert_eq!(error.position, position, "{text}: {error}");
    assert!(error.problem.starts_with(problem), "{text}: {error}");
}

#[test]
fn grammatical_error_has_its_position_and_what_was_expected() {
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
    ] {
        check(text, position, problem);
    }
}

#[test]
fn wrong_name_or_value_is_reported_with_what_was_expected() {
    for (text, position, problem) in [
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
        check(text, position, problem);
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
