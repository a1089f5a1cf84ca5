//! The shutdown of a gateway: requests in flight complete, and it takes less than a second.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::gateway_harness::{Act, Response, allow, start_with};

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn request_in_flight_completes_and_idle_connections_close() {
    let mut running = start_with(
        allow,
        |_| Act::Wait(Duration::from_millis(300), json!({"statusCode": 200, "body": "{}"})),
        |_| {},
    )
    .await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let mut in_flight = TcpStream::connect(running.address).await.unwrap();
    in_flight.write_all(REQUEST).await.unwrap();
    sleep(Duration::from_millis(100)).await;

    let signalled = Instant::now();
    running.stop.take().unwrap().send(()).unwrap();
    let mut bytes = Vec::new();
    in_flight.read_to_end(&mut bytes).await.unwrap();
    running.ended.await.unwrap();
    assert!(
        signalled.elapsed() < Duration::from_secs(1),
        "{:?}",
        signalled.elapsed()
    );
    assert_eq!(Response::parse(&bytes).status, 200);
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn long_request_does_not_delay_the_shutdown() {
    let mut running = start_with(
        allow,
        |_| Act::Wait(Duration::from_secs(5), json!({"statusCode": 200})),
        |_| {},
    )
    .await;
    let mut in_flight = TcpStream::connect(running.address).await.unwrap();
    in_flight.write_all(REQUEST).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let signalled = Instant::now();
    running.stop.take().unwrap().send(()).unwrap();
    running.ended.await.unwrap();
    assert!(
        signalled.elapsed() < Duration::from_secs(1),
        "{:?}",
        signalled.elapsed()
    );
}
