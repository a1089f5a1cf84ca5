//! The vectors for the tests of client authors.

use serde_json::Value;
use tenant_core::signature::{BodyDigest, Message, Method, Signature, SigningKey, Timestamp, Uri, sign, verify};

const VECTORS: &str = include_str!("../data/signature-vectors.json");

#[test]
fn published_vectors_match() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let key = SigningKey::new(file["psk"].as_str().unwrap().as_bytes()).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        let text = |field: &str| vector[field].as_str();
        let name = text("name").unwrap();
        let digest = text("body_sha256").map(|digest| BodyDigest::parse(digest).unwrap());
        let message = Message {
            method: &Method::parse(text("method").unwrap()).unwrap(),
            uri: &Uri::parse(text("uri").unwrap()).unwrap(),
            timestamp: &Timestamp::parse(text("timestamp").unwrap()).unwrap(),
            body_digest: digest.as_ref(),
        };
        let authorization = format!("HMAC-SHA256 {}", text("signature").unwrap());

        assert_eq!(message.to_bytes(), text("message").unwrap().as_bytes(), "{name}");
        assert_eq!(sign(&key, &message).to_authorization(), authorization, "{name}");
        assert_eq!(
            verify(&key, &message, &Signature::from_authorization(&authorization).unwrap()),
            Ok(()),
            "{name}"
        );
        if let Some(body) = text("body").filter(|_| digest.is_some()) {
            assert_eq!(Some(BodyDigest::from_body(body.as_bytes())), digest, "{name}");
        }
    }
}
