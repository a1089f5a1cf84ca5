//! The Lambda invoke endpoint, over a socket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{net::Ipv4Addr, time::Duration};

use lambda::{Endpoint, Handler, HandlerError, Invocation};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

const INVOKE: &str = "/2015-03-31/functions/function/invocations";

/// Does what the event asks for.
struct Scripted;

impl Handler for Scripted {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        match event {
            b"\"fail\"" => Err(HandlerError::new("KeysUnavailable", "no key could be read")),
            b"\"panic\"" => panic!("as asked"),
            b"\"wait\"" => {
                sleep(Duration::from_millis(300)).await;
                Ok(b"\"waited\"".to_vec())
            }
            b"\"describe\"" => Ok(format!(
                r#"{{"id":"{}","cold":{},"trace":{:?}}}"#,
                invocation.request_id,
                invocation.cold_start,
                invocation.trace_id.as_deref().unwrap_or("")
            )
            .into_bytes()),
            _ => Ok(event.to_vec()),
        }
    }
}

struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

async fn start() -> Running {
    let endpoint = Endpoint::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let address = endpoint.address().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(endpoint.serve(Scripted, async {
        let _ = stopped.await;
    }));
    Running { address, stop, ended }
}

impl Running {
    async fn send(&self, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // A body that is rejected may find the connection closed before it is written.
        let _ = stream.write_all(body).await;
        let mut response = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut response))
            .await
            .unwrap();
        String::from_utf8(response).unwrap()
    }

    async fn invoke(&self, event: &[u8]) -> String {
        self.send(&format!("POST {INVOKE} HTTP/1.1"), event).await
    }
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn response_is_what_the_function_returns() {
    let response = start().await.invoke(br#"{"a":1}"#).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert_eq!(body(&response), r#"{"a":1}"#);
}

#[tokio::test]
async fn function_error_is_a_200_with_the_header_of_lambda() {
    let response = start().await.invoke(b"\"fail\"").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(
        response.contains("\r\nx-amz-function-error: Unhandled\r\n"),
        "{response}"
    );
    assert_eq!(
        body(&response),
        r#"{"errorType":"KeysUnavailable","errorMessage":"no key could be read"}"#
    );
}

#[tokio::test]
async fn panic_fails_one_invocation_and_not_the_next() {
    let running = start().await;
    let response = running.invoke(b"\"panic\"").await;
    assert_eq!(
        body(&response),
        r#"{"errorType":"Panic","errorMessage":"the function panicked"}"#
    );
    assert_eq!(body(&running.invoke(b"1").await), "1");
}

#[tokio::test]
async fn only_the_first_invocation_is_cold() {
    let running = start().await;
    let head = format!("POST {INVOKE} HTTP/1.1\r\nx-amzn-trace-id: Root=1-2");
    let first = running.send(&head, b"\"describe\"").await;
    assert_eq!(
        body(&first),
        r#"{"id":"00000000-0000-4000-8000-000000000001","cold":true,"trace":"Root=1-2"}"#
    );
    let second = running.invoke(b"\"describe\"").await;
    assert_eq!(
        body(&second),
        r#"{"id":"00000000-0000-4000-8000-000000000002","cold":false,"trace":""}"#
    );
}

#[tokio::test]
async fn process_reports_its_health_on_its_port() {
    let running = start().await;
    for path in ["/health", "/api/v1/health", "/health?x=1"] {
        let response = running.send(&format!("GET {path} HTTP/1.1"), b"").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {response}");
        assert!(response.contains("\r\ncache-control: no-store\r\n"), "{response}");
        assert_eq!(body(&response), r#"{"status":"healthy"}"#);
    }
    let response = running.send("HEAD /health HTTP/1.1", b"").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert_eq!(body(&response), "");
    // A health check is not an invocation.
    let response = running.invoke(b"\"describe\"").await;
    assert!(body(&response).contains(r#""cold":true"#), "{response}");
}

#[tokio::test]
async fn any_other_path_or_method_is_not_found() {
    let running = start().await;
    for head in [
        format!("GET {INVOKE} HTTP/1.1"),
        "POST / HTTP/1.1".to_owned(),
        "POST /health HTTP/1.1".to_owned(),
        "GET /health/ HTTP/1.1".to_owned(),
        format!("POST {INVOKE}/ HTTP/1.1"),
    ] {
        let response = running.send(&head, b"").await;
        assert!(response.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}: {response}");
        assert!(body(&response).contains(r#""errorType":"NotFound""#), "{response}");
    }
}

#[tokio::test]
async fn event_of_six_megabytes_is_accepted_and_one_byte_more_is_rejected() {
    let running = start().await;
    let event = vec![b'1'; 6 * 1024 * 1024];
    assert!(running.invoke(&event).await.starts_with("HTTP/1.1 200 OK\r\n"));
    // The response must not depend on a client that stops sending to read it.
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = format!(
        "POST {INVOKE} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        event.len() + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&event).await.unwrap();
    stream.write_all(b"1").await.unwrap();
    let mut response = vec![0; 4096];
    let length = timeout(Duration::from_secs(5), stream.read(&mut response))
        .await
        .unwrap()
        .unwrap();
    let response = String::from_utf8_lossy(&response[..length]);
    assert!(response.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{response}");
}

#[tokio::test]
async fn event_in_flight_is_completed_before_the_shutdown() {
    let running = start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!("POST {INVOKE} HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n\"wait\"");
    stream.write_all(request.as_bytes()).await.unwrap();
    // A connection that never sends anything must not delay the shutdown.
    let _silent = TcpStream::connect(running.address).await.unwrap();
    sleep(Duration::from_millis(100)).await;

    let stopped_at = Instant::now();
    running.stop.send(()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    running.ended.await.unwrap();

    assert_eq!(body(&response), "\"waited\"");
    assert!(
        stopped_at.elapsed() < Duration::from_secs(1),
        "{:?}",
        stopped_at.elapsed()
    );
    assert!(TcpStream::connect(running.address).await.is_err(), "it still listens");
}

#[tokio::test]
async fn address_in_use_is_an_error_that_names_it() {
    let running = start().await;
    let error = Endpoint::bind(running.address).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", running.address));
}
