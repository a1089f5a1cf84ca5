//! The event that API Gateway sends to a `REQUEST` authorizer of a REST API, as far as it is read.
//!
//! Texts borrow from the event wherever JSON allows it, and what is not read is skipped without being kept.

mod headers;
mod query;
mod text;

use serde::Deserialize;

pub(crate) use headers::{Header, HeaderValue, SignedHeaders};
use query::{QueryPairs, SingleQuery};
pub(crate) use text::Text;

/// The event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    authorizer_type: Text<'a>,
    #[serde(borrow)]
    pub(crate) method_arn: Text<'a>,
    #[serde(borrow)]
    pub(crate) http_method: Text<'a>,
    /// The path without the stage, on an `execute-api` host.
    #[serde(borrow)]
    pub(crate) path: Text<'a>,
    #[serde(borrow, default)]
    headers: Option<SignedHeaders<'a>>,
    #[serde(borrow, default)]
    multi_value_headers: Option<SignedHeaders<'a>>,
    #[serde(borrow, default)]
    query_string_parameters: Option<SingleQuery<'a>>,
    #[serde(borrow, default)]
    multi_value_query_string_parameters: Option<QueryPairs<'a>>,
    #[serde(borrow, default)]
    request_context: Option<RequestContext<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    /// The path of the request line.
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(borrow, default)]
    request_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    extended_request_id: Option<Text<'a>>,
}

/// An event that is not one to judge. It quotes nothing of the event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EventError {
    #[error(
        "the event is not that of a REQUEST authorizer of a REST API ({problem} error at line {line} column {column})"
    )]
    Shape {
        problem: &'static str,
        line: usize,
        column: usize,
    },
    #[error("the event is not that of a REQUEST authorizer, but of another type")]
    AuthorizerType,
    #[error("the event has query parameters that are not in its multiValueQueryStringParameters")]
    LostQuery,
    #[error("the event's methodArn is not that of an execute-api method")]
    MethodArn,
}

impl<'a> Event<'a> {
    /// Reads the event.
    pub(crate) fn parse(event: &'a [u8]) -> Result<Self, EventError> {
        let event: Self = serde_json::from_slice(event)?;
        if event.authorizer_type.as_str() != "REQUEST" {
            return Err(EventError::AuthorizerType);
        }
        // The api takes from the single map what the other lacks: a decision about less than the whole query would be
        // good for whatever stands there.
        let is_lost = event
            .query_string_parameters
            .as_ref()
            .is_some_and(|query| query.has_more_names_than(event.query()));
        if is_lost {
            return Err(EventError::LostQuery);
        }
        Ok(event)
    }

    /// The decoded query pairs, in the event's order.
    pub(crate) fn query(&self) -> &[(Text<'a>, Text<'a>)] {
        self.multi_value_query_string_parameters
            .as_ref()
            .map_or(&[], QueryPairs::as_slice)
    }

    /// A header: every value that was sent if the event shows them, else the last one.
    pub(crate) fn header(&self, header: Header) -> &HeaderValue<'a> {
        let maps = [&self.multi_value_headers, &self.headers];
        maps.into_iter()
            .flatten()
            .map(|headers| headers.get(header))
            .find(|value| !matches!(value, HeaderValue::Absent))
            .unwrap_or(&HeaderValue::Absent)
    }

    /// The path of the request line, with the stage or base path if it has one.
    pub(crate) fn context_path(&self) -> Option<&str> {
        self.request_context.as_ref()?.path.as_ref().map(Text::as_str)
    }

    /// API Gateway's id of the request.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_context.as_ref()?.request_id.as_ref().map(Text::as_str)
    }

    /// The longer id by which AWS itself finds the request.
    pub(crate) fn extended_request_id(&self) -> Option<&str> {
        self.request_context
            .as_ref()?
            .extended_request_id
            .as_ref()
            .map(Text::as_str)
    }
}

impl From<serde_json::Error> for EventError {
    fn from(error: serde_json::Error) -> Self {
        // The error's own words may quote a value.
        let problem = match error.classify() {
            serde_json::error::Category::Data => "data",
            _ => "syntax",
        };
        Self::Shape {
            problem,
            line: error.line(),
            column: error.column(),
        }
    }
}
