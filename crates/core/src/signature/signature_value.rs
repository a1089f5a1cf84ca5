//! The signature as a client sends it.

use std::fmt;

use super::{SCHEME, SignatureError};

/// An HMAC-SHA256 in 32 bytes. Only [`verify`](super::verify) compares it, and `Debug` redacts it.
#[derive(Clone)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Parses the value of an `Authorization` header: the scheme in any case, one or more spaces, 64 hex digits of either
    /// case.
    pub fn from_authorization(value: &str) -> Result<Self, SignatureError> {
        let (scheme, digits) = value.split_once(' ').ok_or(SignatureError::WrongScheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(SignatureError::WrongScheme);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits.trim_start_matches(' '), &mut bytes).or(Err(SignatureError::SignatureMalformed))?;
        Ok(Self(bytes))
    }

    /// The value of an `Authorization` header that carries this signature.
    #[must_use]
    pub fn to_authorization(&self) -> String {
        format!("{SCHEME} {}", hex::encode(self.0))
    }

    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signature([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "027fdba6229d62c0dabb1328be894b019dada1078aec5058f4a211ca12237802";

    fn error_of(value: &str) -> Option<SignatureError> {
        Signature::from_authorization(value).err()
    }

    #[test]
    fn scheme_name_is_read_in_any_case() {
        for scheme in ["HMAC-SHA256", "hmac-sha256", "Hmac-Sha256"] {
            assert_eq!(error_of(&format!("{scheme} {DIGITS}")), None, "{scheme}");
        }
    }

    #[test]
    fn hex_is_read_in_either_case() {
        let lower = Signature::from_authorization(&format!("HMAC-SHA256 {DIGITS}")).unwrap();
        let upper = Signature::from_authorization(&format!("HMAC-SHA256 {}", DIGITS.to_uppercase())).unwrap();
        assert_eq!(lower.as_bytes(), upper.as_bytes());
        assert_eq!(lower.to_authorization(), format!("HMAC-SHA256 {DIGITS}"));
    }

    #[test]
    fn one_or_more_spaces_follow_the_scheme() {
        for spaces in [" ", "  ", "      "] {
            assert_eq!(error_of(&format!("HMAC-SHA256{spaces}{DIGITS}")), None, "{spaces:?}");
        }
    }

    #[test]
    fn another_scheme_is_rejected() {
        for value in [
            String::new(),
            DIGITS.to_owned(),
            format!("Bearer {DIGITS}"),
            format!("HMAC-SHA512 {DIGITS}"),
            format!("HMAC-SHA256{DIGITS}"),
            format!(" HMAC-SHA256 {DIGITS}"),
            format!("HMAC-SHA256\t{DIGITS}"),
            "HMAC-SHA256".to_owned(),
        ] {
            assert_eq!(error_of(&value), Some(SignatureError::WrongScheme), "{value:?}");
        }
    }

    #[test]
    fn value_other_than_64_hex_digits_is_rejected() {
        for digits in [
            "",
            &DIGITS[..63],
            &DIGITS[..62],
            &format!("{DIGITS}0"),
            &format!("{DIGITS}00"),
            &format!("\t{DIGITS}"),
            &format!("\u{a0}{DIGITS}"),
            &format!("{} {}", &DIGITS[..32], &DIGITS[32..]),
            &format!("{DIGITS} "),
            &format!("{DIGITS},"),
            &format!("0x{}", &DIGITS[2..]),
            &format!("g{}", &DIGITS[1..]),
            &format!("é{}", &DIGITS[2..]),
        ] {
            let value = format!("HMAC-SHA256 {digits}");
            assert_eq!(error_of(&value), Some(SignatureError::SignatureMalformed), "{value:?}");
        }
    }

    #[test]
    fn debug_shows_no_signature() {
        let signature = Signature::from_authorization(&format!("HMAC-SHA256 {DIGITS}")).unwrap();
        assert_eq!(format!("{signature:?}"), "Signature([redacted])");
    }
}
