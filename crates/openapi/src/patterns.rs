//! The rules of texts as regular expressions of ECMAScript, which JSON Schema uses. They are made from the tables of the
//! domain where it has any. Tests compare each of them with the domain.

use tenant_core::{BucketName, Partition, Region, TenantId};

pub(crate) const LOG_GROUP_NAME: &str = "^(?!aws/)[A-Za-z0-9_/.#-]{1,512}$";
pub(crate) const BUCKET_PREFIX: &str = r"^[^/\u0000-\u001f\u007f-\u009f\ufffd][^\u0000-\u001f\u007f-\u009f\ufffd]*$";
/// White space in ECMAScript is that of Unicode, and the byte order mark.
pub(crate) const LOG_NAME: &str = concat!(
    r"^(?:\ufeff|[^\s\u0000-\u001f\u007f-\u009f\ufffd])",
    r"(?:[^\u0000-\u001f\u007f-\u009f\ufffd]*(?:\ufeff|[^\s\u0000-\u001f\u007f-\u009f\ufffd]))?$",
);

pub(crate) fn tenant_id() -> String {
    format!("^[A-Za-z0-9_-]{{1,{}}}$", TenantId::MAX_CHARS)
}

pub(crate) fn tenant_id_or_empty() -> String {
    format!("^[A-Za-z0-9_-]{{0,{}}}$", TenantId::MAX_CHARS)
}

pub(crate) fn role_arn() -> String {
    let partitions = any_of(Partition::ALL.map(Partition::as_str));
    // The path, which counts 512 characters with a slash at both ends.
    let path = "(?:(?=[!-~]{1,510}/[^/]+$)(?:[!-.0-~]+/)+)?";
    format!("^arn:{partitions}:iam::[0-9]{{12}}:role/{path}[A-Za-z0-9+=,.@_-]{{1,64}}$")
}

pub(crate) fn bucket_name() -> String {
    let prefixes = any_of(BucketName::RESERVED_PREFIXES);
    let suffixes = any_of(BucketName::RESERVED_SUFFIXES);
    let address = r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$";
    format!(r"^(?!{prefixes})(?!{address})(?!.*\.\.)(?!.*{suffixes}$)[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]$")
}

pub(crate) fn region() -> String {
    let areas = any_of(Region::AREAS.map(|(area, _)| area));
    let directions = any_of(Region::DIRECTIONS);
    format!("^{areas}-{directions}-[1-9][0-9]?$")
}

fn any_of<const COUNT: usize>(texts: [&str; COUNT]) -> String {
    format!("(?:{})", texts.map(|text| text.replace('.', r"\.")).join("|"))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};
    use regress::Regex;
    use serde_json::json;
    use tenant_core::{BucketPrefix, DesiredLogs, LogGroupName, RoleArn};

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Regex::with_flags(pattern, "u").unwrap().find(text).is_some()
    }

    /// Texts of these parts, in any order: close enough to valid ones that both kinds occur.
    fn texts_of(parts: impl IntoIterator<Item = &'static str>, most: usize) -> impl Strategy<Value = String> {
        let parts: Vec<_> = parts.into_iter().collect();
        vec(select(parts), 0..=most).prop_map(|parts| parts.concat())
    }

    /// A text of a length near the limit.
    fn texts_of_length(limit: usize) -> impl Strategy<Value = String> {
        (limit.saturating_sub(2)..=limit + 2).prop_map(|length| "a".repeat(length))
    }

    fn regions() -> impl Strategy<Value = String> {
        let area = select(Region::AREAS.map(|(area, _)| area).to_vec());
        let direction = select(Region::DIRECTIONS.to_vec());
        let number = select(vec!["1", "9", "10", "99", "0", "01", "100", "", "x"]);
        let parts = ["us", "gov", "iso", "-", "east", "north", "1", "0", " ", "\n"];
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

    const CHARACTERS: [&str; 14] = [
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn region_pattern_agrees_with_the_domain(text in regions()) {
            prop_assert_eq!(matches(&region(), &text), text.parse::<Region>().is_ok());
        }

        #[test]
        fn role_arn_pattern_agrees_with_the_domain(text in role_arns()) {
            prop_assert_eq!(matches(&role_arn(), &text), text.parse::<RoleArn>().is_ok());
        }

        #[test]
        fn bucket_name_pattern_agrees_with_the_domain(text in bucket_names()) {
            prop_assert_eq!(matches(&bucket_name(), &text), text.parse::<BucketName>().is_ok());
        }

        #[test]
        fn log_group_name_pattern_agrees_with_the_domain(
            text in prop_oneof![texts_of(["aws", "/", "a", "_-.#", "Z9", "*", ":", "\u{e9}", "\n"], 5), texts_of_length(512)],
        ) {
            prop_assert_eq!(matches(LOG_GROUP_NAME, &text), text.parse::<LogGroupName>().is_ok());
        }

        #[test]
        fn bucket_prefix_pattern_agrees_with_the_domain(text in texts_of(CHARACTERS, 4)) {
            prop_assert_eq!(matches(BUCKET_PREFIX, &text), text.parse::<BucketPrefix>().is_ok());
        }

        #[test]
        fn log_name_pattern_agrees_with_the_domain(text in texts_of(CHARACTERS, 4)) {
            prop_assert_eq!(matches(LOG_NAME, &text), DesiredLogs::parse(&json!([text])).is_ok());
        }

        #[test]
        fn tenant_id_pattern_agrees_with_the_domain(
            text in prop_oneof![texts_of(["a", "Z9", "_-", ".", " ", "\u{e9}", "\n"], 4), texts_of_length(TenantId::MAX_CHARS)],
        ) {
            prop_assert_eq!(matches(&tenant_id(), &text), text.parse::<TenantId>().is_ok());
            prop_assert_eq!(matches(&tenant_id_or_empty(), &text), text.is_empty() || text.parse::<TenantId>().is_ok());
        }
    }
}
