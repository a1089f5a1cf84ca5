//! The S3 bucket that receives a tenant's logs.

use std::{net::Ipv4Addr, str::FromStr};

use crate::{
    config::values::text::{suggest, text_value},
    violation::{ErrorCode, Violation},
};

/// The name of a general purpose bucket, or the alias of an access point.
///
/// Source: "General purpose bucket naming rules" and "Using a bucket-style alias for your S3 bucket access point" in the Amazon
/// S3 User Guide. The suffix `-an` is accepted: it marks buckets in an account's regional namespace, which are general purpose
/// buckets. The suffix `-s3alias` marks aliases of access points, which stand for a bucket wherever objects are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketName(String);

text_value!(BucketName);

const MIN_CHARS: usize = 3;
const MAX_CHARS: usize = 63;

impl BucketName {
    /// The rules as an ECMAScript pattern.
    pub const PATTERN: &str = concat!(
        r"^(?!(?:xn--|sthree-|amzn-s3-demo-))(?![0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$)(?!.*\.\.)",
        r"(?!.*(?:--ol-s3|\.mrap|--x-s3|--table-s3)$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    );
    /// Reserved beginnings of names. `sthree-` covers `sthree-configurator`.
    pub const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
    /// Reserved ends of names: Object Lambda, Multi-Region Access Points, directory buckets and S3 Tables.
    pub const RESERVED_SUFFIXES: [&str; 4] = ["--ol-s3", ".mrap", "--x-s3", "--table-s3"];
}

impl FromStr for BucketName {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        Self::check(text).map_err(|violation| match meant(text) {
            Some(meant) => suggest(violation, &meant, Self::check),
            None => violation,
        })
    }
}

impl BucketName {
    /// Whether it is the alias of an access point, and not the name of a bucket.
    #[must_use]
    pub fn is_access_point_alias(&self) -> bool {
        self.0.ends_with("-s3alias")
    }

