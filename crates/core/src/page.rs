//! Paging of the list of all configurations: where a page begins and how long it is.

use std::{borrow::Cow, fmt, num::NonZeroU16, str::FromStr};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{
    config::{ConfigKey, DeliveryType},
    tenant_id::TenantId,
};

/// The key of the last configuration of a page, `tenant_id#type` on the wire. The next page begins after it, even if that
/// configuration no longer exists.
///
/// An item written by hand may have a key that is not valid for a configuration. So that listing can continue past it,
/// such a key is written `.tenant_id#.type`, and every byte of a part that is not one of `A-Za-z0-9-_` as a period and two hex
/// digits: `.O.27Neil#.s3` for `O'Neil`. HTTP clients do not agree on which other characters to percent-encode in a query.
/// They agree on these, so each client signs what it sends.
///
/// Earlier versions wrote `=tenant_id#=type` with percent-encoded parts. That form is still read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    tenant_id: String,
    delivery_type: String,
}

/// The text is not a valid paging key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "last_key must be a last_key value returned by a previous list response, in the form tenant_id#type with # encoded as %23"
)]
pub struct CursorError;

/// Marks a part that is the escaped value from the table, and begins each escape in it. Neither a tenant ID nor a delivery
/// type contains it.
const ESCAPE: char = '.';
/// Marks a part in the earlier form.
const PERCENT_ENCODED: char = '=';

impl Cursor {
    /// The cursor after the item with this key.
    #[must_use]
    pub fn new(tenant_id: &str, delivery_type: &str) -> Self {
        Self {
            tenant_id: tenant_id.to_owned(),
            delivery_type: delivery_type.to_owned(),
        }
    }

    /// The partition key.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        &self.tenant_id
    }

    /// The sort key.
    #[must_use]
    pub fn delivery_type(&self) -> &str {
        &self.delivery_type
    }

    fn is_plain(&self) -> bool {
        self.tenant_id.parse::<TenantId>().is_ok() && self.delivery_type.parse::<DeliveryType>().is_ok()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            write!(f, "{}#{}", self.tenant_id, self.delivery_type)
        } else {
            write!(
                f,
                "{ESCAPE}{}#{ESCAPE}{}",
                Escaped(&self.tenant_id),
                Escaped(&self.delivery_type)
            )
        }
    }
}

/// Writes a part of a key with its escapes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| {
            if is_unescaped(byte) {
                write!(f, "{}", char::from(byte))
            } else {
                write!(f, "{ESCAPE}{byte:02X}")
            }
        })
    }
}

const fn is_unescaped(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Reads what [`Escaped`] writes; hex digits of either case.
fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split(ESCAPE);
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).ok()?;
        bytes.extend(byte);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

fn percent_decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().map(Cow::into_owned).ok()
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (tenant_id, delivery_type) = text.split_once('#').ok_or(CursorError)?;
        let parts = |mark: char| tenant_id.strip_prefix(mark).zip(delivery_type.strip_prefix(mark));
        let cursor = if let Some((tenant_id, delivery_type)) = parts(ESCAPE) {
            unescape(tenant_id)
                .zip(unescape(delivery_type))
                .map(|(tenant_id, delivery_type)| Self {
                    tenant_id,
                    delivery_type,
                })
        } else if let Some((tenant_id, delivery_type)) = parts(PERCENT_ENCODED) {
            percent_decode(tenant_id)
                .zip(percent_decode(delivery_type))
                .map(|(tenant_id, delivery_type)| Self {
                    tenant_id,
                    delivery_type,
                })
        } else {
            Some(Self::new(tenant_id, delivery_type)).filter(Self::is_plain)
        };
        let cursor = cursor.ok_or(CursorError)?;
        let (tenant_bytes, type_bytes) = (cursor.tenant_id.len(), cursor.delivery_type.len());
        let fits = (1..=ConfigKey::MAX_TENANT_ID_BYTES).contains(&tenant_bytes)
            && (1..=ConfigKey::MAX_TYPE_BYTES).contains(&type_bytes);
        if fits { Ok(cursor) } else { Err(CursorError) }
    }
}

/// The maximum number of configurations in a page: 1 to 1,000, by default 50.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(NonZeroU16);

/// The text is not a valid page length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit must be a whole number from 1 to 1000")]
pub struct PageLimitError;

impl PageLimit {
    /// The largest page.
    pub const MAX: u16 = 1000;
    const DEFAULT: NonZeroU16 = NonZeroU16::new(50).expect("50 is not 0");

    /// The number of configurations.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(Self::DEFAULT)
    }
}

impl FromStr for PageLimit {
    type Err = PageLimitError;

