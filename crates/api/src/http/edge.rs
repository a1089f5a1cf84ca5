//! The outermost layer, which every request passes through: it reads the clock, writes the response of a failure, sets the
//! headers that every response has, and writes one log line per request.

use std::time::Instant;

use axum::{
    body::Body,
    extract::{MatchedPath, RawPathParams, Request, rejection::RawPathParamsRejection},
    middleware::Next,
    response::Response,
};
use chrono::Utc;
use http::{HeaderValue, Method, header};
use lambda::Invocation;
use tenant_aws::usage;
use tenant_core::{Actor, ConfigChanged, DeliveryType, TenantId, webhook::WebhookChanged};

use super::{
    context::{GatewayContext, Now, Origin},
    envelope::{APPLICATION_JSON, Failure},
    error::{ApiError, Failed, RETRY_AFTER_SECONDS},
};
use crate::{
    facts::{RequestFacts, Scanned},
    log,
};

const REQUEST_ID: &str = "x-request-id";
/// API Gateway replaces the one of a client.
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// For a year. Other hosts of the domain are their owners' business.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// For a request without an id, or with one that is not a valid header value. API Gateway sends neither.
const UNKNOWN: &str = "unknown";

/// The outermost middleware.
pub(crate) async fn edge(
    route: Option<MatchedPath>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let now = Now(Utc::now());
    request.extensions_mut().insert(now);
    let method = request.method().clone();
    let context = request
        .extensions()
        .get::<GatewayContext>()
        .cloned()
        .unwrap_or_default();
    let invocation = request.extensions().get::<Invocation>().cloned();
    let is_over_tls = request
        .headers()
        .get(FORWARDED_PROTO)
        .is_some_and(|proto| proto == "https");
    let request_id = context
        .request_id
        .as_deref()
        .filter(|id| !id.is_empty())
        .unwrap_or(UNKNOWN);
    request.extensions_mut().insert(Origin {
        actor: Actor {
            key_version: context.key_version.clone(),
            source_ip: context.source_ip.clone(),
        },
        request_id: request_id.to_owned(),
    });

    let (mut response, usage) = usage::measure(next.run(request)).await;
    let failure = response.extensions_mut().remove::<Failed>();
    if let Some(Failed(error)) = &failure {
        write_failure(&mut response, error, now, &method);
    }
    let changes = response
        .extensions_mut()
        .remove::<Vec<ConfigChanged>>()
        .unwrap_or_default();
    let webhook_change = response.extensions_mut().remove::<WebhookChanged>();
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_over_tls && context.is_custom_domain() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
    headers.insert(
        REQUEST_ID,
        HeaderValue::try_from(request_id).unwrap_or(HeaderValue::from_static(UNKNOWN)),
    );

    let tenant_id = path_param::<TenantId>(&params, "tenant_id");
    log::write(&RequestFacts {
        request_id,
        extended_request_id: context.extended_request_id.as_deref(),
        invocation: invocation.as_ref(),
        source_ip: context.source_ip.as_deref(),
        key_version: context.key_version.as_deref(),
        method: method.as_str(),
        route: route.as_ref().map(MatchedPath::as_str),
        tenant_id: tenant_id.as_ref().map(TenantId::as_str),
        delivery_type: response
            .extensions()
            .get::<DeliveryType>()
            .copied()
            .or_else(|| path_param(&params, "type"))
            .map(DeliveryType::as_str),
        status: response.status(),
        duration: started.elapsed(),
        usage,
        changes: &changes,
        webhook_change: webhook_change.as_ref(),
        scanned: response.extensions().get().map(|Scanned(items)| *items),
        failure: failure.as_ref().map(|Failed(error)| &**error),
    });
    response
}

fn write_failure(response: &mut Response, error: &ApiError, now: Now, method: &Method) {
    let headers = response.headers_mut();
    // It is the length of the empty body that the failure has so far.
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, APPLICATION_JSON);
    if error.is_transient() {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    }
    if method != Method::HEAD {
        let message = error.client_message();
        let failure = Failure::new(now, &message)
            .with_details(error.details())
            .with_data(error.data());
        *response.body_mut() = Body::from(failure.into_bytes());
    }
}

/// A parameter of the path, if it is valid. The log contains no other text from the client.
fn path_param<T: std::str::FromStr>(params: &Result<RawPathParams, RawPathParamsRejection>, name: &str) -> Option<T> {
    let params = params.as_ref().ok()?;
    params
        .iter()
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.parse().ok())
}
