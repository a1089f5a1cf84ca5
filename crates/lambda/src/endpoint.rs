//! The Lambda invoke endpoint: how a container receives events outside Lambda.

use std::{
    convert::Infallible,
    env, fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{Handler, HandlerError, Invocation, invoke_guarded, lambda::log_failure, server};

/// `Invoke` of the Lambda API, for the function name of AWS's runtime interface emulator.
const INVOKE_PATH: &str = "/2015-03-31/functions/function/invocations";
/// Where a container engine can check the process. The paths are those of the health route of the API, but this is not its
/// response: a container that is started again does not bring a table back.
const HEALTH_PATHS: [&str; 2] = ["/health", "/api/v1/health"];
/// Lambda's limit for a synchronous invocation: 6 MB.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;
const DEFAULT_PORT: u16 = 8080;

/// Why the invoke endpoint could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// `PORT` is not a port.
    #[error("PORT is {0:?}; it must be a number from 0 to 65535")]
    Port(String),
    /// The address is in use, or not this machine's.
    #[error("cannot listen on {address}")]
    Bind {
        /// The requested address.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The operating system rejected what a server needs.
    #[error("the server cannot be set up")]
    Setup(#[from] io::Error),
}

/// An invoke endpoint that listens, and responds once it is served.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
}

impl Endpoint {
    /// Listens on `address`; port 0 picks a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, EndpointError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| EndpointError::Bind { address, source })?;
        Ok(Self { listener })
    }

    /// The address that it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Invokes `function` for each `POST` of an event, until `shutdown` completes.
    pub async fn serve(self, function: impl Handler, shutdown: impl Future<Output = ()>) {
        let invoker = Arc::new(Invoker {
            function,
            cold: AtomicBool::new(true),
            invocations: AtomicU64::new(0),
        });
        let service_for = |_| {
            let invoker = Arc::clone(&invoker);
            service_fn(move |request| {
                let invoker = Arc::clone(&invoker);
                async move { Ok::<_, Infallible>(invoker.respond(request).await) }
            })
        };
        let http = http1::Builder::new();
        server::serve(self.listener, http, server::UNLIMITED, service_for, shutdown).await;
    }
}

/// Every interface, on `PORT` or 8080.
pub(crate) fn address_from_env() -> Result<SocketAddr, EndpointError> {
    let port = match env::var_os("PORT") {
        None => DEFAULT_PORT,
        Some(value) => {
            let value = value.to_string_lossy();
            value.parse().map_err(|_| EndpointError::Port(value.into_owned()))?
        }
    };
    Ok((Ipv4Addr::UNSPECIFIED, port).into())
}

struct Invoker<F> {
    function: F,
    cold: AtomicBool,
    invocations: AtomicU64,
}

impl<F: Handler> Invoker<F> {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let is_read = [Method::GET, Method::HEAD].contains(request.method());
        if is_read && HEALTH_PATHS.contains(&request.uri().path()) {
            return health();
        }
        if request.uri().path() != INVOKE_PATH || request.method() != Method::POST {
            let message = format!("not found: POST an event to {INVOKE_PATH}");
            return failure(StatusCode::NOT_FOUND, "NotFound", &message);
        }
        let (head, body) = request.into_parts();
        match Limited::new(body, MAX_EVENT_BYTES).collect().await {
            Ok(event) => self.invoke(&event.to_bytes(), &head.headers).await,
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                let message = format!("the event is larger than {MAX_EVENT_BYTES} bytes");
                failure(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLarge", &message)
            }
            Err(_) => failure(StatusCode::BAD_REQUEST, "InvalidRequest", "the event is incomplete"),
        }
    }

    async fn invoke(&self, event: &[u8], headers: &HeaderMap) -> Response<Full<Bytes>> {
        let invocation = self.next_invocation(headers);
        match invoke_guarded(&self.function, event, &invocation).await {
            Ok(response) => json(StatusCode::OK, response),
            Err(error) => {
                log_failure(&error, &invocation);
                function_error(&error)
            }
        }
    }

    fn next_invocation(&self, headers: &HeaderMap) -> Invocation {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed) + 1;
        Invocation {
            request_id: RequestNumber(number).to_string(),
            trace_id: headers
                .get("x-amzn-trace-id")
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            deadline: None,
            cold_start: self.cold.swap(false, Ordering::Relaxed),
        }
    }
}

/// A request id in Lambda's format: a counter, since there is only one process.
struct RequestNumber(u64);

impl fmt::Display for RequestNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "00000000-0000-4000-8000-{:012x}", self.0)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    error_type: &'a str,
    error_message: &'a str,
}

/// This process takes events.
fn health() -> Response<Full<Bytes>> {
    let mut response = json(StatusCode::OK, br#"{"status":"healthy"}"#.to_vec());
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A failed invocation is a successful call of `Invoke`: the header, not the status, reports the failure.
fn function_error(error: &HandlerError) -> Response<Full<Bytes>> {
    let mut response = failure(StatusCode::OK, error.kind, &error.message);
    response
        .headers_mut()
        .insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    response
}

fn failure(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(&ErrorBody {
        error_type: kind,
        error_message: message,
    })
    .expect("two strings are always JSON");
    json(status, body)
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
