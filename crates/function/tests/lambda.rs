//! The function in Lambda: a process of its own, that takes events from a Runtime API of ours.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use function::{Function, FunctionError, Invocation, logging, server};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify, time::timeout};

/// Answers with its own description, or does what the event says.
struct Obedient;

impl Function for Obedient {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, FunctionError> {
        match event {
            b"\"fail\"" => Err(FunctionError::new("KeysUnavailable", "no key could be read")),
            b"\"panic\"" => panic!("secret words"),
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

/// Not a test by itself: the function's process, when one of the tests below starts this binary again.
#[tokio::test]
async fn as_function() {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        logging::init(logging::LogLevel::Info, logging::LogFormat::Json);
        function::run(Obedient).await.unwrap();
    }
}

#[derive(Default)]
struct RuntimeApi {
    events: Mutex<VecDeque<&'static str>>,
    handed_out: Mutex<u32>,
    answers: Mutex<Vec<(String, Value)>>,
    answered: Notify,
}

impl RuntimeApi {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        if path.ends_with("/next") {
            return self.next_event().await;
        }
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap();
        self.answers.lock().unwrap().push((path, body));
        self.answered.notify_one();
        let mut accepted = Response::new(Full::default());
        *accepted.status_mut() = StatusCode::ACCEPTED;
        accepted
    }

    async fn next_event(&self) -> Response<Full<Bytes>> {
        let event = self.events.lock().unwrap().pop_front();
        let Some(event) = event else {
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

/// The answers that a function's process gave to `events`, and what it logged.
async fn answers_to(events: &[&'static str]) -> (Vec<(String, Value)>, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let api = Arc::new(RuntimeApi {
        events: Mutex::new(events.iter().copied().collect()),
        ..RuntimeApi::default()
    });
    let service_for = {
        let api = Arc::clone(&api);
        move |_| {
            let api = Arc::clone(&api);
            service_fn(move |request| {
                let api = Arc::clone(&api);
                async move { Ok::<_, Infallible>(api.answer(request).await) }
            })
        }
    };
    let server = tokio::spawn(server::serve(
        listener,
        http1::Builder::new(),
        service_for,
        std::future::pending(),
    ));

    let mut process = start_function(&address.to_string());
    let enough = async {
        while api.answers.lock().unwrap().len() < events.len() {
            api.answered.notified().await;
        }
    };
    let in_time = timeout(Duration::from_secs(20), enough).await;
    process.kill().unwrap();
    let log = String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap();
    server.abort();
    assert!(in_time.is_ok(), "too few answers: {:?}", api.answers.lock().unwrap());
    let answers = std::mem::take(&mut *api.answers.lock().unwrap());
    (answers, log)
}

fn start_function(runtime_api: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "as_function", "--nocapture"])
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "test")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_reaches_the_function_byte_for_byte_with_its_ids() {
    let (answers, _) = answers_to(&[r#"{ "b":1, "a":1.50, "b":2 }"#, "{}"]).await;
    let (path, answer) = &answers[0];
    assert_eq!(path, "/2018-06-01/runtime/invocation/id-1/response");
    assert_eq!(answer["event"], r#"{ "b":1, "a":1.50, "b":2 }"#);
    assert_eq!(answer["request_id"], "id-1");
    assert_eq!(answer["trace_id"], "Root=1-2");
    assert_eq!(answer["has_deadline"], true);
    assert_eq!(answer["cold_start"], true);
    assert_eq!(answers[1].1["cold_start"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_invocation_is_reported_by_its_kind_and_logged_once() {
    let (answers, log) = answers_to(&["\"fail\""]).await;
    let (path, answer) = &answers[0];
    assert_eq!(path, "/2018-06-01/runtime/invocation/id-1/error");
    assert_eq!(
        *answer,
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
async fn panic_fails_one_invocation_and_its_words_stay_in_the_log() {
    let (answers, log) = answers_to(&["\"panic\"", "1"]).await;
    assert_eq!(
        answers[0].1,
        serde_json::json!({"errorType": "Panic", "errorMessage": "the function panicked"})
    );
    assert_eq!(answers[1].1["event"], "1");
    let line = log.lines().find(|line| line.contains("secret words")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["message"], "panicked");
    assert!(line["location"].as_str().unwrap().contains("lambda.rs"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answer_that_is_not_json_fails_the_invocation() {
    let (answers, _) = answers_to(&["\"garbage\""]).await;
    assert_eq!(answers[0].1["errorType"], "InvalidAnswer");
}