    fn check(text: &str) -> Result<Self, Violation> {
        let invalid = |message: &str| Err(Violation::new(ErrorCode::InvalidFormat, message));
        let length = text.chars().count();
        if length < MIN_CHARS {
            return Err(Violation::new(
                ErrorCode::TooShort,
                "must be at least 3 characters long",
            ));
        }
        if length > MAX_CHARS {
            return Err(Violation::new(ErrorCode::TooLong, "must be at most 63 characters long"));
        }
        if !text.bytes().all(is_bucket_byte) {
            return invalid("must contain only lowercase letters, digits, dots and hyphens");
        }
        if !text.starts_with(is_letter_or_digit) || !text.ends_with(is_letter_or_digit) {
            return invalid("must begin and end with a lowercase letter or a digit");
        }
        if text.contains("..") {
            return invalid("must not contain two adjacent dots");
        }
        if text.parse::<Ipv4Addr>().is_ok() || is_dotted_quad(text) {
            return invalid("must not be formatted as an IP address");
        }
        let reserved = Self::RESERVED_PREFIXES
            .iter()
            .find(|prefix| text.starts_with(**prefix))
            .map_or_else(
                || {
                    Self::RESERVED_SUFFIXES
                        .iter()
                        .find(|suffix| text.ends_with(**suffix))
                        .map(|suffix| ("end", suffix))
                },
                |prefix| Some(("begin", prefix)),
            );
        if let Some((place, part)) = reserved {
            return Err(Violation::new(
                ErrorCode::Reserved,
                format!("must not {place} with {part}, which S3 reserves"),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name in an ARN or a URL of a bucket or of an object in it, without what surrounds it, in lower case.
fn meant(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let rest = if text.starts_with("arn:") {
        // Access points have an account and a region in their ARN: their alias cannot be derived.
        match text.splitn(6, ':').collect::<Vec<_>>()[..] {
            ["arn", _, "s3", "", "", resource] => resource,
            _ => return None,
        }
    } else if let Some(url) = text.strip_prefix("https://") {
        let (host, path) = url.split_once('/').unwrap_or((url, ""));
        if host.starts_with("s3.") {
            path
        } else {
            host.split_once(".s3.").map(|(name, _)| name)?
        }
    } else {
        text.strip_prefix("s3://").unwrap_or(&text)
    };
    let name = rest.split('/').next().unwrap_or_default();
    Some(name.trim_end_matches(":*").to_owned())
}

const fn is_bucket_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-')
}

const fn is_letter_or_digit(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

/// Four groups of digits of any size: the rule says "formatted as an IP address", which includes invalid addresses.
fn is_dotted_quad(text: &str) -> bool {
    let groups: Vec<&str> = text.split('.').collect();
    groups.len() == 4
        && groups
            .iter()
            .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_names_are_accepted() {
        let longest = "b".repeat(63);
        for text in [
            "abc",
            "acme-corp-logs",
            "1.2.3",
            "logs.acme.com",
            "a--b",
            "123",
            "team-logs-123456789012-us-east-1-an",
            "my-access-point-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
        ]
        .into_iter()
        .chain([longest.as_str()])
        {
            assert_eq!(text.parse::<BucketName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn invalid_names_are_rejected_with_the_broken_rule() {
        let too_long = "b".repeat(64);
        for (text, code) in [
            ("", ErrorCode::TooShort),
            ("ab", ErrorCode::TooShort),
            (too_long.as_str(), ErrorCode::TooLong),
            ("Acme", ErrorCode::InvalidFormat),
            ("acme_logs", ErrorCode::InvalidFormat),
            ("acme logs", ErrorCode::InvalidFormat),
            ("acm\u{e9}", ErrorCode::InvalidFormat),
            ("-acme", ErrorCode::InvalidFormat),
            ("acme-", ErrorCode::InvalidFormat),
            (".acme", ErrorCode::InvalidFormat),
            ("acme.", ErrorCode::InvalidFormat),
            ("acme..logs", ErrorCode::InvalidFormat),
            ("192.168.5.4", ErrorCode::InvalidFormat),
            ("999.999.999.999", ErrorCode::InvalidFormat),
            ("xn--acme", ErrorCode::Reserved),
            ("sthree-acme", ErrorCode::Reserved),
            ("sthree-configurator", ErrorCode::Reserved),
            ("amzn-s3-demo-bucket", ErrorCode::Reserved),
            ("acme--ol-s3", ErrorCode::Reserved),
            ("acme.mrap", ErrorCode::Reserved),
            ("acme--usw2-az1--x-s3", ErrorCode::Reserved),
            ("acme--table-s3", ErrorCode::Reserved),
        ] {
            assert_eq!(text.parse::<BucketName>().unwrap_err().code, code, "{text:?}");
        }
    }

    #[test]
    fn likely_mistakes_are_shown_with_the_corrected_value() {
        for text in [
            "arn:aws:s3:::acme-logs",
            "arn:aws-us-gov:s3:::acme-logs/*",
            "arn:aws:s3:::acme-logs/prefix/key",
            "arn:aws:s3:::acme-logs:*",
            "s3://acme-logs",
            "s3://acme-logs/prefix/",
            "S3://acme-logs/",
            "https://acme-logs.s3.us-east-1.amazonaws.com/prefix",
            "https://s3.us-east-1.amazonaws.com/acme-logs/prefix",
            "acme-logs/",
            "acme-logs:*",
            " acme-logs\n",
            "Acme-Logs",
        ] {
            let message = text.parse::<BucketName>().unwrap_err().message;
            assert!(message.ends_with("(did you mean acme-logs?)"), "{text}: {message}");
        }
        for text in [
            "arn:aws:s3:us-east-1:123456789012:accesspoint/acme",
            "arn:aws:iam::123456789012:role/acme",
            "https://example.com/acme",
            "acme_logs",
            "",
        ] {
            let message = text.parse::<BucketName>().unwrap_err().message;
            assert!(!message.contains("did you mean"), "{text}: {message}");
        }
    }
}
