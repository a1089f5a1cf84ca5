//! The headers that a signature is made of.

use apigw::authorizer_event::HeaderSelection;

/// A header that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// `Authorization`, with the signature.
    Authorization,
    /// `X-API-Timestamp`, with the time of signing.
    Timestamp,
    /// `X-Body-SHA256`, with the digest of the body.
    BodyDigest,
}

impl Header {
    /// The name in lower case.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Timestamp => "x-api-timestamp",
            Self::BodyDigest => "x-body-sha256",
        }
    }
}

/// Selects every [`Header`].
pub(crate) struct SignedHeaders;

impl HeaderSelection for SignedHeaders {
    const NAMES: &'static [&'static str] = &[
        Header::Authorization.name(),
        Header::Timestamp.name(),
        Header::BodyDigest.name(),
    ];
}
