//! The digest that binds a body to a signature.

use sha2::{Digest, Sha256};

use super::SignatureError;

/// The value of `X-Body-SHA256`: 64 hex digits of either case. The message contains the text as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyDigest(String);

impl BodyDigest {
    /// Parses the value of the header.
    pub fn parse(value: &str) -> Result<Self, SignatureError> {
        if value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(value.to_owned()))
        } else {
            Err(SignatureError::BodyDigestMalformed)
        }
    }

    /// The digest of a body.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(body)))
    }

    /// The text as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest in lowercase.
    #[must_use]
    pub fn to_lower_hex(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digest_of_a_body_is_lower_case_hex() {
        assert_eq!(BodyDigest::from_body(b"").as_str(), EMPTY_BODY);
    }

    #[test]
    fn uppercase_digest_keeps_its_text_and_converts_to_lowercase() {
        let sent = EMPTY_BODY.to_uppercase();
        let digest = BodyDigest::parse(&sent).unwrap();
        assert_eq!(digest.as_str(), sent);
        assert_eq!(digest.to_lower_hex(), EMPTY_BODY);
    }

    #[test]
    fn value_other_than_64_hex_digits_is_rejected() {
        for value in [
            "",
            &EMPTY_BODY[1..],
            &format!("{EMPTY_BODY}0"),
            &format!(" {}", &EMPTY_BODY[1..]),
            &format!("g{}", &EMPTY_BODY[1..]),
            &format!("é{}", &EMPTY_BODY[2..]),
            &format!("{EMPTY_BODY},{EMPTY_BODY}"),
        ] {
            assert_eq!(
                BodyDigest::parse(value),
                Err(SignatureError::BodyDigestMalformed),
                "{value:?}"
            );
        }
    }
}
