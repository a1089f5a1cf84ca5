//! The event that API Gateway sends to a `REQUEST` authorizer of a REST API, as far as it is read.
//!
//! Strings borrow from the event wherever JSON allows it. What is not read is skipped without being stored.

mod headers;
mod path_parameters;
mod query;

use serde::Deserialize;

pub use self::headers::HeaderSelection;
use self::{
    headers::HeaderPairs,
    path_parameters::PathParameters,
    query::{QueryNames, QueryPairs},
};
use crate::{
    Text,
    merge::{Names, merge, only_in_single},
    route_path::route_path,
};

/// A `REQUEST` authorizer event.
#[derive(Debug)]
pub struct AuthorizerEvent<'a> {
    method_arn: Text<'a>,
    http_method: Text<'a>,
    path: Text<'a>,
    resource: Option<Text<'a>>,
    path_parameters: Vec<(Text<'a>, Text<'a>)>,
    headers: Vec<(&'static str, Text<'a>)>,
    query: Vec<(Text<'a>, Text<'a>)>,
    context: RequestContext<'a>,
}

/// The event is not a usable `REQUEST` authorizer event. The text quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizerEventError {
    /// It is not JSON, or a member is missing or has another type.
    #[error(
        "the event is not a REQUEST authorizer event of a REST API ({problem} error at line {line} column {column})"
    )]
    Shape {
        /// `data` or `syntax`.
        problem: &'static str,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Its `type` is not `REQUEST`.
    #[error("the event is for another type of authorizer than REQUEST")]
    AuthorizerType,
    /// `queryStringParameters` has a name that `multiValueQueryStringParameters` lacks.
    #[error("the event has query parameters that are missing from its multiValueQueryStringParameters")]
    LostQuery,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: HeaderSelection"))]
struct Members<'a, S> {
    #[serde(borrow, rename = "type")]
    authorizer_type: Text<'a>,
    #[serde(borrow)]
    method_arn: Text<'a>,
    #[serde(borrow)]
    http_method: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow, default)]
    resource: Option<Text<'a>>,
    #[serde(borrow, default)]
    path_parameters: Option<PathParameters<'a>>,
    #[serde(borrow, default)]
    headers: Option<HeaderPairs<'a, S>>,
    #[serde(borrow, default)]
    multi_value_headers: Option<HeaderPairs<'a, S>>,
    #[serde(borrow, default)]
    query_string_parameters: Option<QueryNames<'a>>,
    #[serde(borrow, default)]
    multi_value_query_string_parameters: Option<QueryPairs<'a>>,
    #[serde(borrow, default)]
    request_context: Option<RequestContext<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(borrow, default)]
    request_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    extended_request_id: Option<Text<'a>>,
}

impl<'a> AuthorizerEvent<'a> {
    /// Reads an event. Of its headers, those that `S` selects are kept.
    pub fn parse<S: HeaderSelection>(event: &'a [u8]) -> Result<Self, AuthorizerEventError> {
        let members: Members<'a, S> = serde_json::from_slice(event)?;
        if members.authorizer_type.as_str() != "REQUEST" {
            return Err(AuthorizerEventError::AuthorizerType);
        }
        let query = members.multi_value_query_string_parameters.unwrap_or_default().0;
        // A function that reads both maps would see these parameters: a policy that was decided without them would apply
        // for any value of them.
        let single = members.query_string_parameters.unwrap_or_default().0;
        let lost = only_in_single(&query, single.into_iter().map(|name| (name, ())), Names::Exact);
        if !lost.is_empty() {
            return Err(AuthorizerEventError::LostQuery);
        }
        let headers = merge(
            members.multi_value_headers.unwrap_or_default().into_pairs(),
            members.headers.unwrap_or_default().into_pairs(),
            Names::IgnoreCase,
        );
        Ok(Self {
            method_arn: members.method_arn,
            http_method: members.http_method,
            path: members.path,
            resource: members.resource,
            path_parameters: members.path_parameters.unwrap_or_default().0,
            headers,
            query,
            context: members.request_context.unwrap_or_default(),
        })
    }

    /// The ARN of the method that the client called.
    #[must_use]
    pub fn method_arn(&self) -> &str {
        self.method_arn.as_str()
    }

    /// The HTTP method.
    #[must_use]
    pub fn http_method(&self) -> &str {
        self.http_method.as_str()
    }

    /// The paths that a client may have taken for the request's own: that of the route, which has neither the stage nor the
    /// base path of a custom domain, then that of the event, which has the base path, then that of the request line. They
    /// may be equal.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let path = self.path.as_str();
        let route = self.resource.as_ref().map_or(path, |resource| {
            route_path(path, resource.as_str(), &self.path_parameters)
        });
        [route, path].into_iter().chain(self.context_path())
    }

    /// The decoded query pairs, in the event's order.
    #[must_use]
    pub fn query(&self) -> &[(Text<'a>, Text<'a>)] {
        &self.query
    }

    /// The values of a selected header: all of them if the event has the multi-value map, else the last one.
    pub fn header_values(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(header, _)| *header == name)
            .map(|(_, value)| value.as_str())
    }

    fn context_path(&self) -> Option<&str> {
        self.context.path.as_ref().map(Text::as_str)
    }

    /// API Gateway's id of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.context.request_id.as_ref().map(Text::as_str)
    }

    /// The longer id by which AWS itself finds the request.
    #[must_use]
    pub fn extended_request_id(&self) -> Option<&str> {
        self.context.extended_request_id.as_ref().map(Text::as_str)
    }
}

impl From<serde_json::Error> for AuthorizerEventError {
    fn from(error: serde_json::Error) -> Self {
        // The error's own text may quote a value.
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
