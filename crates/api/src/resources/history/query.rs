//! The parameters in the query of the history's URLs.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use tenant_core::{
    PageLimit,
    history::{Event, FeedCursor, Revision},
};
use tenant_store::history::{Order, PageQuery};

use crate::http::{
    query::{Pairs, Parameters},
    rejection::QueryError,
    rfc3339,
};

/// A page of the revisions of a configuration.
#[derive(Debug, Default)]
pub(crate) struct RevisionQuery(pub(crate) PageQuery);

impl Parameters for RevisionQuery {
    const NAMES: &'static [&'static str] = &["cursor", "limit", "order", "since", "until"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        let order = match pairs.single("order")? {
            None | Some("desc") => Order::NewestFirst,
            Some("asc") => Order::OldestFirst,
            Some(_) => return Err(QueryError::Order),
        };
        let (since, until) = (time(pairs, "since")?, time(pairs, "until")?);
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(QueryError::Until);
        }
        Ok(Self(PageQuery {
            order,
            after: cursor::<Revision>(pairs)?,
            since,
            until,
            limit: limit(pairs)?,
        }))
    }
}

/// A page of a feed.
#[derive(Debug, Default)]
pub(crate) struct FeedQuery {
    pub(crate) cursor: Option<FeedCursor>,
    pub(crate) event: Option<Event>,
    pub(crate) limit: PageLimit,
    pub(crate) since: Option<DateTime<Utc>>,
}

impl Parameters for FeedQuery {
    const NAMES: &'static [&'static str] = &["cursor", "event", "limit", "since"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        let event = pairs.single("event")?;
        Ok(Self {
            cursor: cursor(pairs)?,
            event: event
                .map(|name| Event::from_name(name).ok_or(QueryError::Event))
                .transpose()?,
            limit: limit(pairs)?,
            since: time(pairs, "since")?,
        })
    }
}

/// When the configuration to read was what it was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtQuery {
    pub(crate) at: Option<DateTime<Utc>>,
}

impl Parameters for AtQuery {
    const NAMES: &'static [&'static str] = &["at"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        Ok(Self { at: time(pairs, "at")? })
    }
}

/// How a revision is to be restored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RestoreQuery {
    pub(crate) is_dry_run: bool,
}

impl Parameters for RestoreQuery {
    const NAMES: &'static [&'static str] = &["dry_run"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        match pairs.single("dry_run")? {
            None | Some("false") => Ok(Self { is_dry_run: false }),
            Some("true") => Ok(Self { is_dry_run: true }),
            Some(_) => Err(QueryError::Flag("dry_run")),
        }
    }
}

fn limit(pairs: &Pairs) -> Result<PageLimit, QueryError> {
    Ok(pairs.single("limit")?.map(str::parse).transpose()?.unwrap_or_default())
}

/// Typed clients send an empty cursor for the first page.
fn cursor<T: FromStr>(pairs: &Pairs) -> Result<Option<T>, QueryError> {
    let cursor = pairs.single("cursor")?.filter(|cursor| !cursor.is_empty());
    cursor
        .map(|cursor| cursor.parse().map_err(|_| QueryError::Cursor))
        .transpose()
}

fn time(pairs: &Pairs, name: &'static str) -> Result<Option<DateTime<Utc>>, QueryError> {
    let text = pairs.single(name)?;
    text.map(|text| rfc3339::from_text(text).ok_or(QueryError::Time(name)))
        .transpose()
}
