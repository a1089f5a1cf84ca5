//! The local server as a process, and a client that signs.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    error::{BenchError, During},
    events::Call,
    programs::Programs,
    ssm::PSK,
};

/// A running local server. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct LocalServer {
    child: Child,
    address: SocketAddr,
}

/// One connection to it, which is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl LocalServer {
    /// Starts one with a table in memory on a free port, and waits until it listens.
    pub(crate) fn start(programs: &Programs) -> Result<Self, BenchError> {
        Self::start_with(&programs.path(Programs::LOCAL_SERVER), &["--in-memory".as_ref()])
    }

    /// Starts this build of it with its data in a folder.
    pub(crate) fn start_in(program: &Path, data_dir: &Path) -> Result<Self, BenchError> {
        Self::start_with(program, &["--data-dir".as_ref(), data_dir.as_os_str()])
    }

    fn start_with(program: &Path, arguments: &[&OsStr]) -> Result<Self, BenchError> {
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .env("PSK", PSK)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .during(format!("start {}", program.display()))?;
        let stdout = child.stdout.take();
        let mut server = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
        };
        for line in BufReader::new(stdout.expect("it is piped")).lines() {
            let line = line.during("read the banner of the local server")?;
            if let Some(address) = line.strip_prefix("http://").and_then(|address| address.parse().ok()) {
                server.address = address;
                return Ok(server);
            }
        }
        Err(BenchError::Ended(Programs::LOCAL_SERVER.to_owned()))
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection, BenchError> {
        let stream = TcpStream::connect(self.address)
            .await
            .during("connect to the local server")?;
        stream.set_nodelay(true).during("connect to the local server")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender })
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        // It may have ended by itself. Either way it is waited for, so that no process is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Connection {
    /// Sends a call, signed now, and checks the status of its response.
    pub(crate) async fn send(&mut self, call: &Call, expected: u16) -> Result<(), BenchError> {
        self.fetch(call, expected).await.map(drop)
    }

    /// The same, and returns the body.
    pub(crate) async fn fetch(&mut self, call: &Call, expected: u16) -> Result<Bytes, BenchError> {
        let request: Request<Full<Bytes>> = call.http_request().map(Full::new);
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status == expected {
            return Ok(body);
        }
        Err(BenchError::UnexpectedReply {
            route: "local server",
            expected: expected.to_string(),
            got: format!("{status}: {}", String::from_utf8_lossy(&body)),
        })
    }
}
