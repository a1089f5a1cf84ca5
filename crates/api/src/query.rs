//! What the query of a URL asks for.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use tenant_core::{Cursor, CursorError, PageLimit, PageLimitError};

use crate::error::ApiError;

/// Why a query is refused. The text is the sentence that the client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// No percent-encoded pairs.
    #[error("The URL's query must be name=value pairs in UTF-8, percent-encoded.")]
    Malformed,
    /// Which of the two was meant is anybody's guess.
    #[error("The URL names {0} more than once; send it once.")]
    Repeated(&'static str),
    /// No page length.
    #[error("{0}.")]
    Limit(#[from] PageLimitError),
    /// No paging key.
    #[error("{0}.")]
    LastKey(#[from] CursorError),
    /// Neither of the two words.
    #[error("The parameter live must be true or false.")]
    Live,
}

/// Which page of the list of all configurations is asked for.
#[derive(Debug, Default)]
pub(crate) struct PageQuery {
    pub(crate) limit: PageLimit,
    pub(crate) last_key: Option<Cursor>,
}

impl<S: Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(parse(&pairs(parts)?)?)
    }
}

/// How a configuration is to be validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValidationQuery {
    /// Whether to look beyond the table.
    pub(crate) live: bool,
}

impl<S: Sync> FromRequestParts<S> for ValidationQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = pairs(parts)?;
        match only(&pairs, "live")? {
            None | Some("true") => Ok(Self { live: true }),
            Some("false") => Ok(Self { live: false }),
            Some(_) => Err(QueryError::Live.into()),
        }
    }
}

/// Names that mean nothing here are passed over: proxies and browsers add their own.
fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, QueryError> {
    Query::try_from_uri(&parts.uri)
        .map(|Query(pairs)| pairs)
        .map_err(|_| QueryError::Malformed)
}

fn parse(pairs: &[(String, String)]) -> Result<PageQuery, QueryError> {
    let limit = only(pairs, "limit")?.map(str::parse).transpose()?.unwrap_or_default();
    // Typed clients send an empty key for the first page.
    let last_key = only(pairs, "last_key")?
        .filter(|key| !key.is_empty())
        .map(str::parse)
        .transpose()?;
    Ok(PageQuery { limit, last_key })
}

fn only<'a>(pairs: &'a [(String, String)], name: &'static str) -> Result<Option<&'a str>, QueryError> {
    let mut values = pairs
        .iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(QueryError::Repeated(name)),
    }
}
