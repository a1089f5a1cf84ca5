//! The function in Lambda: a separate process that takes events from a Runtime API of the test.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::VecDeque,
    convert::Infallible,
    fs::{self, File},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use lambda::{Handler, HandlerError, Invocation, logging, metrics::Measurements, server};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tracing::Level;

/// Responds with its own description, or does what the event asks for.
struct Scripted;

impl Handler for Scripted {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let fields = serde_json::json!({"lambda_request_id": invocation.request_id});
        logging::write(Level::INFO, &fields, &Measurements::default());
        match event {
            b"\"change\"" => {
                logging::write_audit("configuration changed", &fields);
                Ok(b"{}".to_vec())
            }
            b"\"fail\"" => Err(HandlerError::new("KeysUnavailable", "no key could be read")),
            b"\"panic\"" => panic!("secret text"),
            b"\"garbage\"" => Ok(b"not JSON".to_vec()),
            _ => {
                let description = serde_json::json!({
                    "event": String::from_utf8_lossy(event),
                    "request_id": invocation.request_id,
                    "trace_id": invocation.trace_id,
                    "has_deadline": invocation.deadline.is_some(),
                    "cold_start": invocation.cold_start,
                });
                Ok(description.to_string().into_bytes())
            }
        }
    }
}

/// Not a test itself: the function's process, when one of the tests below starts this binary again.
#[tokio::test]
async fn as_function() {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let level = logging::LogLevel::from_variables(|name| std::env::var(name).ok()).unwrap();
        logging::init(level, logging::LogFormat::Json);
        lambda::run(Scripted).await.unwrap();
    }
}

struct RuntimeApi {
    events: Mutex<VecDeque<&'static str>>,
    handed_out: Mutex<u32>,
    responses: Mutex<Vec<(String, Value)>>,
    idle: Notify,
    /// Where the function logs.
    log: NamedTempFile,
    /// For each call of the function, by its path, what was in the log when it came.
    calls: Mutex<Vec<(String, String)>>,
}

impl RuntimeApi {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let logged = fs::read_to_string(&self.log).unwrap();
        self.calls.lock().unwrap().push((path.clone(), logged));
        if path.ends_with("/next") {
            return self.next_event().await;
        }
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap();
        self.responses.lock().unwrap().push((path, body));
        let mut accepted = Response::new(Full::default());
        *accepted.status_mut() = StatusCode::ACCEPTED;
        accepted
    }

    async fn next_event(&self) -> Response<Full<Bytes>> {
        let event = self.events.lock().unwrap().pop_front();
        let Some(event) = event else {
            self.idle.notify_one();
            std::future::pending().await
        };
        let number = {
            let mut handed_out = self.handed_out.lock().unwrap();
            *handed_out += 1;
            *handed_out
        };
        Response::builder()
            .header("lambda-runtime-aws-request-id", format!("id-{number}"))
            .header("lambda-runtime-deadline-ms", "1700000000000")
            .header("lambda-runtime-trace-id", "Root=1-2")
            .header("lambda-runtime-invoked-function-arn", "arn")
            .body(Full::new(Bytes::from_static(event.as_bytes())))
            .unwrap()
    }
}

/// The results of a function's process.
struct Run {
    /// Paths and bodies.
    responses: Vec<(String, Value)>,
    log: String,
    /// See [`RuntimeApi::calls`].
    calls: Vec<(String, String)>,
}

/// Runs a function with `events`, until it asks for one more.
async fn run(events: &[&'static str]) -> Run {
    run_at("INFO", events).await
}

/// The same at another log level.
async fn run_at(log_level: &str, events: &[&'static str]) -> Run {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let api = Arc::new(RuntimeApi {
        events: Mutex::new(events.iter().copied().collect()),
        handed_out: Mutex::default(),
        responses: Mutex::default(),
        idle: Notify::new(),
        log: NamedTempFile::new().unwrap(),
        calls: Mutex::default(),
    });
    let service_for = {
        let api = Arc::clone(&api);
        move |_| {
            let api = Arc::clone(&api);
            service_fn(move |request| {
                let api = Arc::clone(&api);
                async move { Ok::<_, Infallible>(api.respond(request).await) }
            })
        }
    };
    let server = tokio::spawn(server::serve(
        listener,
        http1::Builder::new(),
        server::UNLIMITED,
        service_for,
        std::future::pending(),
    ));

    let mut process = start_function(&address.to_string(), log_level, api.log.reopen().unwrap());
    let in_time = timeout(Duration::from_secs(20), api.idle.notified()).await;
    process.kill().unwrap();
    process.wait().unwrap();
    server.abort();
    let run = Run {
        responses: std::mem::take(&mut *api.responses.lock().unwrap()),
        log: fs::read_to_string(&api.log).unwrap(),
        calls: std::mem::take(&mut *api.calls.lock().unwrap()),
    };
    assert!(in_time.is_ok(), "too few responses: {:?}", run.responses);
    run
}

