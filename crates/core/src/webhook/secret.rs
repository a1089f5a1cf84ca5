//! Secrets of endpoints, and what is signed with them.
//!
//! Source: "Standard Webhooks", version 1.0.0, <https://github.com/standard-webhooks/standard-webhooks>.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{event_id::EventId, id::WebhookId};

/// What the secrets of all endpoints are derived from, so that no table contains one.
#[derive(Clone)]
pub struct MasterKey(Hmac<Sha256>);

/// The secret of an endpoint in one epoch: 256 bits. A rotation begins the next epoch.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct WebhookSecret([u8; 32]);

/// The value is too short for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the master key of the webhooks is shorter than {} bytes", MasterKey::MIN_BYTES)]
pub struct MasterKeyError;

// The state of an HMAC overwrites itself (see `signature::SigningKey`).
impl ZeroizeOnDrop for MasterKey {}

/// What a master key is used for, so that no other use of the same key makes the same secret.
const PURPOSE: &[u8] = b"webhook-secret:v1:";
const SECRET_PREFIX: &str = "whsec_";
/// Symmetric signatures.
const SIGNATURE_PREFIX: &str = "v1,";

impl MasterKey {
    /// 256 bits.
    pub const MIN_BYTES: usize = 32;

    /// The key of a stored value, without the line ends that an editor leaves.
    #[expect(clippy::missing_panics_doc, reason = "HMAC accepts a key of any length")]
    pub fn new(value: &[u8]) -> Result<Self, MasterKeyError> {
        let key = value.trim_ascii();
        if key.len() < Self::MIN_BYTES {
            return Err(MasterKeyError);
        }
        Ok(Self(
            Hmac::new_from_slice(key).expect("HMAC accepts a key of any length"),
        ))
    }

    /// The secret of an endpoint.
    #[must_use]
    pub fn secret(&self, id: &WebhookId, epoch: u32) -> WebhookSecret {
        let mac = self.0.clone();
        let mac = mac.chain_update(PURPOSE).chain_update(id.as_str()).chain_update(b":");
        let mac = mac.chain_update(epoch.to_string());
        WebhookSecret(mac.finalize().into_bytes().into())
    }
}

impl FromStr for MasterKey {
    type Err = MasterKeyError;

    fn from_str(value: &str) -> Result<Self, MasterKeyError> {
        Self::new(value.as_bytes())
    }
}

impl WebhookSecret {
    /// The text that subscribers verify with.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(self.0))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC accepts a key of any length");
        let timestamp = timestamp.to_string();
        let parts = [id, ".", &timestamp, ".", body];
        let mac = parts.iter().fold(mac, Mac::chain_update);
        format!(
            "{SIGNATURE_PREFIX}{}",
            BASE64_STANDARD.encode(mac.finalize().into_bytes())
        )
    }
}

/// The header `webhook-signature` of an attempt: a signature for each secret, that of the current epoch first.
#[must_use]
pub fn signature_header(secrets: &[WebhookSecret], id: &EventId, timestamp: i64, body: &str) -> String {
    let id = id.to_string();
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(&id, timestamp, body)).collect();
    signatures.join(" ")
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn signature_is_that_of_the_specification() {
        // From the tests of the official libraries.
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update(br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(
            format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())),
            expected
        );
        // A secret of this service has 32 bytes. The same bytes as a key make the same signature.
        let secret = WebhookSecret(KEY);
        let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
        mac.update(br#"msg_1.1614265330.{"test": 2432232314}"#);
        let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(secret.sign("msg_1", 1_614_265_330, r#"{"test": 2432232314}"#), expected);
    }

    #[test]
    fn secrets_differ_by_key_endpoint_and_epoch() {
        let (one, other) = (MasterKey::new(&KEY).unwrap(), MasterKey::new(&[8; 32]).unwrap());
        let ids = [WebhookId::new([1; 16]), WebhookId::new([2; 16])];
        let mut texts: Vec<_> = [&one, &other]
            .into_iter()
            .flat_map(|key| {
                ids.iter()
                    .flat_map(|id| [1, 2, 11].map(|epoch| key.secret(id, epoch).to_text()))
            })
            .collect();
        assert!(
            texts.iter().all(|text| text.starts_with("whsec_") && text.len() == 50),
            "{texts:?}"
        );
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 12);
        let again = MasterKey::new(&[&KEY[..], b"\n"].concat()).unwrap();
        assert_eq!(again.secret(&ids[0], 1).to_text(), one.secret(&ids[0], 1).to_text());
    }

    #[test]
    fn neither_key_nor_secret_is_shown() {
        let key = MasterKey::new(&KEY).unwrap();
        let secret = key.secret(&WebhookId::new([1; 16]), 1);
        assert_eq!(
            format!("{key:?} {secret:?}"),
            "MasterKey([redacted]) WebhookSecret([redacted])"
        );
        assert_eq!(MasterKey::new(b"short   \n").unwrap_err(), MasterKeyError);
    }
}
