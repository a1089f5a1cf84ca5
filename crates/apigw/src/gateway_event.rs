//! The events that API Gateway sends for a request to a REST API: one to the authorizer, one to the integration.
//!
//! Details that are easily wrong, and that are as on AWS here: paths keep their percent-encoding, the stage is in
//! `requestContext.path` alone, query values are decoded, both query maps are `null` without a query, a single-value map
//! has the last of several values, and **no map keeps an order**: each is written in another order every time.
//!
//! Where AWS would lose data, this does not: a body that is not UTF-8 is sent as base64 (AWS replaces the bytes unless
//! the media type is configured as binary), and a header value that is not ASCII is read as ISO 8859-1.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderMap;
use percent_encoding::percent_decode;
use serde::Serialize;
use serde_json::{Map, Value};

/// A request as API Gateway received it.
#[derive(Debug, Clone)]
pub struct GatewayRequest<'a> {
    /// The resource of the API that matches, such as `/{proxy+}`.
    pub resource: &'a str,
    /// The value of `{proxy+}` in `resource`.
    pub proxy: Option<&'a str>,
    /// The path without the stage, percent-encoded.
    pub path: &'a str,
    /// The path of the request line.
    pub context_path: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The headers, those that API Gateway adds included.
    pub headers: &'a HeaderMap,
    /// The query without `?`, percent-encoded; `None` without one.
    pub query: Option<&'a str>,
    /// The client's address.
    pub source_ip: String,
    /// When it arrived, as `15/Jan/2024:10:30:00 +0000`.
    pub request_time: String,
    /// The same in milliseconds since 1970.
    pub request_time_epoch: i64,
    /// API Gateway's id of the request.
    pub request_id: &'a str,
    /// The longer id.
    pub extended_request_id: String,
    /// The account, 12 digits.
    pub account: &'a str,
    /// The id of the API.
    pub api: &'a str,
    /// The deployed stage.
    pub stage: &'a str,
}

/// `HashMap` has a new seed for every map, which shuffles the events.
type Single = HashMap<String, String>;
type Multiple = HashMap<String, Vec<String>>;

/// Both events of one request, without what differs between them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    resource: &'a str,
    path: &'a str,
    http_method: &'a str,
    headers: Single,
    multi_value_headers: Multiple,
    query_string_parameters: Option<Single>,
    multi_value_query_string_parameters: Option<Multiple>,
    path_parameters: Option<HashMap<&'a str, &'a str>>,
    stage_variables: Option<Single>,
    request_context: RequestContext<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    resource_path: &'a str,
    http_method: &'a str,
    path: &'a str,
    stage: &'a str,
    request_id: &'a str,
    extended_request_id: String,
    request_time: String,
    request_time_epoch: i64,
    account_id: &'a str,
    api_id: &'a str,
    domain_name: &'a str,
    protocol: &'a str,
    identity: Identity<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<&'a Map<String, Value>>,
}

/// Of the caller's identity only the address and the user agent are known; the rest belongs to other authorizers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    source_ip: String,
    user_agent: Option<&'a str>,
    account_id: Option<&'a str>,
    api_key: Option<&'a str>,
    caller: Option<&'a str>,
    user: Option<&'a str>,
    user_arn: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerEvent<'a> {
    r#type: &'static str,
    method_arn: &'a str,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProxyEvent<'a> {
    #[serde(flatten)]
    event: &'a Event<'a>,
    body: Option<&'a str>,
    is_base64_encoded: bool,
}

impl<'a> Event<'a> {
    /// The common part of both events.
    #[must_use]
    pub fn new(request: GatewayRequest<'a>) -> Self {
        let multi_value_headers = group_headers(request.headers);
        let query = request.query.map(group_query);
        Self {
            resource: request.resource,
            path: request.path,
            http_method: request.method,
            headers: last_values(&multi_value_headers),
            multi_value_headers,
            query_string_parameters: query.as_ref().map(last_values),
            multi_value_query_string_parameters: query,
            path_parameters: request.proxy.map(|rest| HashMap::from([("proxy", rest)])),
            stage_variables: None,
            request_context: RequestContext::new(request),
        }
    }

    /// The event for the authorizer.
    #[must_use]
    pub fn for_authorizer(&self, method_arn: &str) -> Vec<u8> {
        to_json(&AuthorizerEvent {
            r#type: "REQUEST",
            method_arn,
            event: self,
        })
    }

    /// The event for the integration, with the context that the authorizer returned.
    #[must_use]
    pub fn for_integration(&mut self, context: Option<&'a Map<String, Value>>, body: &[u8]) -> Vec<u8> {
        self.request_context.authorizer = context;
        let encoded;
        let (body, is_base64_encoded) = match str::from_utf8(body) {
            Ok("") => (None, false),
            Ok(text) => (Some(text), false),
            Err(_) => {
                encoded = BASE64_STANDARD.encode(body);
                (Some(encoded.as_str()), true)
            }
        };
        to_json(&ProxyEvent {
            event: self,
            body,
            is_base64_encoded,
        })
    }
}

impl<'a> RequestContext<'a> {
    fn new(request: GatewayRequest<'a>) -> Self {
        let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            resource_path: request.resource,
            http_method: request.method,
            path: request.context_path,
            stage: request.stage,
            request_id: request.request_id,
            extended_request_id: request.extended_request_id,
            request_time: request.request_time,
            request_time_epoch: request.request_time_epoch,
            account_id: request.account,
            api_id: request.api,
            domain_name: header("host").unwrap_or_default(),
            protocol: "HTTP/1.1",
            identity: Identity {
                source_ip: request.source_ip,
                user_agent: header("user-agent"),
                account_id: None,
                api_key: None,
                caller: None,
                user: None,
                user_arn: None,
            },
            authorizer: None,
        }
    }
}

fn group_headers(headers: &HeaderMap) -> Multiple {
    headers
        .keys()
        .map(|name| {
            let values = headers
                .get_all(name)
                .iter()
                .map(|value| latin1(value.as_bytes()))
                .collect();
            (title_case(name.as_str()), values)
        })
        .collect()
}

/// The pairs between `&`s. A name without `=` has an empty value; an empty pair is skipped.
fn group_query(query: &str) -> Multiple {
    let mut pairs = Multiple::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(decode(name)).or_default().push(decode(value));
    }
    pairs
}

fn last_values(values: &Multiple) -> Single {
    values
        .iter()
        .filter_map(|(name, values)| Some((name.clone(), values.last()?.clone())))
        .collect()
}

fn decode(text: &str) -> String {
    let spaces = text.replace('+', " ");
    percent_decode(spaces.as_bytes()).decode_utf8_lossy().into_owned()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// The case that most HTTP/1.1 clients write; hyper does not keep the original one.
fn title_case(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|letter| {
            let letter = if start { letter.to_ascii_uppercase() } else { letter };
            start = letter == '-';
            letter
        })
        .collect()
}

fn to_json(event: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(event).expect("maps with string keys are always JSON")
}