fn start_function(runtime_api: &str, log_level: &str, log: File) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "as_function", "--nocapture"])
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("LOG_LEVEL", log_level)
        .env("AWS_LAMBDA_FUNCTION_NAME", "test")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .stdout(log)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_reaches_the_function_byte_for_byte_with_its_ids() {
    let Run { responses, .. } = run(&[r#"{ "b":1, "a":1.50, "b":2 }"#, "{}"]).await;
    let (path, response) = &responses[0];
    assert_eq!(path, "/2018-06-01/runtime/invocation/id-1/response");
    assert_eq!(response["event"], r#"{ "b":1, "a":1.50, "b":2 }"#);
    assert_eq!(response["request_id"], "id-1");
    assert_eq!(response["trace_id"], "Root=1-2");
    assert_eq!(response["has_deadline"], true);
    assert_eq!(response["cold_start"], true);
    assert_eq!(responses[1].1["cold_start"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_invocation_is_reported_with_its_kind_and_logged_once() {
    let Run { responses, log, .. } = run(&["\"fail\""]).await;
    let (path, response) = &responses[0];
    assert_eq!(path, "/2018-06-01/runtime/invocation/id-1/error");
    assert_eq!(
        *response,
        serde_json::json!({"errorType": "KeysUnavailable", "errorMessage": "no key could be read"})
    );
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("no key could be read"))
        .collect();
    let [line] = lines.as_slice() else {
        panic!("expected one line:\n{log}")
    };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["error_type"], "KeysUnavailable");
    assert_eq!(line["lambda_request_id"], "id-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_fails_one_invocation_and_its_message_stays_in_the_log() {
    let Run { responses, log, .. } = run(&["\"panic\"", "1"]).await;
    assert_eq!(
        responses[0].1,
        serde_json::json!({"errorType": "Panic", "errorMessage": "the function panicked"})
    );
    assert_eq!(responses[1].1["event"], "1");
    let line = log.lines().find(|line| line.contains("secret text")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["message"], "panicked");
    assert!(line["location"].as_str().unwrap().contains("lambda.rs"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn response_that_is_not_json_fails_the_invocation() {
    let Run { responses, .. } = run(&["\"garbage\""]).await;
    assert_eq!(responses[0].1["errorType"], "InvalidAnswer");
}

/// How many lines of this target an invocation has in the log.
fn lines(log: &str, target: &str, id: &str) -> usize {
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["target"] == target && line["lambda_request_id"] == id)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_of_an_invocation_is_written_between_its_response_and_the_next_event() {
    let run = run(&["1", "\"fail\"", "2"]).await;
    for (number, id) in ["id-1", "id-2", "id-3"].into_iter().enumerate() {
        let response = format!("{id}/{}", if number == 1 { "error" } else { "response" });
        let [before, after] = [2 * number + 1, 2 * number + 2].map(|call| &run.calls[call]);
        assert!(
            before.0.ends_with(&response) && after.0.ends_with("/next"),
            "{} {}",
            before.0,
            after.0
        );
        assert_eq!(
            [lines(&before.1, "request", id), lines(&after.1, "request", id)],
            [0, 1]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_is_logged_before_its_response_is_sent() {
    let run = run(&["\"change\""]).await;
    let (path, log) = &run.calls[1];
    assert!(path.ends_with("id-1/response"), "{path}");
    assert_eq!(lines(log, "audit", "id-1"), 1, "{log}");
}

/// The runtime itself logs what it does at the levels `DEBUG` and `TRACE`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dependencies_log_nothing_below_a_warning() {
    let run = run_at("TRACE", &["1"]).await;
    assert_eq!(lines(&run.log, "request", "id-1"), 1, "{}", run.log);
    let is_ours =
        |target: &str| ["request", "audit", "metrics", "lambda"].contains(&target.split("::").next().unwrap());
    for line in run
        .log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        assert!(is_ours(line["target"].as_str().unwrap()), "{line}");
    }
}
