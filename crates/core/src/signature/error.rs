//! Why a request is rejected.

/// One variant for each cause. The texts are for the log: a client learns only that the request was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The method is empty or contains something other than letters.
    #[error("the method contains something other than letters")]
    MethodMalformed,
    /// The path does not begin with `/`.
    #[error("the path does not begin with /")]
    UriNotAbsolute,
    /// The URI is longer than [`MAX_URI_BYTES`](super::MAX_URI_BYTES).
    #[error("the URI is longer than {} bytes", super::MAX_URI_BYTES)]
    UriTooLong,
    /// The URI contains a control byte, in its path encoded or not.
    #[error("the URI contains a control byte")]
    UriControlByte,
    /// The path contains a backslash, encoded or not.
    #[error("the path contains a backslash")]
    UriBackslash,
    /// The path contains `//`, encoded or not.
    #[error("the path contains //")]
    UriDoubleSlash,
    /// The path contains a `.` or `..` segment, encoded or not.
    #[error("the path contains a . or .. segment")]
    UriDotSegment,
    /// The path contains an unencoded `?` or `#`: it was decoded on the way, so its end is unknown.
    #[error("the path contains an unencoded ? or #")]
    UriDelimiterInPath,
    /// There are more than [`MAX_QUERY_PAIRS`](super::MAX_QUERY_PAIRS) query pairs.
    #[error("the query has more than {} pairs", super::MAX_QUERY_PAIRS)]
    TooManyQueryPairs,
    /// The timestamp does not have the form that the scheme requires.
    #[error("the timestamp is not of the form YYYY-MM-DDThh:mm:ss[.fraction][Z or offset]")]
    TimestampMalformed,
    /// The timestamp is a day or a time that does not exist.
    #[error("the timestamp is not an existing date")]
    TimestampNotADate,
    /// The timestamp is older than the window allows.
    #[error("the timestamp is too old")]
    TimestampExpired,
    /// The timestamp is further ahead than the window allows.
    #[error("the timestamp is in the future")]
    TimestampInFuture,
    /// `Authorization` has another scheme, or none.
    #[error("the authorization scheme is not {}", super::SCHEME)]
    WrongScheme,
    /// What follows the scheme is not exactly 64 hex digits.
    #[error("the signature is not 64 hex digits")]
    SignatureMalformed,
    /// The body digest is not exactly 64 hex digits.
    #[error("the body digest is not 64 hex digits")]
    BodyDigestMalformed,
    /// No candidate URI verifies.
    #[error("the signature does not match the request")]
    WrongSignature,
}

impl SignatureError {
    /// A stable word for logs and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::MethodMalformed => "method_malformed",
            Self::UriNotAbsolute => "uri_not_absolute",
            Self::UriTooLong => "uri_too_long",
            Self::UriControlByte => "uri_control_byte",
            Self::UriBackslash => "uri_backslash",
            Self::UriDoubleSlash => "uri_double_slash",
            Self::UriDotSegment => "uri_dot_segment",
            Self::UriDelimiterInPath => "uri_delimiter_in_path",
            Self::TooManyQueryPairs => "too_many_query_pairs",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::TimestampNotADate => "timestamp_not_a_date",
            Self::TimestampExpired => "timestamp_expired",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::WrongScheme => "wrong_scheme",
            Self::SignatureMalformed => "signature_malformed",
            Self::BodyDigestMalformed => "body_digest_malformed",
            Self::WrongSignature => "wrong_signature",
        }
    }
}