    fn from_str(text: &str) -> Result<Self, PageLimitError> {
        // `parse` alone would accept "+5".
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PageLimitError);
        }
        text.parse::<NonZeroU16>()
            .ok()
            .filter(|limit| limit.get() <= Self::MAX)
            .map(Self)
            .ok_or(PageLimitError)
    }
}

impl TryFrom<&Value> for PageLimit {
    type Error = PageLimitError;

    /// Takes a number that is whole, in whatever form: `5.0` is an integer to JSON Schema.
    fn try_from(value: &Value) -> Result<Self, PageLimitError> {
        let number = value.as_f64().filter(|number| number.fract() == 0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and in the range"
        )]
        let limit = number
            .filter(|number| (1.0..=f64::from(Self::MAX)).contains(number))
            .map(|number| number as u16);
        limit.and_then(NonZeroU16::new).map(Self).ok_or(PageLimitError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_key_is_written_unescaped() {
        let cursor = Cursor::new("acme-corp", "cloudwatch");
        assert_eq!(cursor.to_string(), "acme-corp#cloudwatch");
        assert_eq!("acme-corp#cloudwatch".parse(), Ok(cursor));
    }

    const HOSTILE: [(&str, &str); 12] = [
        ("acme corp", "s3"),
        ("O'Neil", "cloudwatch"),
        ("acme.corp", "CloudWatch"),
        ("a#b", "s3"),
        ("acme", "fire#hose"),
        ("=x", "=y"),
        (".x", ".41"),
        ("100%", "%41"),
        ("a+b&c=d?e/f\\g", "~!*()"),
        ("..", "//"),
        ("\u{e9}\u{1f600}", "\n"),
        ("s3://acme", "\u{202e}\u{feff}\0"),
    ];

    #[test]
    fn hand_written_key_round_trips() {
        for (tenant_id, delivery_type) in HOSTILE {
            let cursor = Cursor::new(tenant_id, delivery_type);
            assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()), "{cursor}");
        }
        assert_eq!(Cursor::new("O'Neil", "s3").to_string(), ".O.27Neil#.s3");
    }

    #[test]
    fn cursor_has_only_characters_that_every_client_encodes_alike() {
        for (tenant_id, delivery_type) in HOSTILE {
            let text = Cursor::new(tenant_id, delivery_type).to_string();
            let parts: Vec<_> = text.split('#').collect();
            assert_eq!(parts.len(), 2, "{text}");
            assert!(
                parts
                    .iter()
                    .all(|part| part.bytes().all(|byte| is_unescaped(byte) || byte == b'.')),
                "{text}"
            );
        }
    }

    #[test]
    fn percent_encoded_form_of_earlier_versions_is_read() {
        for (text, tenant_id, delivery_type) in [
            ("=O'Neil#=s3", "O'Neil", "s3"),
            ("=acme%20corp#=s3", "acme corp", "s3"),
            ("=a%23b#=fire%23hose", "a#b", "fire#hose"),
            ("==x#==y", "=x", "=y"),
            ("=100%25#=%0A", "100%", "\n"),
            ("=acme.corp#=.s3", "acme.corp", ".s3"),
        ] {
            assert_eq!(text.parse(), Ok(Cursor::new(tenant_id, delivery_type)), "{text}");
        }
    }

    #[test]
    fn malformed_cursor_is_rejected() {
        let too_long = format!(".{}#.s3", "t".repeat(2049));
        let too_long_before = format!("={}#=s3", "t".repeat(2049));
        for text in [
            "",
            "acme",
            "acme#",
            "#s3",
            "#",
            "acme#S3",
            "acme#s3#",
            "a b#s3",
            "acme#=s3",
            "=acme#s3",
            "=#=",
            "=%ff#=s3",
            "acme#.s3",
            ".acme#s3",
            ".acme#=s3",
            ".#.",
            ".a#.",
            ".a.#.s3",
            ".a.2#.s3",
            ".a.2g#.s3",
            ".a.FF#.s3",
            ".\u{e9}.\u{e9}#.s3",
            &too_long,
            &too_long_before,
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text:?}");
        }
    }

    #[test]
    fn page_limit_is_1_to_1000_and_50_by_default() {
        assert_eq!(PageLimit::default().get(), 50);
        for limit in [1, 2, 50, 1000] {
            assert_eq!(limit.to_string().parse::<PageLimit>().map(PageLimit::get), Ok(limit));
        }
        for text in [
            "",
            "0",
            "-1",
            "+5",
            "1001",
            "99999999999999999999",
            "1.0",
            "ten",
            " 5",
            "5 ",
            "\u{665}",
        ] {
            assert_eq!(text.parse::<PageLimit>(), Err(PageLimitError), "{text:?}");
        }
    }
}
