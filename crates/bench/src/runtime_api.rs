//! Lambda's Runtime API, on the side of Lambda: a function requests events from it and sends it the responses.
//!
//! Each sandbox has its own, on a loopback port, as each execution environment has in Lambda. Times are taken here, where a
//! message leaves or arrives, so that the work of the measurement itself is not included.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex as SyncMutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

use crate::error::{BenchError, During};

const PREFIX: &str = "/2018-06-01/runtime/";
const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const FUNCTION_ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");

/// What a function reports to Lambda.
#[derive(Debug)]
pub(crate) enum Report {
    /// It requests its next event.
    Ready { at: Instant },
    /// It has responded to an event, or failed.
    Replied(Reply),
    /// It cannot start.
    InitFailed { message: String },
}

/// The outcome of one invocation.
#[derive(Debug)]
pub(crate) struct Reply {
    /// When the event was handed over.
    pub(crate) began: Instant,
    /// When the whole response had arrived.
    pub(crate) ended: Instant,
    /// The response, or the error that the function reports instead.
    pub(crate) body: Result<Bytes, Bytes>,
}

impl Reply {
    pub(crate) fn took(&self) -> Duration {
        self.ended - self.began
    }
}

/// The server; it ends with its owner.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    events: mpsc::Sender<Bytes>,
    reports: mpsc::Receiver<Report>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    /// Starts to serve. Each event has a deadline after `timeout`.
    pub(crate) async fn start(timeout: Duration) -> Result<Self, BenchError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.during("listen on loopback")?;
        let address = listener.local_addr().during("listen on loopback")?;
        let (events, waiting) = mpsc::channel(1);
        let (reporter, reports) = mpsc::channel(4);
        let side = Arc::new(FunctionSide {
            timeout,
            events: Mutex::new(waiting),
            reports: reporter,
            handed_over: SyncMutex::new(None),
        });
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&side)));
            }
        });
        Ok(Self {
            address,
            events,
            reports,
            server,
        })
    }

    /// Hands over an event as soon as the function requests one.
    pub(crate) async fn hand_over(&self, event: Bytes) {
        // The receiver lives as long as the server does.
        let _ = self.events.send(event).await;
    }

    pub(crate) async fn report(&mut self) -> Option<Report> {
        self.reports.recv().await
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What the requests of one function share.
struct FunctionSide {
    timeout: Duration,
    events: Mutex<mpsc::Receiver<Bytes>>,
    reports: mpsc::Sender<Report>,
    /// When the event that is being worked on was handed over.
    handed_over: SyncMutex<Option<Instant>>,
}

async fn serve(stream: TcpStream, side: Arc<FunctionSide>) {
    // Responses are small, and waiting for more to send would be measured as the function's time.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let side = Arc::clone(&side);
        async move { Ok::<_, Infallible>(side.respond(request).await) }
    });
    // An error is the function's end, which shows in its reports.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl FunctionSide {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
        match (&head.method, path.rsplit('/').next().unwrap_or_default()) {
            (&Method::GET, "next") => self.next().await,
            (&Method::POST, "response") => self.receive(body, Ok).await,
            (&Method::POST, "error") if path == "init/error" => self.init_failed(body).await,
            (&Method::POST, "error") => self.receive(body, Err).await,
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let _ = self.reports.send(Report::Ready { at: Instant::now() }).await;
        let Some(event) = self.events.lock().await.recv().await else {
            return status(StatusCode::GONE);
        };
        let deadline = SystemTime::now() + self.timeout;
        let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let response = Response::builder()
            .header(REQUEST_ID, "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header(DEADLINE, deadline.to_string())
            .header(FUNCTION_ARN, "arn:aws:lambda:us-east-1:123456789012:function:bench")
            .header(
                TRACE_ID,
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            )
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(event))
            .expect("constant headers are valid");
        *self.handed_over.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        response
    }

    async fn receive(&self, body: Incoming, outcome: fn(Bytes) -> Result<Bytes, Bytes>) -> Response<Full<Bytes>> {
        let Ok(body) = body.collect().await else {
            return status(StatusCode::BAD_REQUEST);
        };
        let ended = Instant::now();
        let began = self.handed_over.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(began) = began else {
            return status(StatusCode::BAD_REQUEST);
        };
        let body = outcome(body.to_bytes());
        let _ = self.reports.send(Report::Replied(Reply { began, ended, body })).await;
        status(StatusCode::ACCEPTED)
    }

    async fn init_failed(&self, body: Incoming) -> Response<Full<Bytes>> {
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let message = String::from_utf8_lossy(&body).into_owned();
        let _ = self.reports.send(Report::InitFailed { message }).await;
        status(StatusCode::ACCEPTED)
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
