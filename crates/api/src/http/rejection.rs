//! Why an extractor or a layer rejects a request, one type for each. They know no status: [`ApiError`] is made from them,
//! and maps itself to one.
//!
//! [`ApiError`]: super::error::ApiError

use tenant_core::{CursorError, FilterError, InvalidKey, PageLimitError, Violation, history::RevisionError};

use crate::event::Unrepresentable;

/// No authorizer has allowed the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no authorizer allowed the request")]
pub(crate) struct NotAuthorized;

/// Why a body is not passed on to its handler.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyRejection {
    /// The event contains something that HTTP cannot represent.
    #[error(transparent)]
    Unrepresentable(#[from] Unrepresentable),
    /// More bytes than the route takes.
    #[error("the body is larger than {max_bytes} bytes")]
    TooLarge {
        /// How many it takes.
        max_bytes: usize,
    },
    /// Reading the body failed.
    #[error("the body was not received completely")]
    Incomplete(#[source] axum::Error),
    /// Not the body that was signed.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// Not a body in JSON.
    #[error(transparent)]
    MediaType(#[from] MediaTypeError),
}

/// The body is not one that the client signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DigestError {
    /// None, on a route that requires one.
    #[error("X-Body-SHA256 is required on this route: send the SHA-256 of the body as 64 hex digits, and sign it")]
    Required,
    /// Not 64 hex digits.
    #[error("X-Body-SHA256 must be the SHA-256 of the body as 64 hex digits")]
    Malformed,
    /// The digest of other bytes than the received ones.
    #[error("X-Body-SHA256 does not match the received body")]
    Mismatch,
}

/// Why a body is not read as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MediaTypeError {
    /// The content type of a body that must be JSON is another one.
    #[error("the Content-Type of the body must be application/json in UTF-8")]
    NotJson,
    /// The same, where a merge patch is supported too.
    #[error("the Content-Type of the body must be application/json or application/merge-patch+json in UTF-8")]
    NotJsonOrMergePatch,
    /// The body is compressed.
    #[error("the body must not have a Content-Encoding")]
    Encoded,
}

/// Why the path of a URL is rejected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PathRejection {
    /// The decoded path is not text.
    #[error("the path is not percent-encoded UTF-8")]
    NotUtf8,
    /// The tenant ID breaks a rule.
    #[error("the tenant ID in the URL is invalid")]
    TenantId(#[source] Violation),
    /// There is no such delivery type.
    #[error("the delivery type in the URL is invalid")]
    DeliveryType(#[source] Violation),
    /// It is not the name of a revision.
    #[error("the revision in the URL is invalid")]
    Revision(#[from] RevisionError),
}

impl From<InvalidKey> for PathRejection {
    fn from(invalid: InvalidKey) -> Self {
        match invalid {
            InvalidKey::TenantId(violation) => Self::TenantId(violation),
            InvalidKey::DeliveryType(violation) => Self::DeliveryType(violation),
        }
    }
}

/// Why the query of a URL is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// Not percent-encoded pairs.
    #[error("the query is not percent-encoded UTF-8")]
    Malformed,
    /// No parameter of the route has this name.
    #[error("the query contains an unknown parameter")]
    Unknown {
        /// The name, shortened.
        name: String,
        /// What the client probably meant.
        nearest: Option<&'static str>,
        /// Every parameter of the route.
        known: &'static [&'static str],
    },
    /// It is unclear which of the values was meant.
    #[error("the query contains {0} more than once")]
    Repeated(&'static str),
    /// Not a valid filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Not a valid page length.
    #[error(transparent)]
    Limit(#[from] PageLimitError),
    /// Not a valid paging key.
    #[error(transparent)]
    LastKey(#[from] CursorError),
    /// Not a Boolean.
    #[error("{0} must be true or false")]
    Flag(&'static str),
    /// Not a time.
    #[error("{0} must be a time in RFC 3339")]
    Time(&'static str),
    /// A time that has not come yet.
    #[error("{0} must not be in the future")]
    Future(&'static str),
    /// No time is between the two.
    #[error("since must be before until")]
    Until,
    /// Not an order of revisions.
    #[error("order must be desc or asc")]
    Order,
    /// Not an event of a revision.
    #[error("event must be the name of an event")]
    Event,
    /// Not a place in a list of revisions or in a feed.
    #[error("cursor must be one that a previous response contains")]
    Cursor,
    /// Not a status of a delivery.
    #[error("status must be the name of a status")]
    Status,
    /// Not a form of a batch's results.
    #[error("return must be full")]
    Return,
    /// More configurations than a response has room for.
    #[error("return=full is for up to {max} operations, not {found}")]
    TooManyToReturn {
        /// The operations of the batch.
        found: usize,
        /// How many there may be.
        max: usize,
    },
}

/// Why the note of a change is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoteError {
    /// It is unclear which of them was meant.
    #[error("X-Change-Note must not be sent more than once: send one note")]
    Repeated,
    /// Too long, or more than a line.
    #[error("X-Change-Note {0}: send a shorter or simpler note, or omit the header")]
    Invalid(Violation),
}

/// The configuration exists, but not in a version that the request accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PreconditionFailed {
    /// `If-Match` names other versions.
    #[error("If-Match does not match the version")]
    VersionMismatch,
    /// `If-None-Match` names this version.
    #[error("If-None-Match excludes the version")]
    VersionExcluded,
}

/// The deadline of a request was reached before its handler responded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request reached its deadline")]
pub(crate) struct OutOfTime {
    /// Whether the request may have changed something by then.
    pub(crate) writes: bool,
}
