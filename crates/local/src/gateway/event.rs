//! The events that API Gateway sends for a request to a REST API: one to the authorizer, one to the api function.
//!
//! What is easily got wrong, and so is done here as AWS does it: paths keep their percent-encoding, the stage is in
//! `requestContext.path` alone, query values arrive decoded, both query maps are `null` without a query, a single map
//! holds the last of several values, and **no map keeps an order**: each is written in another one every time.
//!
//! Where AWS would lose something, this gateway does not: a body that is not UTF-8 arrives as Base64 (AWS replaces the
//! bytes unless the media type is set up as binary), and a header value that is not ASCII arrives as ISO 8859-1.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderMap;
use percent_encoding::percent_decode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{call::Call, id, route::Route};

/// An account that AWS's documentation uses in examples.
const ACCOUNT: &str = "123456789012";
/// The API's id, as long as those that AWS makes up.
const API_ID: &str = "local00000";

/// Where the API is deployed, as the events tell it.
pub(super) struct Deployment<'a> {
    pub(super) region: &'a str,
    pub(super) stage: &'a str,
}

/// `HashMap` seeds itself anew for every map, which is what shuffles the events.
type Single = HashMap<String, String>;
type Multiple = HashMap<String, Vec<String>>;

/// Both events of one request, without what differs between them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
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

#[derive(Serialize)]
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

/// Of a caller's identity the gateway knows only where it is; the rest belongs to other ways of authorizing.
#[derive(Serialize)]
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

/// The ARN of one method of the deployed API, which the authorizer's policy is about.
pub(super) fn method_arn(call: &Call, route: &Route<'_>, deployment: &Deployment<'_>) -> String {
    let Deployment { region, stage } = deployment;
    let path = route.path.trim_start_matches('/');
    format!(
        "arn:aws:execute-api:{region}:{ACCOUNT}:{API_ID}/{stage}/{}/{path}",
        call.method
    )
}

impl<'a> Event<'a> {
    pub(super) fn new(call: &'a Call, route: &Route<'a>, deployment: &Deployment<'a>) -> Self {
        let multi_value_headers = group_headers(&call.headers);
        let query = call.query().map(group_query);
        Self {
            resource: route.resource,
            path: route.path,
            http_method: call.method.as_str(),
            headers: last_values(&multi_value_headers),
            multi_value_headers,
            query_string_parameters: query.as_ref().map(last_values),
            multi_value_query_string_parameters: query,
            path_parameters: route.proxy.map(|rest| HashMap::from([("proxy", rest)])),
            stage_variables: None,
            request_context: RequestContext::new(call, route, deployment),
        }
    }

    /// The event that asks the authorizer.
    pub(super) fn for_authorizer(&self, method_arn: &str) -> Vec<u8> {
        to_json(&AuthorizerEvent {
            r#type: "REQUEST",
            method_arn,
            event: self,
        })
    }

    /// The event that the api function answers.
    pub(super) fn for_api(&mut self, context: Option<&'a Map<String, Value>>, body: &[u8]) -> Vec<u8> {
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
    fn new(call: &'a Call, route: &Route<'a>, deployment: &Deployment<'a>) -> Self {
        let header = |name| call.headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            resource_path: route.resource,
            http_method: call.method.as_str(),
            path: call.path(),
            stage: deployment.stage,
            request_id: &call.request_id,
            extended_request_id: id::extended(),
            request_time: call.time.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            request_time_epoch: call.time.timestamp_millis(),
            account_id: ACCOUNT,
            api_id: API_ID,
            domain_name: header("host").unwrap_or_default(),
            protocol: "HTTP/1.1",
            identity: Identity {
                source_ip: call.peer.ip().to_canonical().to_string(),
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

/// Pairs as they are between `&`s: a name without `=` has an empty value, an empty pair is none.
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

/// The case that clients of HTTP/1.1 mostly write; hyper does not keep the one that came.
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
