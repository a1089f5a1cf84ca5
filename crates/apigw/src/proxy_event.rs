//! The REST proxy event of API Gateway, read as an HTTP request.
//!
//! Only the fields that the service uses are read. See `docs/decisions/0001-own-event-adapter.md` for why this is not
//! `lambda_http`, and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html> for the format.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, uri::PathAndQuery};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    merge::{Names, flatten, merge},
    route_path::route_path,
};

/// What API Gateway reports about a request beside the request itself.
#[derive(Debug, Clone, Default)]
pub struct GatewayContext {
    /// API Gateway's id of the request: the client reads it in `X-Request-Id`, and every log line has it.
    pub request_id: Option<String>,
    /// The longer id by which AWS itself finds the request.
    pub extended_request_id: Option<String>,
    /// The host that the client connected to.
    pub domain_name: Option<String>,
    /// The address the request came from.
    pub source_ip: Option<String>,
    /// The version of the key that signed the request, from the authorizer.
    pub key_version: Option<String>,
    /// The body's SHA-256 in hex as the client signed it, from the authorizer.
    pub body_sha256: Option<String>,
}

impl GatewayContext {
    /// Whether this service's authorizer allowed the request: it names the key in every context that it returns.
    #[must_use]
    pub fn is_authorized(&self) -> bool {
        self.key_version.as_deref().is_some_and(|version| !version.is_empty())
    }

    /// Whether the client used a custom domain, and not the URL that AWS gives to an API.
    #[must_use]
    pub fn is_custom_domain(&self) -> bool {
        let domain = self.domain_name.as_deref().unwrap_or_default();
        !domain.is_empty() && !domain.contains(".execute-api.")
    }
}

/// A part of the request that HTTP cannot represent. Nothing of a request is dropped silently: a lost `If-Match` would
/// be a lost update. So the request goes on, marked, to be rejected where every other rejection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unrepresentable {
    /// Longer than [`Uri`] allows, or a path that does not start with `/`.
    #[error("the URL is too long, or its path does not start with a slash")]
    Url,
    /// A name that is not a token, a value with control characters, or more headers than [`HeaderMap`] allows.
    #[error("a header's name or value contains a character that HTTP does not allow, or there are too many headers")]
    Header,
    /// A body marked as base64 that is not valid base64.
    #[error("the body is marked as base64 but is not valid base64")]
    Body,
}

/// The event is not a REST proxy event. The text quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyEventError {
    /// It is not JSON, or a member is missing or has another type.
    #[error("the event is not an API Gateway REST proxy event (line {line}, column {column})")]
    Shape {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// The method is not a token.
    #[error("the event's httpMethod is not an HTTP method")]
    Method,
}

/// The request that `event` describes. Its extensions contain a [`GatewayContext`] and, where HTTP cannot represent a
/// part of it, an [`Unrepresentable`].
///
/// Fails on any other event, which API Gateway never sends.
pub fn to_request(event: &[u8]) -> Result<Request<Vec<u8>>, ProxyEventError> {
    let event: ProxyEvent = serde_json::from_slice(event).map_err(|error| ProxyEventError::Shape {
        // The error's own text may quote a value of the event.
        line: error.line(),
        column: error.column(),
    })?;
    let method = Method::from_bytes(event.http_method.as_bytes()).map_err(|_| ProxyEventError::Method)?;

    let query = merge(
        flatten(event.multi_value_query_string_parameters.unwrap_or_default()),
        event.query_string_parameters.unwrap_or_default(),
        Names::Exact,
    );
    let headers = merge(
        flatten(event.multi_value_headers.unwrap_or_default()),
        event.headers.unwrap_or_default(),
        Names::IgnoreCase,
    );
    let parameters: Vec<_> = event.path_parameters.unwrap_or_default().into_iter().collect();
    let resource = event.resource.unwrap_or_default();
    let uri = build_uri(route_path(&event.path, &resource, &parameters), &query);
    let headers = build_headers(headers);
    let body = decode_body(event.body, event.is_base64_encoded.unwrap_or(false));
    let unrepresentable = uri
        .as_ref()
        .err()
        .or(headers.as_ref().err())
        .or(body.as_ref().err())
        .copied();

    let mut request = Request::new(body.unwrap_or_default());
    *request.method_mut() = method;
    *request.uri_mut() = uri.unwrap_or_default();
    *request.headers_mut() = headers.unwrap_or_default();
    request
        .extensions_mut()
        .insert(GatewayContext::from(event.request_context));
    if let Some(unrepresentable) = unrepresentable {
        request.extensions_mut().insert(unrepresentable);
    }
    Ok(request)
}

