//! What is signed, and how it is verified.

use super::{BodyDigest, CandidateUris, Method, Signature, SignatureError, SigningKey, Timestamp, Uri};

/// The signed parts of one request.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query.
    pub uri: &'a Uri,
    /// The time of signing.
    pub timestamp: &'a Timestamp,
    /// The digest of the body, if the client binds the body to the signature.
    pub body_digest: Option<&'a BodyDigest>,
}

impl<'a> Message<'a> {
    /// The parts that are concatenated.
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

/// Verifies the signature of a message in constant time.
pub fn verify(key: &SigningKey, message: &Message<'_>, signature: &Signature) -> Result<(), SignatureError> {
    if key.verifies(message.parts(), signature) {
        Ok(())
    } else {
        Err(SignatureError::WrongSignature)
    }
}

/// Everything that decides whether a request is genuine, each part well-formed.
pub struct SignedRequest {
    /// The method.
    pub method: Method,
    /// The URIs that the client may have signed.
    pub uris: CandidateUris,
    /// The time of signing.
    pub timestamp: Timestamp,
    /// The digest of the body, if the client sent one.
    pub body_digest: Option<BodyDigest>,
    /// The signature that the client sent.
    pub signature: Signature,
}

impl SignedRequest {
    /// Whether `key` made the signature over one of the candidate URIs.
    ///
    /// The time depends on which candidate matches, which is not secret.
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
