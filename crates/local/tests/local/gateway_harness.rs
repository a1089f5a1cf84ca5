//! A gateway in front of two functions with scripted behaviour, which record their events.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use api::config::AllowedOrigins;
use lambda::{Handler, HandlerError, Invocation};
use local::gateway::{Gateway, Limits, Settings};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// What a function does with an event.
pub(crate) enum Act {
    Respond(Value),
    Bytes(&'static [u8]),
    Fail,
    Panic,
    Wait(Duration, Value),
}

/// What a function does with each event.
pub(crate) type Behaviour = Box<dyn Fn(&Value) -> Act + Send + Sync>;

/// A function whose behaviour a test writes.
pub(crate) struct Scripted {
    behaviour: Behaviour,
    events: Events,
}

/// The events of a function, as text.
type Events = Arc<Mutex<Vec<String>>>;

impl Scripted {
    fn new(behaviour: impl Fn(&Value) -> Act + Send + Sync + 'static) -> (Self, Events) {
        let events = Events::default();
        (
            Self {
                behaviour: Box::new(behaviour),
                events: Arc::clone(&events),
            },
            events,
        )
    }
}

impl Handler for Scripted {
    async fn invoke(&self, event: &[u8], _: &Invocation) -> Result<Vec<u8>, HandlerError> {
        self.events
            .lock()
            .unwrap()
            .push(str::from_utf8(event).unwrap().to_owned());
        let event: Value = serde_json::from_slice(event).unwrap();
        match (self.behaviour)(&event) {
            Act::Respond(response) => Ok(response.to_string().into_bytes()),
            Act::Bytes(bytes) => Ok(bytes.to_vec()),
            Act::Fail => Err(HandlerError::new("KeysUnavailable", "no key could be read")),
            Act::Panic => panic!("as scripted"),
            Act::Wait(time, response) => {
                sleep(time).await;
                Ok(response.to_string().into_bytes())
            }
        }
    }
}

/// A response that allows the call of the event.
pub(crate) fn allow(event: &Value) -> Act {
    Act::Respond(policy("Allow", &event["methodArn"]))
}

/// A response with one statement.
pub(crate) fn policy(effect: &str, resource: &Value) -> Value {
    json!({
        "principalId": "client",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}],
        },
        "context": {"authMethod": "HMAC-SHA256", "keyVersion": "7"},
    })
}

/// A response of the api function.
pub(crate) fn ok(_: &Value) -> Act {
    Act::Respond(json!({"statusCode": 200, "headers": {"x-request-id": "from-the-api"}, "body": "{\"data\":1}"}))
}

/// A gateway that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) ended: JoinHandle<()>,
    authorizer_events: Events,
    api_events: Events,
}

/// Starts a gateway in front of an authorizer that allows everything and an api that responds 200.
pub(crate) async fn start() -> Running {
    start_with(allow, ok, |_| {}).await
}

/// Starts a gateway in front of functions that behave so.
pub(crate) async fn start_with(
    authorizer: impl Fn(&Value) -> Act + Send + Sync + 'static,
    api: impl Fn(&Value) -> Act + Send + Sync + 'static,
    change: impl FnOnce(&mut Settings),
) -> Running {
    let (authorizer, authorizer_events) = Scripted::new(authorizer);
    let (api, api_events) = Scripted::new(api);
    let mut settings = Settings {
        stage: "development".parse().unwrap(),
        region: "eu-west-1".to_owned(),
        allowed_origins: AllowedOrigins::None,
        limits: Limits::default(),
        max_connections: 1000,
    };
    change(&mut settings);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let gateway = Gateway::new(authorizer, api, settings);
    let ended = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        gateway.serve(listener, stopped).await.unwrap();
    });
    Running {
        address,
        stop: Some(stop),
        ended,
        authorizer_events,
        api_events,
    }
}

/// One response off the wire.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Reads the bytes of a connection that held one response.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no response: {:?}", String::from_utf8_lossy(bytes)));
        let head = str::from_utf8(&bytes[..end]).unwrap();
        let (status_line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let headers = headers.lines().map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        Self {
            status: status_line.split(' ').nth(1).unwrap().parse().unwrap(),
            headers: headers.collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks a response of the gateway itself: its status, its envelope, and no unexpected headers.
    pub(crate) fn assert_gateway_response(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        let mut members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["error", "status", "timestamp"], "{body}");
        assert_eq!(body["status"], "error");
        assert!(body["error"].as_str().unwrap().ends_with('.'), "{body}");
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("x-request-id").map(str::len), Some(36));
        let scheme = (status == 401).then_some("HMAC-SHA256");
        assert_eq!(self.header("www-authenticate"), scheme);
        for (name, _) in &self.headers {
            let known = [
                "allow",
                "cache-control",
                "connection",
                "content-length",
                "content-type",
                "date",
                "www-authenticate",
                "x-content-type-options",
                "x-request-id",
            ];
            assert!(known.contains(&name.as_str()), "unexpected header {name}");
        }
    }
}

impl Running {
    /// Sends bytes on a connection of their own and reads until the server closes it.
    pub(crate) async fn exchange(&self, request: &[u8]) -> Vec<u8> {
        let (mut reader, mut writer) = TcpStream::connect(self.address).await.unwrap().into_split();
        let request = request.to_vec();
        let writing = tokio::spawn(async move {
            // A server that rejects the request may close the connection before all is written.
            let _ = writer.write_all(&request).await;
            writer
        });
        let mut bytes = Vec::new();
        let _ = timeout(Duration::from_secs(10), reader.read_to_end(&mut bytes))
            .await
            .expect("a response in time");
        writing.abort();
        bytes
    }

    /// Sends a request, given as its lines, and reads the one response to it.
    pub(crate) async fn send(&self, lines: &[&str], body: &[u8]) -> Response {
        let mut request = lines.join("\r\n").into_bytes();
        request.extend_from_slice(b"\r\nconnection: close\r\n");
        if !body.is_empty() {
            request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        Response::parse(&self.exchange(&request).await)
    }

    /// Sends a request with identity headers.
    pub(crate) async fn send_signed(&self, method: &str, target: &str, body: &[u8]) -> Response {
        let request_line = format!("{method} {target} HTTP/1.1");
        self.send(
            &[
                &request_line,
                "Host: api.test",
                "Authorization: HMAC-SHA256 00",
                "X-API-Timestamp: now",
            ],
            body,
        )
        .await
    }

    /// The authorizer's events, in order.
    pub(crate) fn authorizer_events(&self) -> Vec<Value> {
        parse(&self.authorizer_events)
    }

    /// The api function's events, in order.
    pub(crate) fn api_events(&self) -> Vec<Value> {
        parse(&self.api_events)
    }

    /// The same, as they were written.
    pub(crate) fn api_event_texts(&self) -> Vec<String> {
        self.api_events.lock().unwrap().clone()
    }

    /// The one event that reached the api function.
    pub(crate) fn api_event(&self) -> Value {
        let events = self.api_events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.into_iter().next().unwrap()
    }
}

fn parse(events: &Events) -> Vec<Value> {
    events
        .lock()
        .unwrap()
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect()
}
