//! What no honest client sends: always a response or a closed connection, never a hang, and the gateway lives on.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::gateway_harness::{Act, Response, Running, allow, ok, policy, start, start_with};

async fn assert_alive(running: &Running) {
    assert_eq!(
        running.send(&["GET /health HTTP/1.1", "host: x"], b"").await.status,
        200
    );
}

#[tokio::test]
async fn malformed_request_gets_a_4xx_or_a_closed_connection() {
    let running = start().await;
    let inputs: &[&[u8]] = &[
        b"\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"GET /health HTTP/1.1\r\nx: a\0b\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST /health HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
    ];
    for input in inputs {
        let bytes = running.exchange(input).await;
        if !bytes.is_empty() {
            let response = Response::parse(&bytes);
            assert!(
                (400..500).contains(&response.status),
                "{}: {response:?}",
                String::from_utf8_lossy(input)
            );
        }
        assert_alive(&running).await;
    }
}

#[tokio::test]
async fn broken_chunks_and_smuggled_lengths_reach_no_function_twice() {
    let running = start().await;
    let head = "POST /api/v1/x HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\n\
                transfer-encoding: chunked\r\n";
    let broken = format!("{head}\r\nzz\r\nhello\r\n");
    Response::parse(&running.exchange(broken.as_bytes()).await).assert_gateway_response(400);
    assert_eq!(running.api_events().len(), 0);

    // Both framings at once: whichever is taken, the rest must not be read as a second request.
    let smuggled =
        format!("{head}content-length: 5\r\nconnection: close\r\n\r\n0\r\n\r\nGET /health?smuggled HTTP/1.1\r\n\r\n");
    running.exchange(smuggled.as_bytes()).await;
    assert!(running.api_events().len() <= 1);
    assert!(
        running
            .api_events()
            .iter()
            .all(|event| event["queryStringParameters"].is_null())
    );
}

#[tokio::test]
async fn any_host_is_only_a_string() {
    for host in ["[", "a b", "../..", "x:99999", "http://[::1", "\u{1F600}", "%00", "a,b"] {
        let running = start().await;
        let response = running
            .send(&["GET /health HTTP/1.1", &format!("host: {host}")], b"")
            .await;
        assert_eq!(response.status, 200, "{host}");
    }
}

#[tokio::test]
async fn host_must_be_named_once() {
    let running = start().await;
    for head in [
        "GET /health HTTP/1.0",
        "GET /health HTTP/1.1",
        "GET /health HTTP/1.1\r\nhost:",
        "GET /health HTTP/1.1\r\nhost:  ",
        "GET /health HTTP/1.1\r\nhost: a\r\nhost: b",
        "GET /health HTTP/1.1\r\nhost: a\r\nHost: a",
        "GET http://a/health HTTP/1.1",
        "GET /api/v1/docs HTTP/1.1",
        "GET /nowhere HTTP/1.1",
    ] {
        let request = format!("{head}\r\nconnection: close\r\n\r\n");
        Response::parse(&running.exchange(request.as_bytes()).await).assert_gateway_response(400);
    }
    assert_eq!(running.api_events().len(), 0);
    let response = running.exchange(b"GET /health HTTP/1.0\r\nhost: a\r\n\r\n").await;
    assert_eq!(Response::parse(&response).status, 200);
}

