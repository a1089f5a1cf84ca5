//! What is signed, and the judgement.

use super::{BodyDigest, CandidateUris, Method, Signature, SignatureError, SigningKey, Timestamp, Uri};

/// What is signed of one request.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query.
    pub uri: &'a Uri,
    /// The moment of signing.
    pub timestamp: &'a Timestamp,
    /// The digest of the body, if the client binds the body to the signature.
    pub body_digest: Option<&'a BodyDigest>,
}

impl<'a> Message<'a> {
    /// The parts that are run together.
    fn parts(&self) -> [&'a [u8]; 4] {
        [
            self.method.as_str().as_bytes(),
            self.uri.as_str().as_bytes(),
            self.timestamp.as_str().as_bytes(),
            self.body_digest.map_or(&[], |digest| digest.as_str().as_bytes()),
        ]
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.parts().concat()
    }
}

/// Signs a message.
#[must_use]
pub fn sign(key: &SigningKey, message: &Message<'_>) -> Signature {
    key.mac(message.parts())
}

/// Holds a signature to a message, in a time that does not depend on how much of it is right.
pub fn verify(key: &SigningKey, message: &Message<'_>, signature: &Signature) -> Result<(), SignatureError> {
    if key.verifies(message.parts(), signature) {
        Ok(())
    } else {
        Err(SignatureError::WrongSignature)
    }
}

/// A request with everything that decides whether it is genuine, each part well-formed.
pub struct SignedRequest {
    /// The method.
    pub method: Method,
    /// What the client may have signed as its URI.
    pub uris: CandidateUris,
    /// The moment of signing.
    pub timestamp: Timestamp,
    /// The digest of the body, if the client sent one.
    pub body_digest: Option<BodyDigest>,
    /// What the client claims.
    pub signature: Signature,
}

impl SignedRequest {
    /// Whether `key` made the signature over one of the candidate URIs.
    ///
    /// Which candidate it was, the time may tell; that is no secret.
    pub fn verify(&self, key: &SigningKey) -> Result<(), SignatureError> {
        self.uris
            .iter()
            .find_map(|uri| {
                let message = Message {
                    method: &self.method,
                    uri: &uri,
                    timestamp: &self.timestamp,
                    body_digest: self.body_digest.as_ref(),
                };
                verify(key, &message, &self.signature).ok()
            })
            .ok_or(SignatureError::WrongSignature)
    }
}
