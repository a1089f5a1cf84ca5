//! A DynamoDB proxy that injects the faults which an embedded DynamoDB cannot have: lost, late and rejected requests.

use std::{
    future,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_sdk_dynamodb::Client;
use tenant_store::client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::dynamodb::patient;

/// The message of a rejection, which no client may receive.
pub const REJECTION_MESSAGE: &str = "planned by the test";

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing: the request is forwarded and its response returned.
    Pass,
    /// The request is forwarded and applied, but the connection closes before the response.
    LoseResponse,
    /// The response has this status and this error code. The request is not forwarded.
    Reject(u16, &'static str),
    /// The response has this status and this JSON. The request is not forwarded.
    Respond(u16, String),
    /// The request is forwarded after the test's notification.
    Hold(Arc<Notify>),
    /// No response is sent. The request is not forwarded.
    Hang,
}

/// A proxy in front of a DynamoDB, served until the test's runtime ends.
#[derive(Debug)]
pub struct FaultProxy {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl FaultProxy {
    /// Starts a proxy that treats its n-th request as `faults[n]`, and all further ones as the last.
    pub async fn start(upstream: SocketAddr, faults: &[Fault]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        assert!(!faults.is_empty(), "the last fault applies to all further requests");
        let faults: Arc<[Fault]> = faults.into();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((downstream, _)) = listener.accept().await {
                let (faults, counter) = (Arc::clone(&faults), Arc::clone(&counter));
                tokio::spawn(async move { serve(downstream, upstream, &faults, &counter).await });
            }
        });
        Self { address, requests }
    }

    /// A client that is connected to it and as patient as that of [`EmbeddedDynamoDb`](crate::EmbeddedDynamoDb).
    #[must_use]
    pub fn client(&self) -> Client {
        patient(&client::connect_embedded(&self.endpoint()))
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of requests so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(mut downstream: TcpStream, upstream: SocketAddr, faults: &[Fault], counter: &AtomicUsize) {
    while let Some(request) = read_message(&mut downstream).await {
        let number = counter.fetch_add(1, Ordering::SeqCst).min(faults.len() - 1);
        let response = match &faults[number] {
            Fault::Pass => forward(upstream, &request).await,
            Fault::Hold(gate) => {
                gate.notified().await;
                forward(upstream, &request).await
            }
            Fault::LoseResponse => {
                forward(upstream, &request).await;
                return;
            }
            Fault::Reject(status, code) => rejection(*status, code),
            Fault::Respond(status, body) => response(*status, body),
            Fault::Hang => future::pending().await,
        };
        if downstream.write_all(&response).await.is_err() {
            return;
        }
    }
}

fn rejection(status: u16, code: &str) -> Vec<u8> {
    response(
        status,
        &format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{REJECTION_MESSAGE}"}}"#),
    )
}

fn response(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Planned\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn forward(upstream: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(upstream).await.expect("the upstream listens");
    stream.write_all(request).await.expect("the upstream reads the request");
    read_message(&mut stream).await.expect("the upstream responds")
}

/// Reads one HTTP/1.1 message with a `content-length`; `None` at the end of the connection.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if let Some(head) = message.windows(4).position(|window| window == b"\r\n\r\n") {
            let headers = String::from_utf8_lossy(&message[..head]).to_lowercase();
            let length = headers
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))?
                .trim()
                .parse::<usize>()
                .ok()?;
            if message.len() >= head + 4 + length {
                return Some(message);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => message.extend_from_slice(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EmbeddedDynamoDb;

    #[tokio::test]
    async fn each_request_meets_its_fault_and_later_ones_the_last() {
        let dynamodb = EmbeddedDynamoDb::start_with_table("configs").await;
        let faults = [
            Fault::Reject(500, "InternalServerError"),
            Fault::LoseResponse,
            Fault::Pass,
        ];
        let proxy = FaultProxy::start(dynamodb.address, &faults).await;
        let client = client::connect_embedded(&proxy.endpoint());
        for requests in [3, 4] {
            client
                .scan()
                .table_name("configs")
                .send()
                .await
                .expect("a retry succeeds");
            assert_eq!(proxy.requests(), requests);
        }
    }
}