/// Either map may be null or absent, and so may every other part that is an `Option`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyEvent {
    http_method: String,
    path: String,
    resource: Option<String>,
    path_parameters: Option<BTreeMap<String, String>>,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    request_context: RequestContext,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
    extended_request_id: Option<String>,
    domain_name: Option<String>,
    identity: Option<Identity>,
    authorizer: Option<AuthorizerContext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

/// What the authorizer of this service adds to the context, beside what API Gateway adds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerContext {
    key_version: Option<String>,
    body_sha256: Option<String>,
}

impl From<RequestContext> for GatewayContext {
    fn from(context: RequestContext) -> Self {
        let (key_version, body_sha256) = context.authorizer.map_or((None, None), |authorizer| {
            (authorizer.key_version, authorizer.body_sha256)
        });
        let source_ip = context.identity.and_then(|identity| identity.source_ip);
        Self {
            request_id: context.request_id,
            extended_request_id: context.extended_request_id,
            domain_name: context.domain_name,
            source_ip,
            key_version,
            body_sha256,
        }
    }
}

/// The characters of a path that need no encoding are those of RFC 3986's `pchar`, and `/`.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Everything but RFC 3986's unreserved characters.
const NOT_IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// AWS sends the path as it was on the wire, emulators send it decoded. What a URI does not allow is encoded, and nothing
/// else changes: the authorizer verified this very path, dot segments and doubled slashes included. The query arrives
/// decoded.
fn build_uri(path: &str, query: &[(String, String)]) -> Result<Uri, Unrepresentable> {
    let mut text = String::with_capacity(path.len());
    for (index, part) in path.split('%').enumerate() {
        if index > 0 {
            let is_escape = part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
            text.push_str(if is_escape { "%" } else { "%25" });
        }
        text.extend(utf8_percent_encode(part, NOT_IN_PATH));
    }
    for (index, (name, value)) in query.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.extend(utf8_percent_encode(name, NOT_IN_QUERY));
        text.push('=');
        text.extend(utf8_percent_encode(value, NOT_IN_QUERY));
    }
    // Not parsed as a `Uri`: that would read what follows `//` as a host.
    let path_and_query = PathAndQuery::try_from(text).map_err(|_| Unrepresentable::Url)?;
    Ok(Uri::from(path_and_query))
}

fn build_headers(pairs: Vec<(String, String)>) -> Result<HeaderMap, Unrepresentable> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unrepresentable::Header)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Unrepresentable::Header)?;
        headers.try_append(name, value).map_err(|_| Unrepresentable::Header)?;
    }
    Ok(headers)
}

