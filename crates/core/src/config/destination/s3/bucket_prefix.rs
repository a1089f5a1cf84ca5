//! The prefix of the key of every delivered S3 object.

use std::str::FromStr;

use crate::{
    config::values::text::{check_printable, suggest, text_value, unprintable},
    violation::{ErrorCode, Violation},
};

/// A key prefix without a leading slash and with exactly one trailing slash.
///
/// Source: "Naming Amazon S3 objects" in the Amazon S3 User Guide (a key is UTF-8 of up to 1,024 bytes); half of that
/// remains for the part that the log processor appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPrefix(String);

text_value!(BucketPrefix);

impl BucketPrefix {
    /// The maximum number of bytes without the trailing slash, so that a prefix that was read can be sent back.
    pub const MAX_BYTES: usize = 512;
    /// The rules as an ECMAScript pattern, except for the length, which counts bytes.
    pub const PATTERN: &str = concat!(
        r"^(?![sS]3://)(?!(?:.*/)?\.{1,2}(?:/|$))(?!.*\s/*$)[^/\s",
        unprintable!(),
        "][^",
        unprintable!(),
        "]*$",
    );

    fn check(text: &str) -> Result<Self, Violation> {
        let invalid = |message: &str| Err(Violation::new(ErrorCode::InvalidFormat, message));
        if text.is_empty() {
            return Err(Violation::new(
                ErrorCode::Empty,
                "must not be empty (omit the field or send null to use the default ROSA/cluster-logs/)",
            ));
        }
        if without_bucket(text).is_some() {
            return invalid("must not be an s3:// URL: the bucket is in bucket_name");
        }
        if text.starts_with('/') {
            return invalid("must not begin with /, which creates a folder with an empty name");
        }
        check_printable(text)?;
        let name = text.trim_end_matches('/');
        if name.trim() != name || text.trim() != text {
            return invalid("must not begin or end with whitespace");
        }
        if name.split('/').any(|segment| matches!(segment, "." | "..")) {
            return invalid("must not contain a . or .. segment, which many tools resolve and S3 does not");
        }
        if name.len() > Self::MAX_BYTES {
            return Err(Violation::new(
                ErrorCode::TooLong,
                "must be at most 512 bytes of UTF-8 long",
            ));
        }
        Ok(Self(format!("{name}/")))
    }
}

/// What follows the bucket in an `s3://` URL.
fn without_bucket(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("s3://").or_else(|| text.strip_prefix("S3://"))?;
    Some(rest.split_once('/').map_or("", |(_, prefix)| prefix))
}

impl Default for BucketPrefix {
    /// The platform's established prefix.
    fn default() -> Self {
        Self("ROSA/cluster-logs/".to_owned())
    }
}

impl FromStr for BucketPrefix {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        Self::check(text).map_err(|violation| {
            let meant = text.trim();
            let meant = without_bucket(meant).unwrap_or(meant).trim_start_matches('/');
            suggest(violation, meant, Self::check)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_stored_with_one_trailing_slash() {
        for (sent, stored) in [
            ("logs", "logs/"),
            ("logs/", "logs/"),
            ("logs//", "logs/"),
            ("ROSA/cluster-logs/", "ROSA/cluster-logs/"),
            ("a b/\u{e9}", "a b/\u{e9}/"),
            ("...", ".../"),
            (".logs/..a/b..", ".logs/..a/b../"),
            ("a//b", "a//b/"),
            ("!-_.*'()&$@=;:+ ,?", "!-_.*'()&$@=;:+ ,?/"),
        ] {
            assert_eq!(sent.parse::<BucketPrefix>().unwrap().as_str(), stored);
        }
        assert_eq!(BucketPrefix::default().as_str().parse(), Ok(BucketPrefix::default()));
    }

    #[test]
    fn longest_prefix_round_trips() {
        let stored = "p".repeat(512).parse::<BucketPrefix>().unwrap();
        assert_eq!(stored.as_str().parse(), Ok(stored));
    }

    #[test]
    fn invalid_prefixes_are_rejected_with_the_broken_rule() {
        let too_long = "p".repeat(513);
        let too_many_bytes = "\u{e9}".repeat(257);
        for (text, code) in [
            ("", ErrorCode::Empty),
            ("/", ErrorCode::InvalidFormat),
            ("/logs", ErrorCode::InvalidFormat),
            ("lo\ngs", ErrorCode::InvalidFormat),
            ("lo\0gs", ErrorCode::InvalidFormat),
            ("lo\u{85}gs", ErrorCode::InvalidFormat),
            ("lo\u{fffd}gs", ErrorCode::InvalidFormat),
            ("lo\u{200b}gs", ErrorCode::InvalidFormat),
            ("lo\u{202e}gs", ErrorCode::InvalidFormat),
            ("\u{feff}logs", ErrorCode::InvalidFormat),
            (" logs", ErrorCode::InvalidFormat),
            ("logs ", ErrorCode::InvalidFormat),
            ("logs /", ErrorCode::InvalidFormat),
            ("logs/ ", ErrorCode::InvalidFormat),
            ("logs\u{a0}/", ErrorCode::InvalidFormat),
            (".", ErrorCode::InvalidFormat),
            ("./logs", ErrorCode::InvalidFormat),
            ("logs/..", ErrorCode::InvalidFormat),
            ("logs/../", ErrorCode::InvalidFormat),
            ("a/../b", ErrorCode::InvalidFormat),
            ("a/./b/", ErrorCode::InvalidFormat),
            ("s3://acme-logs/prefix", ErrorCode::InvalidFormat),
            ("S3://acme-logs", ErrorCode::InvalidFormat),
            (too_long.as_str(), ErrorCode::TooLong),
            (too_many_bytes.as_str(), ErrorCode::TooLong),
        ] {
            assert_eq!(text.parse::<BucketPrefix>().unwrap_err().code, code, "{text:?}");
        }
    }

    #[test]
    fn likely_mistakes_are_shown_with_the_corrected_value() {
        for (text, meant) in [
            ("s3://acme-logs/prefix", Some("prefix/")),
            ("s3://acme-logs/a/b/", Some("a/b/")),
            ("/logs", Some("logs/")),
            (" /logs/ ", Some("logs/")),
            ("logs\u{a0}", Some("logs/")),
            ("s3://acme-logs", None),
            ("s3://acme-logs/../x", None),
            ("a/../b", None),
        ] {
            let message = text.parse::<BucketPrefix>().unwrap_err().message;
            match meant {
                Some(meant) => assert!(message.ends_with(&format!("(did you mean {meant}?)")), "{message}"),
                None => assert!(!message.contains("did you mean"), "{message}"),
            }
        }
    }
}
