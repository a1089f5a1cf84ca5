//! Webhooks over their whole way: a request, the stream, the recorder, the notifier, and a subscriber on this machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use notifier::http::Sender;
use serde_json::{Value, json};

use crate::process_harness::Server;

const WEBHOOKS: &str = "/api/v1/webhooks";
/// How long deliveries may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps what it is sent, by the id of the event.
#[derive(Clone)]
struct Subscriber {
    address: SocketAddr,
    events: Arc<Mutex<BTreeMap<String, Value>>>,
    status: Arc<Mutex<u16>>,
}

impl Subscriber {
    fn start() -> Self {
        Self::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    fn listen(listener: TcpListener) -> Self {
        let subscriber = Self {
            address: listener.local_addr().unwrap(),
            events: Arc::default(),
            status: Arc::new(Mutex::new(204)),
        };
        let serving = subscriber.clone();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(stream));
            }
        });
        subscriber
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
        let (head, body) = loop {
            let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length: usize = header(head, "content-length")?.parse().ok()?;
                if body.len() >= length {
                    break (head.to_owned(), body.to_owned());
                }
            }
        };
        let status = *self.status.lock().unwrap();
        if status == 204 {
            let id = header(&head, "webhook-id")?.to_owned();
            assert!(header(&head, "webhook-signature")?.starts_with("v1,"));
            self.events
                .lock()
                .unwrap()
                .insert(id, serde_json::from_str(&body).unwrap());
        }
        write!(
            stream,
            "HTTP/1.1 {status} Planned\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        .ok()
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn respond(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// Waits until there are this many events.
    fn events(&self, count: usize) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let events: Vec<_> = self.events.lock().unwrap().values().cloned().collect();
            if events.len() >= count {
                return events;
            }
            assert!(began.elapsed() < PATIENCE, "{} of {count} events", events.len());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn start(more: &[&str]) -> Server {
    Server::start(
        &[
            &[
                "--webhook-networks",
                "127.0.0.0/8",
                "--webhook-retry-schedule",
                "1,1,1,1,1,1,1,1",
            ],
            more,
        ]
        .concat(),
    )
}

fn subscribe(server: &Server, path: &str, url: &str) -> String {
    let created = server.send("POST", path, &json!({ "url": url }).to_string());
    assert_eq!(created.status, 201, "{:?}", created.json());
    created.json()["data"]["id"].as_str().unwrap().to_owned()
}

fn tenants(events: &[Value]) -> BTreeSet<String> {
    events
        .iter()
        .map(|event| event["data"]["tenant_id"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until the newest delivery of a webhook is as wanted.
fn delivery(server: &Server, webhook: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let list = server
            .send("GET", &format!("{WEBHOOKS}/{webhook}/deliveries"), "")
            .json();
        if let Some(found) = list["data"]["deliveries"].get(0).filter(|found| is_wanted(found)) {
            let event = found["event_id"].as_str().unwrap();
            let path = format!("{WEBHOOKS}/{webhook}/deliveries/{event}");
            return server.send("GET", &path, "").json()["data"].clone();
        }
        assert!(began.elapsed() < PATIENCE, "{list}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn changes_reach_the_subscribers_of_their_tenant_and_those_of_all() {
    let server = start(&["--in-memory"]);
    let (acme, all) = (Subscriber::start(), Subscriber::start());
    subscribe(&server, "/api/v1/tenants/acme/webhooks", &acme.url());
    subscribe(&server, WEBHOOKS, &all.url());
    for tenant in ["acme", "other"] {
        assert_eq!(server.create(tenant), Some(201));
    }
    let target = "/api/v1/tenants/acme/delivery-configs/s3";
    assert_eq!(server.send("PATCH", target, r#"{"enabled":false}"#).status, 200);
    assert_eq!(server.send("DELETE", target, "").status, 200);
    let mut types: Vec<_> = acme
        .events(3)
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    types.sort();
    assert_eq!(
        types,
        ["created", "deleted", "updated"].map(|event| format!("delivery_config.{event}"))
    );
    assert_eq!(tenants(&acme.events(3)), BTreeSet::from(["acme".to_owned()]));
    assert_eq!(
        tenants(&all.events(4)),
        BTreeSet::from(["acme".to_owned(), "other".to_owned()])
    );
    let updated = acme
        .events(3)
        .into_iter()
        .find(|event| event["type"] == "delivery_config.updated")
        .unwrap();
    assert_eq!(
        updated["data"]["changed"],
        json!([{"field": "enabled", "from": true, "to": false}])
    );
    let revision = server.send("GET", updated["data"]["revision_path"].as_str().unwrap(), "");
    assert_eq!(
        revision.json()["data"]["configuration"],
        updated["data"]["configuration"]
    );
}

#[test]
fn failing_subscriber_gets_everything_later_and_keeps_nobody_waiting() {
    let server = start(&["--in-memory"]);
    let (failing, healthy) = (Subscriber::start(), Subscriber::start());
    failing.respond(500);
    let webhook = subscribe(&server, WEBHOOKS, &failing.url());
    subscribe(&server, WEBHOOKS, &healthy.url());
    for number in 0..8 {
        assert_eq!(server.create(&format!("tenant-{number}")), Some(201));
    }
    healthy.events(8);
    let pending = delivery(&server, &webhook, |delivery| {
        delivery["attempts"] == 1 && delivery["status"] == "pending"
    });
    assert_eq!(pending["last_attempts"][0]["status"], 500);
    failing.respond(204);
    assert_eq!(failing.events(8).len(), 8);
}

#[test]
fn event_is_delivered_after_a_kill_between_its_change_and_its_delivery() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let subscriber = Subscriber::start();
    subscriber.respond(503);
    let server = start(&["--data-dir", path]);
    let webhook = subscribe(&server, WEBHOOKS, &subscriber.url());
    let secret =
        |server: &Server| server.send("GET", &format!("{WEBHOOKS}/{webhook}/secret"), "").json()["data"].clone();
    let before = secret(&server);
    // Fewer than those after which the subscriber is left alone.
    for number in 0..4 {
        assert_eq!(server.create(&format!("tenant-{number}")), Some(201));
    }
    server.kill();
    subscriber.respond(204);
    let server = start(&["--data-dir", path]);
    assert_eq!(tenants(&subscriber.events(4)).len(), 4);
    assert_eq!(secret(&server), before, "the secrets are those of before");
}

#[test]
fn what_cannot_be_sent_says_why() {
    let server = start(&["--in-memory"]);
    let webhook = subscribe(&server, WEBHOOKS, "https://127.0.0.1:9/");
    assert_eq!(
        server.send("POST", &format!("{WEBHOOKS}/{webhook}/test"), "").status,
        202
    );
    let failed = delivery(&server, &webhook, |delivery| delivery["attempts"] == 1);
    let error = failed["last_attempts"][0]["error"].as_str().unwrap();
    // As a part of the workspace, the server is built with what the functions need.
    let expected = if Sender::HAS_TLS {
        "there is no connection to the host"
    } else {
        "cargo run --release --features https"
    };
    assert!(error.contains(expected), "{error}");
}

#[test]
fn without_the_flag_nothing_on_this_machine_can_be_a_subscriber() {
    let server = Server::start(&["--in-memory"]);
    let subscriber = Subscriber::start();
    for url in [
        subscriber.url(),
        subscriber.url().replace("http:", "https:"),
        "https://localhost/".to_owned(),
    ] {
        let rejected = server.send("POST", WEBHOOKS, &json!({ "url": url }).to_string());
        assert_eq!(rejected.status, 422, "{url}");
    }
}

#[test]
fn missed_events_are_replayed() {
    let server = start(&["--in-memory"]);
    let subscriber = Subscriber::start();
    let webhook = subscribe(&server, WEBHOOKS, &subscriber.url());
    let url = format!("{WEBHOOKS}/{webhook}");
    assert_eq!(server.send("PATCH", &url, r#"{"enabled":false}"#).status, 200);
    for number in 0..10 {
        assert_eq!(server.create(&format!("tenant-{number}")), Some(201));
    }
    let replay = json!({"since": "2024-01-01T00:00:00Z", "status": "missing"}).to_string();
    assert_eq!(server.send("POST", &format!("{url}/replay"), &replay).status, 409);
    assert_eq!(server.send("PATCH", &url, r#"{"enabled":true}"#).status, 200);
    assert_eq!(server.send("POST", &format!("{url}/replay"), &replay).status, 202);
    assert_eq!(tenants(&subscriber.events(10)).len(), 10);
}