fn decode_body(body: Option<String>, is_base64: bool) -> Result<Vec<u8>, Unrepresentable> {
    let body = body.unwrap_or_default();
    if is_base64 {
        BASE64_STANDARD.decode(body).map_err(|_| Unrepresentable::Body)
    } else {
        Ok(body.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri_for(path: &str, query: &[(&str, &str)]) -> String {
        let query: Vec<_> = query
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        build_uri(path, &query).unwrap().to_string()
    }

    fn request_with(fields: &str) -> Request<Vec<u8>> {
        let event = format!(r#"{{"httpMethod":"GET","path":"/","requestContext":{{}},{fields}}}"#);
        to_request(event.as_bytes()).unwrap()
    }

    #[test]
    fn raw_path_is_unchanged() {
        for path in [
            "/a%2Fb/%2e%2e/%C3%A9",
            "/a/../b/./c",
            "//a//b/",
            "/a;b=c,d@e:f!$&'()*+~",
            "/",
        ] {
            assert_eq!(uri_for(path, &[]), path);
        }
    }

    #[test]
    fn decoded_path_is_encoded_where_a_uri_needs_it() {
        assert_eq!(
            uri_for("/a b/é/\0/\"#<>?[\\]^`{|}", &[]),
            "/a%20b/%C3%A9/%00/%22%23%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D"
        );
        assert_eq!(uri_for("/100%/%4/%zz/%é", &[]), "/100%25/%254/%25zz/%25%C3%A9");
    }

    #[test]
    fn path_after_two_slashes_is_not_a_host() {
        let uri = build_uri("//evil.example/api", &[]).unwrap();
        assert_eq!((uri.host(), uri.path()), (None, "//evil.example/api"));
    }

    #[test]
    fn decoded_query_is_encoded_to_the_same_pairs() {
        assert_eq!(
            uri_for("/", &[("last_key", "acme#s3"), ("a&b", "c=d +é"), ("", "")]),
            "/?last_key=acme%23s3&a%26b=c%3Dd%20%2B%C3%A9&="
        );
    }

    #[test]
    fn unrepresentable_url_is_reported() {
        for path in ["", "api", "?", &"/".repeat(70_000)] {
            assert_eq!(build_uri(path, &[]).unwrap_err(), Unrepresentable::Url);
        }
    }

    #[test]
    fn base_path_of_a_custom_domain_is_not_part_of_the_uri() {
        for (resource, proxy) in [
            ("/{proxy+}", "api/v1/tenants/a%2Fb/x"),
            ("/api/v1/{proxy+}", "tenants/a%2Fb/x"),
        ] {
            let event = format!(
                r#"{{"httpMethod":"GET","path":"/logging/api/v1/tenants/a%2Fb/x","resource":"{resource}",
                    "pathParameters":{{"proxy":"{proxy}"}},"requestContext":{{}}}}"#
            );
            let request = to_request(event.as_bytes()).unwrap();
            assert_eq!(request.uri(), "/api/v1/tenants/a%2Fb/x", "{resource}");
        }
    }

    #[test]
    fn every_value_of_a_repeated_header_arrives() {
        let request = request_with(
            r#""headers":{"if-match":"\"2\"","Only":"here"},"multiValueHeaders":{"If-Match":["\"1\"","\"2\""]}"#,
        );
        let values: Vec<_> = request.headers().get_all("if-match").iter().collect();
        assert_eq!(values, ["\"1\"", "\"2\""]);
        assert_eq!(request.headers()["only"], "here");
    }

    #[test]
    fn unrepresentable_header_marks_the_request() {
        for fields in [
            r#""headers":{"If-Match":"\"1\"\n"}"#,
            r#""headers":{"If Match":"\"1\""}"#,
            r#""headers":{"":"x"}"#,
            r#""multiValueHeaders":{"If-Match":["\u0000"]}"#,
        ] {
            let request = request_with(fields);
            assert_eq!(request.extensions().get(), Some(&Unrepresentable::Header), "{fields}");
        }
    }

    #[test]
    fn non_ascii_header_value_arrives_as_utf_8() {
        let request = request_with(r#""headers":{"User-Agent":"é"}"#);
        assert_eq!(request.headers()["user-agent"].as_bytes(), "é".as_bytes());
        assert_eq!(request.extensions().get::<Unrepresentable>(), None);
    }

    #[test]
    fn invalid_base64_body_marks_the_request() {
        for body in ["!", "YQ", "YQ=", "YQ==\\n"] {
            let request = request_with(&format!(r#""body":"{body}","isBase64Encoded":true"#));
            assert_eq!(request.extensions().get(), Some(&Unrepresentable::Body), "{body}");
        }
    }

    #[test]
    fn event_of_another_kind_is_rejected_without_quoting_it() {
        for event in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"httpMethod":"secret","path":7,"requestContext":{}}"#,
            r#"{"httpMethod":"GET","path":"/"}"#,
            r#"{"httpMethod":"GE T","path":"/","requestContext":{}}"#,
            r#"{"httpMethod":"","path":"/","requestContext":{}}"#,
            r#"{"httpMethod":"GET","path":"/","requestContext":{"authorizer":{"bodySha256":"secret","keyVersion":{}}}}"#,
            r#"{"httpMethod":"GET","path":"/","requestContext":{},"headers":{"a":["secret"]}}"#,
        ] {
            let error = to_request(event.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
