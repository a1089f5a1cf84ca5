//! A subscriber: it responds as the test says, and keeps what it was sent.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What it does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reaction {
    /// Sends these bytes and closes the connection.
    Send(Vec<u8>),
    /// Sends the first bytes, and the others one by one with a pause before each.
    Trickle(Vec<u8>, Vec<u8>, Duration),
    /// Sends these bytes again and again.
    Flood(Vec<u8>, Vec<u8>),
    /// Closes the connection.
    Close,
    /// Sends nothing.
    Hang,
}

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<Mutex<usize>>,
    reactions: Arc<Mutex<Vec<Reaction>>>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Subscriber {
    /// Responds to the n-th request as the n-th reaction says, and to further ones as the last does.
    pub(crate) async fn start(reactions: &[Reaction]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let subscriber = Self {
            address,
            received: Arc::default(),
            connections: Arc::default(),
            reactions: Arc::new(Mutex::new(reactions.to_vec())),
        };
        let (received, connections) = (Arc::clone(&subscriber.received), Arc::clone(&subscriber.connections));
        let reactions = Arc::clone(&subscriber.reactions);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                let (received, reactions) = (Arc::clone(&received), Arc::clone(&reactions));
                tokio::spawn(serve(stream, received, reactions));
            }
        });
        subscriber
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Responds so from now on.
    pub(crate) fn react(&self, reaction: Reaction) {
        *self.reactions.lock().unwrap() = vec![reaction];
    }
}

/// A response with this status and body.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> Reaction {
    let length = body.len();
    Reaction::Send(format!("HTTP/1.1 {status} Planned\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes())
}

pub(crate) fn ok() -> Reaction {
    response(204, "", "")
}

async fn serve(mut stream: TcpStream, received: Arc<Mutex<Vec<Received>>>, reactions: Arc<Mutex<Vec<Reaction>>>) {
    let Some(request) = read(&mut stream).await else { return };
    let reaction = {
        let mut reactions = reactions.lock().unwrap();
        if reactions.len() > 1 {
            reactions.remove(0)
        } else {
            reactions[0].clone()
        }
    };
    received.lock().unwrap().push(request);
    match reaction {
        Reaction::Send(bytes) => drop(stream.write_all(&bytes).await),
        Reaction::Trickle(first, rest, pause) => {
            let _ = stream.write_all(&first).await;
            for byte in rest {
                sleep(pause).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
        Reaction::Flood(first, again) => {
            let _ = stream.write_all(&first).await;
            while stream.write_all(&again).await.is_ok() {}
        }
        Reaction::Close => {}
        Reaction::Hang => sleep(Duration::from_mins(1)).await,
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut request = Received {
                head,
                body: String::new(),
            };
            let length: usize = request.header("content-length")?.parse().ok()?;
            if bytes.len() >= end + 4 + length {
                request.body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
                return Some(request);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
