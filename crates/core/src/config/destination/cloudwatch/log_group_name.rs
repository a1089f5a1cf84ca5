//! The CloudWatch Logs group that receives a tenant's logs.

use std::str::FromStr;

use crate::{
    config::values::text::{suggest, text_value},
    violation::{ErrorCode, Violation},
};

/// 1 to 512 of `A-Za-z0-9_-/.#`, not starting with `aws/`.
///
/// Source: `logGroupName` of `CreateLogGroup` in the CloudWatch Logs API Reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroupName(String);

text_value!(LogGroupName);

const MAX_CHARS: usize = 512;

impl LogGroupName {
    /// The rules as an ECMAScript pattern.
    pub const PATTERN: &str = "^(?!aws/)[A-Za-z0-9_/.#-]{1,512}$";
}

impl FromStr for LogGroupName {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        Self::check(text).map_err(|violation| suggest(violation, meant(text), Self::check))
    }
}

impl LogGroupName {
    fn check(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new(ErrorCode::Empty, "must not be empty"));
        }
        if text.chars().count() > MAX_CHARS {
            return Err(Violation::new(
                ErrorCode::TooLong,
                "must be at most 512 characters long",
            ));
        }
        if !text.bytes().all(is_log_group_byte) {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must contain only letters (A-Z, a-z), digits and the characters _ - / . #",
            ));
        }
        if text.starts_with("aws/") {
            return Err(Violation::new(
                ErrorCode::Reserved,
                "must not begin with aws/, which AWS reserves",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name in the ARN of a log group or of a stream in it, without what surrounds it.
fn meant(text: &str) -> &str {
    let text = text.trim();
    let name = match text.splitn(7, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "logs", _, _, "log-group", name] => name,
        _ => text,
    };
    // A name has no colon, so the first one begins `:*` or `:log-stream:...`.
    name.split(':').next().unwrap_or_default()
}

const fn is_log_group_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'.' | b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_names_are_accepted() {
        let longest = "l".repeat(512);
        for text in ["a", "/aws/logs/acme-corp", "A_b-c/d.e#f", "awslogs", longest.as_str()] {
            assert_eq!(text.parse::<LogGroupName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn invalid_names_are_rejected_with_the_broken_rule() {
        let too_long = "l".repeat(513);
        for (text, code) in [
            ("", ErrorCode::Empty),
            (too_long.as_str(), ErrorCode::TooLong),
            ("a b", ErrorCode::InvalidFormat),
            ("a:b", ErrorCode::InvalidFormat),
            ("a*", ErrorCode::InvalidFormat),
            ("\u{e9}", ErrorCode::InvalidFormat),
            ("a\0", ErrorCode::InvalidFormat),
            ("aws/lambda/x", ErrorCode::Reserved),
        ] {
            assert_eq!(text.parse::<LogGroupName>().unwrap_err().code, code, "{text:?}");
        }
    }

    #[test]
    fn likely_mistakes_are_shown_with_the_corrected_value() {
        for text in [
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/logs/acme",
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/logs/acme:*",
            "arn:aws-cn:logs:cn-north-1:123456789012:log-group:/aws/logs/acme:log-stream:a",
            "/aws/logs/acme:*",
            " /aws/logs/acme",
            "/aws/logs/acme\n",
        ] {
            let message = text.parse::<LogGroupName>().unwrap_err().message;
            assert!(message.ends_with("(did you mean /aws/logs/acme?)"), "{text}: {message}");
        }
        for text in [
            "arn:aws:logs:us-east-1:123456789012:log-group:a b",
            "a b",
            ":*",
            "aws/lambda:*",
            "",
        ] {
            let message = text.parse::<LogGroupName>().unwrap_err().message;
            assert!(!message.contains("did you mean"), "{text}: {message}");
        }
    }
}
