//! SSM on a loopback port, as far as `GetParameters` goes.

use std::sync::{Arc, Mutex};

use authorizer::keys::ssm::{SsmKeySource, client};
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How the server responds to a call.
pub(crate) enum Reply {
    /// A status and a body.
    Json(u16, Value),
    /// Never.
    Hang,
}

/// The server, which ends when it is dropped.
pub(crate) struct SsmServer {
    endpoint: String,
    calls: Arc<Mutex<Vec<Value>>>,
    accepting: JoinHandle<()>,
}

impl SsmServer {
    /// A server that responds to each call with `reply` of its parsed body.
    pub(crate) async fn start(reply: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (reply, seen) = (Arc::new(reply), Arc::clone(&calls));
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (reply, seen) = (Arc::clone(&reply), Arc::clone(&seen));
                tokio::spawn(async move { respond(stream, &*reply, &seen).await });
            }
        });
        Self {
            endpoint,
            calls,
            accepting,
        }
    }

    /// The bodies of the calls so far.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap().clone()
    }

    /// The production key source, with its production time limits, pointed here.
    pub(crate) fn source(&self, parameter: &str) -> SsmKeySource {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        SsmKeySource::new(client(&sdk), parameter.parse().unwrap())
    }
}

impl Drop for SsmServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A parameter as SSM shows it; one that was selected by a label shows the label.
pub(crate) fn parameter(name: &str, value: &[u8], version: i64, selector: Option<&str>) -> Value {
    let mut parameter = json!({
        "Name": name,
        "Type": "SecureString",
        "Value": str::from_utf8(value).unwrap(),
        "Version": version,
        "ARN": format!("arn:aws:ssm:us-east-1:123456789012:parameter{name}"),
        "DataType": "text",
        // A day before the fixtures were signed.
        "LastModifiedDate": 1_705_228_200.123,
    });
    if let Some(selector) = selector {
        parameter["Selector"] = json!(selector);
    }
    parameter
}

/// A response with what was found and what was not.
pub(crate) fn found(parameters: &[Value], invalid: &[&str]) -> Reply {
    Reply::Json(200, json!({"Parameters": parameters, "InvalidParameters": invalid}))
}

/// An error as SSM sends it.
pub(crate) fn rejected(status: u16, code: &str) -> Reply {
    Reply::Json(status, json!({"__type": code, "Message": "the text of it"}))
}

async fn respond(mut stream: TcpStream, reply: &impl Fn(&Value) -> Reply, seen: &Mutex<Vec<Value>>) {
    let Some(call) = read_call(&mut stream).await else {
        return;
    };
    let reply = reply(&call);
    seen.lock().unwrap().push(call);
    match reply {
        Reply::Hang => std::future::pending().await,
        Reply::Json(status, body) => {
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

/// The body of the one request that comes on a connection.
async fn read_call(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.contains("AmazonSSM.GetParameters"), "{head}");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
        if body.len() >= length {
            return serde_json::from_str(body).ok();
        }
    }
}
