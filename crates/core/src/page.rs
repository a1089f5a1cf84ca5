//! Paging of the list of all configurations: where a page begins and how long it is.

use std::{borrow::Cow, fmt, num::NonZeroU16, str::FromStr};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::{config::DeliveryType, tenant_id::TenantId};

/// The key of the last configuration of a page, `tenant_id#type` on the wire. The next page begins after it, even if that
/// configuration no longer exists.
///
/// An item written by hand may have a key that is not valid for a configuration. So that listing can continue past it,
/// such a key is written `=tenant_id#=type`, both parts percent-encoded.
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

/// Marks a part that is the raw value from the table. Neither a tenant ID nor a delivery type begins with it.
const RAW_MARK: char = '=';
/// The characters that would end a part early or change when decoded.
const RAW_ESCAPES: &AsciiSet = &CONTROLS.add(b'#').add(b'%').add(b' ');
/// DynamoDB's limits for a partition and a sort key, in bytes.
const MAX_KEY_BYTES: (usize, usize) = (2048, 1024);

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
            let escape = |text| utf8_percent_encode(text, RAW_ESCAPES);
            write!(
                f,
                "{RAW_MARK}{}#{RAW_MARK}{}",
                escape(&self.tenant_id),
                escape(&self.delivery_type)
            )
        }
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (tenant_id, delivery_type) = text.split_once('#').ok_or(CursorError)?;
        let raw = tenant_id
            .strip_prefix(RAW_MARK)
            .zip(delivery_type.strip_prefix(RAW_MARK));
        let cursor = if let Some((tenant_id, delivery_type)) = raw {
            let unescape = |text| {
                percent_decode_str(text)
                    .decode_utf8()
                    .map(Cow::into_owned)
                    .or(Err(CursorError))
            };
            Self {
                tenant_id: unescape(tenant_id)?,
                delivery_type: unescape(delivery_type)?,
            }
        } else {
            let cursor = Self::new(tenant_id, delivery_type);
            if !cursor.is_plain() {
                return Err(CursorError);
            }
            cursor
        };
        let (tenant_bytes, type_bytes) = (cursor.tenant_id.len(), cursor.delivery_type.len());
        let fits = (1..=MAX_KEY_BYTES.0).contains(&tenant_bytes) && (1..=MAX_KEY_BYTES.1).contains(&type_bytes);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_key_is_written_unescaped() {
        let cursor = Cursor::new("acme-corp", "cloudwatch");
        assert_eq!(cursor.to_string(), "acme-corp#cloudwatch");
        assert_eq!("acme-corp#cloudwatch".parse(), Ok(cursor));
    }

    #[test]
    fn hand_written_key_round_trips() {
        for (tenant_id, delivery_type) in [
            ("acme corp", "s3"),
            ("a#b", "s3"),
            ("acme", "fire#hose"),
            ("=x", "=y"),
            ("100%", "s3"),
            ("\u{e9}", "\n"),
        ] {
            let cursor = Cursor::new(tenant_id, delivery_type);
            assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()), "{cursor}");
        }
    }

    #[test]
    fn malformed_cursor_is_rejected() {
        let too_long = format!("={}#=s3", "t".repeat(2049));
        for text in [
            "", "acme", "acme#", "#s3", "#", "acme#S3", "acme#s3#", "a b#s3", "acme#=s3", "=acme#s3", "=#=",
            "=%ff#=s3", &too_long,
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
