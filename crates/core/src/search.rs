//! A search for configurations, as the body of its request describes it.

use serde_json::Value;

use crate::{
    config::{InputError, parse_members},
    filter::{Filter, FilterError},
    page::{Cursor, CursorError, PageLimit, PageLimitError},
    unknown_name::{nearest_name, shorten_name},
};

/// Which configurations are searched for, and which page of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// What they must be like.
    pub filter: Filter,
    /// The maximum number of them.
    pub limit: PageLimit,
    /// Where the page begins; `None` for the first one.
    pub last_key: Option<Cursor>,
}

/// Why a body does not describe a search.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// No body, or JSON other than an object.
    #[error("the request body must be a JSON object, such as {{\"filter\": \"type = s3\"}}")]
    NotAnObject,
    /// Not JSON with unique names.
    #[error(transparent)]
    Body(InputError),
    /// A member that a search does not have.
    #[error("the request body contains {name}, which a search does not have{}", suggest(*.nearest))]
    UnknownMember {
        /// Its name, truncated if it is long.
        name: String,
        /// The member that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A filter that is not a text.
    #[error("filter must be a string")]
    FilterType,
    /// An invalid filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// An invalid page length.
    #[error(transparent)]
    Limit(#[from] PageLimitError),
    /// An invalid paging key. The text of [`CursorError`] is about a URL.
    #[error("last_key must be a last_key value returned by a previous response, unchanged")]
    LastKey,
}

fn suggest(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || format!(" (it has {})", MEMBERS.join(", ")),
        |nearest| format!(" (did you mean {nearest}?)"),
    )
}

const FILTER: &str = "filter";
const LIMIT: &str = "limit";
const LAST_KEY: &str = "last_key";
const MEMBERS: [&str; 3] = [FILTER, LIMIT, LAST_KEY];

/// Parses the body of a search. Each member may be left out, and null means the same. An empty filter matches every
/// configuration. Typed clients send an empty key for the first page.
pub fn parse_search(body: &[u8]) -> Result<Search, SearchError> {
    let members = parse_members(body).map_err(|error| match error {
        InputError::Empty | InputError::NotAnObject => SearchError::NotAnObject,
        error => SearchError::Body(error),
    })?;
    let mut search = Search::default();
    for (name, value) in members {
        match name.as_str() {
            FILTER => search.filter = parse_filter(&value)?,
            LIMIT => search.limit = parse_limit(&value)?,
            LAST_KEY => search.last_key = parse_last_key(&value)?,
            unknown => {
                return Err(SearchError::UnknownMember {
                    name: shorten_name(unknown),
                    nearest: nearest_name(unknown, MEMBERS),
                });
            }
        }
    }
    Ok(search)
}

fn parse_filter(value: &Value) -> Result<Filter, SearchError> {
    match value {
        Value::Null => Ok(Filter::default()),
        Value::String(text) => Ok(text.parse()?),
        _ => Err(SearchError::FilterType),
    }
}

fn parse_limit(value: &Value) -> Result<PageLimit, SearchError> {
    match value {
        Value::Null => Ok(PageLimit::default()),
        value => Ok(PageLimit::try_from(value)?),
    }
}

fn parse_last_key(value: &Value) -> Result<Option<Cursor>, SearchError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|CursorError| SearchError::LastKey),
        _ => Err(SearchError::LastKey),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: &Value) -> Result<Search, SearchError> {
        parse_search(body.to_string().as_bytes())
    }

    #[test]
    fn members_that_are_left_out_or_null_have_their_defaults() {
        for body in [
            json!({}),
            json!({"filter": null, "limit": null, "last_key": null}),
            json!({"filter": "", "last_key": ""}),
        ] {
            assert_eq!(parse(&body), Ok(Search::default()), "{body}");
        }
        let search = parse(&json!({"filter": "type = s3", "limit": 7, "last_key": "acme#s3"})).unwrap();
        assert_eq!(search.filter.to_string(), "type = \"s3\"");
        assert_eq!(search.limit.get(), 7);
        assert_eq!(search.last_key.unwrap().to_string(), "acme#s3");
    }

    #[test]
    fn whole_limit_from_1_to_1000_is_valid() {
        for (limit, count) in [(json!(1), 1), (json!(1000), 1000), (json!(5.0), 5), (json!(1e3), 1000)] {
            assert_eq!(parse(&json!({"limit": limit})).unwrap().limit.get(), count);
        }
        for limit in [
            json!(0),
            json!(-1),
            json!(1001),
            json!(1.5),
            json!(1e300),
            json!("5"),
            json!(true),
            json!([5]),
        ] {
            assert_eq!(
                parse(&json!({ "limit": limit })),
                Err(SearchError::Limit(PageLimitError)),
                "{limit}"
            );
        }
    }

    #[test]
    fn unknown_member_is_rejected_with_the_nearest_name() {
        for (name, nearest) in [
            ("filters", Some("filter")),
            ("lastKey", Some("last_key")),
            ("order_by", None),
        ] {
            let error = parse(&json!({ name: null })).unwrap_err();
            assert!(
                matches!(&error, SearchError::UnknownMember { name: found, nearest: meant } if found == name && *meant == nearest),
                "{error}"
            );
        }
    }

    #[test]
    fn value_of_another_type_is_rejected() {
        assert_eq!(parse(&json!({"filter": 7})), Err(SearchError::FilterType));
        assert_eq!(parse(&json!({"filter": ["type = s3"]})), Err(SearchError::FilterType));
        for last_key in [json!(7), json!("acme"), json!("acme%23s3"), json!({})] {
            assert_eq!(
                parse(&json!({ "last_key": last_key })),
                Err(SearchError::LastKey),
                "{last_key}"
            );
        }
        let error = parse(&json!({"filter": "type = "})).unwrap_err();
        assert!(
            matches!(error, SearchError::Filter(FilterError { position: 8, .. })),
            "{error}"
        );
    }

    #[test]
    fn body_other_than_an_object_is_rejected() {
        for body in ["", " ", "null", "[]", "\"type = s3\""] {
            assert_eq!(parse_search(body.as_bytes()), Err(SearchError::NotAnObject), "{body:?}");
        }
        assert!(matches!(
            parse_search(b"{\"filter\": \"a\", \"filter\": \"b\"}"),
            Err(SearchError::Body(InputError::DuplicateKey { .. }))
        ));
        assert!(matches!(
            parse_search(b"{\"filter\""),
            Err(SearchError::Body(InputError::NotJson { .. }))
        ));
        assert_eq!(parse_search("\u{feff}{}".as_bytes()), Ok(Search::default()));
    }
}
