//! The parameters in the query of a URL.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use tenant_core::{Cursor, Filter, PageLimit};

use super::rejection::QueryError;

/// The requested page of the list of all configurations.
#[derive(Debug, Default)]
pub(crate) struct PageQuery {
    pub(crate) filter: Option<Filter>,
    pub(crate) limit: PageLimit,
    pub(crate) last_key: Option<Cursor>,
}

impl<S: Sync> FromRequestParts<S> for PageQuery {
    type Rejection = QueryError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, QueryError> {
        parse(&pairs(parts)?)
    }
}

/// How a configuration is to be validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValidationQuery {
    /// Whether to check the AWS resources that the configuration names.
    pub(crate) live: bool,
}

impl<S: Sync> FromRequestParts<S> for ValidationQuery {
    type Rejection = QueryError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, QueryError> {
        let pairs = pairs(parts)?;
        match single(&pairs, "live")? {
            None | Some("true") => Ok(Self { live: true }),
            Some("false") => Ok(Self { live: false }),
            Some(_) => Err(QueryError::Live),
        }
    }
}

/// Unknown names are ignored: proxies and browsers add their own.
fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, QueryError> {
    Query::try_from_uri(&parts.uri)
        .map(|Query(pairs)| pairs)
        .map_err(|_| QueryError::Malformed)
}

fn parse(pairs: &[(String, String)]) -> Result<PageQuery, QueryError> {
    let limit = single(pairs, "limit")?.map(str::parse).transpose()?.unwrap_or_default();
    // Typed clients send an empty key for the first page, and an empty filter for the whole list.
    let last_key = single(pairs, "last_key")?
        .filter(|key| !key.is_empty())
        .map(str::parse)
        .transpose()?;
    let filter = single(pairs, "filter")?
        .filter(|filter| !filter.is_empty())
        .map(str::parse)
        .transpose()?;
    Ok(PageQuery {
        filter,
        limit,
        last_key,
    })
}

fn single<'a>(pairs: &'a [(String, String)], name: &'static str) -> Result<Option<&'a str>, QueryError> {
    let mut values = pairs
        .iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(QueryError::Repeated(name)),
    }
}
