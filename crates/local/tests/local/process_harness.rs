//! The binary as a separate process, and a client that signs.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tenant_core::signature::{BodyDigest, Message, Method, SigningKey, Timestamp, Uri, sign};

use crate::gateway_harness::Response;

/// The key that tests give to the server.
pub(crate) const KEY: &str = "a key for tests, of 31 bytes ok";
/// How long a server may take to start, on a machine that does much else.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The binary, without anything in the environment that it would read.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    for variable in [
        "PSK",
        "TENANT_CONFIG_TABLE",
        "PSK_PARAMETER_NAME",
        "ALLOWED_ORIGINS",
        "LOG_LEVEL",
        "AWS_REGION",
    ] {
        command.env_remove(variable);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs a server that ends by itself.
pub(crate) fn run_to_end(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.wait_with_output().unwrap()
}

/// A server that is killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    /// Its output up to the URL.
    pub(crate) banner: String,
}

impl Server {
    /// Starts a server with the key of the tests on a free port, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        command.env("PSK", KEY);
        Self::spawn(command)
    }

    pub(crate) fn start_in(data_dir: &Path) -> Self {
        Self::start(&["--data-dir", data_dir.to_str().unwrap()])
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let began = Instant::now();
        let mut process = command.args(["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut banner = String::new();
        let address = loop {
            let line = lines.next().expect("a line with the URL").unwrap();
            if let Some(address) = line.strip_prefix("http://") {
                break address.parse().unwrap();
            }
            banner.push_str(&line);
            banner.push('\n');
            assert!(began.elapsed() < START_LIMIT, "{banner}");
        };
        Self {
            process,
            address,
            banner,
        }
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends it a signal by name; returns how it ended and how long that took.
    pub(crate) fn signal(&mut self, name: &str) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let kill = format!("kill -s {name} {}", self.process.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
        (self.process.wait().unwrap(), began.elapsed())
    }

    /// Sends a signed request; `None` if no whole response came.
    pub(crate) fn try_send(&self, method: &str, target: &str, body: &str) -> Option<Response> {
        send(self.address, method, target, body)
    }

    pub(crate) fn send(&self, method: &str, target: &str, body: &str) -> Response {
        self.try_send(method, target, body).expect("a response")
    }

    /// Sends a batch, whose signature covers the body; `None` if no whole response came.
    pub(crate) fn try_batch(&self, batch: &Value) -> Option<Response> {
        send_batch(self.address, batch)
    }

    /// Creates a configuration; returns the status, if a response came.
    pub(crate) fn create(&self, tenant: &str) -> Option<u16> {
        create(self.address, tenant)
    }

    /// The tenants that have a configuration.
    pub(crate) fn tenants(&self) -> Vec<String> {
        let mut tenants = Vec::new();
        let mut target = "/api/v1/delivery-configs?limit=1000".to_owned();
        loop {
            let page: Value = self.send("GET", &target, "").json()["data"].take();
            let configurations = page["configurations"].as_array().unwrap().iter();
            tenants.extend(configurations.map(|config| config["tenant_id"].as_str().unwrap().to_owned()));
            let Some(last_key) = page["last_key"].as_str() else {
                return tenants;
            };
            let last_key = last_key.replace('#', "%23");
            target = format!("/api/v1/delivery-configs?last_key={last_key}&limit=1000");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Creates an S3 configuration of this tenant; returns the status, if a response came.
pub(crate) fn create(address: SocketAddr, tenant: &str) -> Option<u16> {
    let target = format!("/api/v1/tenants/{tenant}/delivery-configs");
    let body = json!({"tenant_id": tenant, "type": "s3", "bucket_name": "logs-of-a-tenant"}).to_string();
    send(address, "POST", &target, &body).map(|response| response.status)
}

/// Sends a batch, whose signature covers the body; `None` if no whole response came.
pub(crate) fn send_batch(address: SocketAddr, batch: &Value) -> Option<Response> {
    let body = batch.to_string();
    let digest = BodyDigest::from_body(body.as_bytes());
    send_with(address, "POST", "/api/v1/delivery-configs/batch", &body, Some(&digest))
}

fn send(address: SocketAddr, method: &str, target: &str, body: &str) -> Option<Response> {
    send_with(address, method, target, body, None)
}

fn send_with(
    address: SocketAddr,
    method: &str,
    target: &str,
    body: &str,
    digest: Option<&BodyDigest>,
) -> Option<Response> {
    let mut stream = TcpStream::connect(address).ok()?;
    let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let signature = signature(method, target, &timestamp, digest);
    let digest = digest.map_or_else(String::new, |digest| format!("x-body-sha256: {}\r\n", digest.as_str()));
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: {signature}\r\nx-api-timestamp: {timestamp}\r\n{digest}\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let is_whole = bytes.windows(4).any(|window| window == b"\r\n\r\n");
    is_whole.then(|| Response::parse(&bytes))
}

fn signature(method: &str, target: &str, timestamp: &str, body_digest: Option<&BodyDigest>) -> String {
    let key = SigningKey::new(KEY.as_bytes()).unwrap();
    let message = Message {
        method: &Method::parse(method).unwrap(),
        uri: &Uri::parse(target).unwrap(),
        timestamp: &Timestamp::parse(timestamp).unwrap(),
        body_digest,
    };
    sign(&key, &message).to_authorization()
}
