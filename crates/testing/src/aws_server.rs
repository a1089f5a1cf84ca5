//! A service of AWS on a loopback port, as far as one of the JSON protocols goes.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A call that the server received.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsCall {
    /// The service and its operation: `AmazonSSM.GetParameters`.
    pub target: String,
    /// What it was called with.
    pub input: Value,
}

/// How the server responds to a call.
#[derive(Debug, Clone)]
pub enum AwsReply {
    /// A status and a body.
    Json(u16, Value),
    /// Never.
    Hang,
}

impl AwsReply {
    /// An error as AWS sends it.
    #[must_use]
    pub fn rejection(status: u16, code: &str) -> Self {
        Self::Json(status, json!({"__type": code, "Message": "the text of it"}))
    }
}

/// The server, which ends when it is dropped.
#[derive(Debug)]
pub struct AwsServer {
    endpoint: String,
    calls: Arc<Mutex<Vec<AwsCall>>>,
    accepting: JoinHandle<()>,
}

impl AwsServer {
    /// A server that responds to each call with `reply` of it.
    pub async fn start(reply: impl Fn(&AwsCall) -> AwsReply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (reply, seen) = (Arc::new(reply), Arc::clone(&calls));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reply, seen) = (Arc::clone(&reply), Arc::clone(&seen));
                tokio::spawn(async move { respond(stream, &*reply, &seen).await });
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            calls,
            accepting,
        }
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<AwsCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration of a client that calls it.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }
}

impl Drop for AwsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn respond(mut stream: TcpStream, reply: &impl Fn(&AwsCall) -> AwsReply, seen: &Mutex<Vec<AwsCall>>) {
    let Some(call) = read_call(&mut stream).await else {
        return;
    };
    let reply = reply(&call);
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    match reply {
        AwsReply::Hang => std::future::pending().await,
        AwsReply::Json(status, body) => {
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} Status\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            // A client that has given up is not a failure of the server.
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    }
}

/// The one call that comes on a connection.
async fn read_call(stream: &mut TcpStream) -> Option<AwsCall> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let header = |name| head.lines().find_map(|line| line.strip_prefix(name));
        let length: usize = header("content-length: ")?.parse().ok()?;
        if body.len() >= length {
            return Some(AwsCall {
                target: header("x-amz-target: ")?.to_owned(),
                input: serde_json::from_str(body).ok()?,
            });
        }
    }
}
