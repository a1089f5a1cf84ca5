//! The embedded database on a loopback port, for the AWS CLI and for tests: only with `--expose-table`.
//!
//! Every program that can connect to the port can read and write the table. Web pages cannot: a request with an
//! `Origin`, one for another host (a name that was rebound to this machine) and one without AWS's `Authorization` are
//! rejected, and no response has a CORS header.

use std::convert::Infallible;

use dynoxide::DynoxideError;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
    request::Parts,
    uri::Authority,
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use lambda::server;
use tokio::{net::TcpListener, task::spawn_blocking};

use super::engine::{Engine, Reply};

const MEDIA_TYPE: &str = "application/x-amz-json-1.0";
/// DynamoDB's limit.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
const MAX_CONNECTIONS: usize = 64;

/// Serves the database until `shutdown` completes.
pub(super) async fn serve(listener: TcpListener, engine: Engine, shutdown: impl Future<Output = ()>) {
    let service_for = |_| {
        let engine = engine.clone();
        service_fn(move |request| {
            let engine = engine.clone();
            async move { Ok::<_, Infallible>(respond(engine, request).await) }
        })
    };
    server::serve(listener, http1::Builder::new(), MAX_CONNECTIONS, service_for, shutdown).await;
}

async fn respond(engine: Engine, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let reply = match check(&head) {
        Ok(()) => run(engine, &head, body).await,
        Err(reason) => rejection(reason),
    };
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

async fn run(engine: Engine, head: &Parts, body: Incoming) -> Reply {
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        return rejection("the body is too large or incomplete");
    };
    let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let (target, body) = (target.unwrap_or_default().to_owned(), body.to_bytes());
    spawn_blocking(move || engine.run(&target, &body))
        .await
        .unwrap_or_else(|_| Reply {
            status: 500,
            body: DynoxideError::InternalServerError("the operation failed".to_owned()).to_json(),
        })
}

fn rejection(reason: &str) -> Reply {
    Reply {
        status: 403,
        body: DynoxideError::AccessDeniedException(reason.to_owned()).to_json(),
    }
}

/// Admits what the AWS CLI and SDKs send, and no request that a web page can make.
fn check(head: &Parts) -> Result<(), &'static str> {
    if head.headers.contains_key(ORIGIN) {
        return Err("web pages have no access");
    }
    if !is_for_loopback(&head.headers) {
        return Err("the Host header must name 127.0.0.1 or localhost");
    }
    if head.method != Method::POST || head.uri.path() != "/" {
        return Err("only POST / is supported");
    }
    let has_start = |name, start: &str| {
        let value = head.headers.get(name).map(HeaderValue::as_bytes);
        value.is_some_and(|value| value.starts_with(start.as_bytes()))
    };
    if !has_start(CONTENT_TYPE, MEDIA_TYPE) {
        return Err("the Content-Type header must be application/x-amz-json-1.0");
    }
    if !has_start(AUTHORIZATION, "AWS4-HMAC-SHA256 ") {
        return Err("the request must be signed, with any credentials");
    }
    Ok(())
}

fn is_for_loopback(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let authority = Authority::try_from(host.as_bytes());
    authority.is_ok_and(|authority| ["127.0.0.1", "localhost"].contains(&authority.host()))
}
