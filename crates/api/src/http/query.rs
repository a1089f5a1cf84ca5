//! The parameters in the query of a URL.
//!
//! A handler takes [`Query`] of the parameters that its route has, or of `()`. Other names are rejected: a mistyped filter that is
//! ignored returns everything. Nothing between client and service can add a parameter to a signed request without
//! invalidating its signature. Open routes take no `Query`: monitoring tools add parameters to get past caches.

use axum::extract::FromRequestParts;
use http::request::Parts;
use tenant_core::{Cursor, Filter, PageLimit, nearest_name, shorten_name};

use super::rejection::QueryError;

/// The parameters of a route. A test compares the names with the API's description, route by route.
pub(crate) trait Parameters: Sized {
    /// Every name, in alphabetical order.
    const NAMES: &'static [&'static str];

    /// Reads the parameters from a query that has no other names.
    fn parse(pairs: &Pairs) -> Result<Self, QueryError>;
}

/// The query of a request: valid values for the parameters of its route, and nothing else.
#[derive(Debug)]
pub(crate) struct Query<P>(pub(crate) P);

impl<S: Sync, P: Parameters> FromRequestParts<S> for Query<P> {
    type Rejection = QueryError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, QueryError> {
        let pairs = Pairs::parse(parts)?;
        pairs.check_names(P::NAMES)?;
        P::parse(&pairs).map(Self)
    }
}

/// A route without parameters.
impl Parameters for () {
    const NAMES: &'static [&'static str] = &[];

    fn parse(_: &Pairs) -> Result<Self, QueryError> {
        Ok(())
    }
}

/// The requested page of the list of all configurations.
#[derive(Debug, Default)]
pub(crate) struct PageQuery {
    pub(crate) filter: Option<Filter>,
    pub(crate) limit: PageLimit,
    pub(crate) last_key: Option<Cursor>,
}

impl Parameters for PageQuery {
    const NAMES: &'static [&'static str] = &["filter", "last_key", "limit"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        let limit = pairs.single("limit")?.map(str::parse).transpose()?.unwrap_or_default();
        // Typed clients send an empty key for the first page, and an empty filter for the whole list.
        let last_key = pairs
            .single("last_key")?
            .filter(|key| !key.is_empty())
            .map(str::parse)
            .transpose()?;
        let filter = pairs
            .single("filter")?
            .filter(|filter| !filter.is_empty())
            .map(str::parse)
            .transpose()?;
        Ok(Self {
            filter,
            limit,
            last_key,
        })
    }
}

/// How a configuration is to be validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValidationQuery {
    /// Whether to check the AWS resources that the configuration names.
    pub(crate) live: bool,
}

impl Parameters for ValidationQuery {
    const NAMES: &'static [&'static str] = &["live"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        match pairs.single("live")? {
            None | Some("true") => Ok(Self { live: true }),
            Some("false") => Ok(Self { live: false }),
            Some(_) => Err(QueryError::Flag("live")),
        }
    }
}

/// Operations of a batch whose stored configurations a response can contain, at most: 200 of 64 KiB would be more than
/// Lambda passes on, but they are rarely larger than one.
pub(crate) const MAX_RETURNED: usize = 200;

/// What the results of a batch contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchQuery {
    /// Whether to show the stored configurations and the differences.
    pub(crate) full: bool,
}

impl Parameters for BatchQuery {
    const NAMES: &'static [&'static str] = &["return"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        match pairs.single("return")? {
            None => Ok(Self { full: false }),
            Some("full") => Ok(Self { full: true }),
            Some(_) => Err(QueryError::Return),
        }
    }
}

/// Names and values, in the order in which they were sent.
#[derive(Debug)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn parse(parts: &Parts) -> Result<Self, QueryError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(pairs)| Self(pairs))
            .map_err(|_| QueryError::Malformed)
    }

    fn check_names(&self, known: &'static [&'static str]) -> Result<(), QueryError> {
        let mut names = self.0.iter().map(|(name, _)| name.as_str());
        names.find(|name| !known.contains(name)).map_or(Ok(()), |name| {
            Err(QueryError::Unknown {
                name: shorten_name(name),
                nearest: nearest_name(name, known.iter().copied()),
                known,
            })
        })
    }

    /// The value of a parameter that may be sent once.
    pub(crate) fn single(&self, name: &'static str) -> Result<Option<&str>, QueryError> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(QueryError::Repeated(name)),
        }
    }
}
