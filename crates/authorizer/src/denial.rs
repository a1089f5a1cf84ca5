//! Why a request is denied.

use tenant_core::signature::SignatureError;

use crate::event::Header;

/// One variant for each cause. A client never learns which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// A header that every request needs is not there.
    Missing(Header),
    /// A header was sent more than once.
    Repeated(Header),
    /// A header holds a comma: a proxy may have joined several.
    HasComma(Header),
    /// A body may come, and must be bound to the signature, but is not.
    BodyNotBound,
    /// The method's ARN holds what a policy would read as a pattern, so that no policy can allow this request alone.
    ResourceIsPattern,
    /// The signature or what it is made over.
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