/// The first line of the response to a head that announces a body and waits to be asked for it.
async fn first_line_after(running: &Running, head: &str) -> String {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = format!("{head}\r\nhost: x\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = vec![0; 64];
    let read = timeout(Duration::from_secs(5), stream.read(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    text.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn body_is_not_asked_for_before_route_headers_and_authorizer_have_decided() {
    const SIGNED: &str = "\r\nauthorization: a\r\nx-api-timestamp: now";
    let deny = |event: &serde_json::Value| Act::Respond(policy("Deny", &event["methodArn"]));
    let denying = start_with(deny, ok, |_| {}).await;
    for (head, status) in [
        ("POST /nowhere HTTP/1.1".to_owned(), "401"),
        (format!("POST /nowhere HTTP/1.1{SIGNED}"), "403"),
        (format!("BREW /api/v1/x HTTP/1.1{SIGNED}"), "405"),
        ("POST /api/v1/x HTTP/1.1".to_owned(), "401"),
        (
            format!("POST /api/v1/x HTTP/1.1{SIGNED}\r\nx-long: {}", "a".repeat(10_240)),
            "431",
        ),
        (format!("POST /api/v1/x HTTP/1.1{SIGNED}"), "403"),
    ] {
        let line = first_line_after(&denying, &head).await;
        assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
    }
    assert_eq!(denying.api_events().len(), 0);

    let allowing = start().await;
    let line = first_line_after(&allowing, &format!("POST /api/v1/x HTTP/1.1{SIGNED}")).await;
    assert_eq!(line, "HTTP/1.1 100 Continue");
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let running = start_with(allow, ok, |settings| settings.max_connections = 2).await;
    let idle = [
        TcpStream::connect(running.address).await.unwrap(),
        TcpStream::connect(running.address).await.unwrap(),
    ];
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut third = TcpStream::connect(running.address).await.unwrap();
    third.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    let early = timeout(Duration::from_millis(300), third.read_to_end(&mut bytes)).await;
    assert!(early.is_err(), "a response although the limit is reached");
    drop(idle);
    timeout(Duration::from_secs(5), third.read_to_end(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(Response::parse(&bytes).status, 200);
}

#[tokio::test]
async fn every_form_of_request_target_gets_a_response() {
    let running = start().await;
    for (request_line, status) in [
        ("GET http://other.example/health HTTP/1.1", 200),
        ("GET http://other.example HTTP/1.1", 401),
        ("OPTIONS * HTTP/1.1", 404),
        ("CONNECT other.example:443 HTTP/1.1", 404),
        ("GET /health#fragment HTTP/1.1", 200),
        ("GET /health?a#b HTTP/1.1", 200),
        ("GET /\u{fc}/health HTTP/1.1", 401),
    ] {
        let response = running.send(&[request_line, "host: x"], b"").await;
        assert_eq!(response.status, status, "{request_line}");
    }
    assert_alive(&running).await;
}

#[tokio::test]
async fn ten_thousand_parameters_exceed_the_url_limit() {
    let running = start().await;
    let query: Vec<String> = (0..10_000).map(|number| format!("p{number}")).collect();
    let lines = [&format!("GET /health?{} HTTP/1.1", query.join("&")), "host: x"];
    let bytes = running
        .exchange(format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n")).as_bytes())
        .await;
    // The head as a whole is beyond what is read at all, so the HTTP library responds.
    let response = Response::parse(&bytes);
    assert!([414, 431].contains(&response.status), "{response:?}");
    let query: Vec<String> = (0..5_000).map(|number| format!("p{number}")).collect();
    running
        .send(&[&format!("GET /health?{} HTTP/1.1", query.join("&")), "host: x"], b"")
        .await
        .assert_gateway_response(414);
    assert_alive(&running).await;
}

#[tokio::test]
async fn megabyte_of_headers_is_rejected() {
    let running = start().await;
    let mut request = b"GET /health HTTP/1.1\r\nhost: x\r\n".to_vec();
    for number in 0..10_000 {
        request.extend_from_slice(format!("x-{number}: {}\r\n", "a".repeat(100)).as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    let bytes = running.exchange(&request).await;
    if !bytes.is_empty() {
        assert_eq!(Response::parse(&bytes).status, 431);
    }
    assert_eq!(running.api_events().len(), 0);
    assert_alive(&running).await;
}

#[tokio::test]
async fn pipelined_requests_get_responses_in_order() {
    let running = start().await;
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n\
        GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let text = String::from_utf8(running.exchange(request).await).unwrap();
    let statuses: Vec<_> = text
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &text[at + 9..at + 12])
        .collect();
    assert_eq!(statuses, ["200", "401", "200"]);
}

#[tokio::test]
async fn half_closed_client_gets_its_response() {
    let running = start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(Response::parse(&bytes).status, 200);
}

#[tokio::test]
async fn slow_head_closes_the_connection_and_slow_body_returns_408() {
    let running = start_with(allow, ok, |settings| {
        settings.limits.head = Duration::from_millis(200);
        settings.limits.body = Duration::from_millis(200);
    })
    .await;
    let began = Instant::now();
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: ").await.unwrap();
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes))
        .await
        .expect("the connection is closed");
    assert!(began.elapsed() < Duration::from_secs(2));

    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(
            b"POST /api/v1/x HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\n\
              content-length: 10\r\n\r\nhalf",
        )
        .await
        .unwrap();
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes))
        .await
        .expect("the connection is closed");
    Response::parse(&bytes).assert_gateway_response(408);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn write_completes_after_the_client_disconnects() {
    let finished = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&finished);
    let running = start_with(
        allow,
        move |event| {
            let seen = std::sync::Arc::clone(&seen);
            if event["path"] == "/api/v1/slow" {
                std::thread::sleep(Duration::from_millis(200));
                seen.store(true, std::sync::atomic::Ordering::SeqCst);
            }
            ok(event)
        },
        |_| {},
    )
    .await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = b"PUT /api/v1/slow HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\n\r\n";
    stream.write_all(request).await.unwrap();
    drop(stream);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(finished.load(std::sync::atomic::Ordering::SeqCst));
}
