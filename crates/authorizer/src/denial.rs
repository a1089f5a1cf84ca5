//! Why a request is denied.

use tenant_core::signature::SignatureError;

use crate::header::Header;

/// One variant for each cause, which is never disclosed to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// A required header is missing.
    Missing(Header),
    /// A header was sent more than once.
    Repeated(Header),
    /// A header has a comma: a proxy may have joined several values.
    HasComma(Header),
    /// The method has a body, which must be bound to the signature but is not.
    BodyNotBound,
    /// A policy would read the method's ARN as a pattern, so no policy can allow this request alone.
    ResourceIsPattern,
    /// The signature, or a part of the request that it covers, is invalid.
    Signature(SignatureError),
}

impl Denial {
    /// A stable word for the log and its metrics.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Missing(Header::Authorization) => "authorization_missing",
            Self::Missing(Header::Timestamp) => "timestamp_missing",
            Self::Missing(Header::BodyDigest) | Self::BodyNotBound => "body_digest_missing",
            Self::Repeated(Header::Authorization) => "authorization_repeated",
            Self::Repeated(Header::Timestamp) => "timestamp_repeated",
            Self::Repeated(Header::BodyDigest) => "body_digest_repeated",
            Self::HasComma(Header::Authorization) => "authorization_has_comma",
            Self::HasComma(Header::Timestamp) => "timestamp_has_comma",
            Self::HasComma(Header::BodyDigest) => "body_digest_has_comma",
            Self::ResourceIsPattern => "resource_is_pattern",
            Self::Signature(error) => error.reason(),
        }
    }
}

impl From<SignatureError> for Denial {
    fn from(error: SignatureError) -> Self {
        Self::Signature(error)
    }
}
