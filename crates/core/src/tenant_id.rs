//! The tenant's identifier: the partition key of the table and a segment of every tenant URL.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::violation::{ErrorCode, Violation};

/// 1 to 128 of `A-Z a-z 0-9 - _`: safe in a URL, a paging key and a log without any escaping.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// The maximum number of characters.
    pub const MAX_CHARS: usize = 128;
    /// The rules as an ECMAScript pattern.
    pub const PATTERN: &str = "^[A-Za-z0-9_-]{1,128}$";

    /// The identifier as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TenantId {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new(ErrorCode::Empty, "must not be empty"));
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(Violation::new(
                ErrorCode::TooLong,
                "must be at most 128 characters long",
            ));
        }
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must contain only letters (A-Z, a-z), digits, - and _",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_id_of_up_to_128_letters_digits_hyphens_and_underscores_is_accepted() {
        let longest = "a".repeat(128);
        for text in ["a", "acme-corp", "ACME_Corp-7", "-", longest.as_str()] {
            assert_eq!(text.parse::<TenantId>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn invalid_tenant_ids_are_rejected_with_the_broken_rule() {
        let too_long = "a".repeat(129);
        for (text, code) in [
            ("", ErrorCode::Empty),
            (too_long.as_str(), ErrorCode::TooLong),
            ("acme corp", ErrorCode::InvalidFormat),
            ("acme/corp", ErrorCode::InvalidFormat),
            ("acme#s3", ErrorCode::InvalidFormat),
            ("..", ErrorCode::InvalidFormat),
            ("acmé", ErrorCode::InvalidFormat),
            ("acme\0", ErrorCode::InvalidFormat),
        ] {
            assert_eq!(text.parse::<TenantId>().unwrap_err().code, code, "{text:?}");
        }
    }
}
