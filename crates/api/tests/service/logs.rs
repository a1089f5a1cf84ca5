use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Call, REQUEST_ID, Service, config_path, s3, tenant_path};

/// What this thread logs from now on; the test's service runs in it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::INFO)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of this crate.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| line["target"].as_str().unwrap().starts_with("api"))
            .collect()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_request_leaves_one_line() {
    let (log, _guard) = Log::capture();
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service.send(Call::get(&config_path("acme", "s3"))).await.expect(200);
    let [create, read] = &log.lines()[..] else {
        panic!("{:?}", log.lines())
    };
    for line in [create, read] {
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["request_id"], REQUEST_ID);
        assert_eq!(line["lambda_request_id"], "lambda-request");
        assert_eq!(line["cold_start"], false);
        assert_eq!(line["source_ip"], "203.0.113.7");
        assert_eq!(line["key_version"], "3");
        assert_eq!(line["tenant_id"], "acme");
        assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(line.get("error"), None);
    }
    assert_eq!((&create["method"], &create["status"]), (&"POST".into(), &201.into()));
    assert_eq!(create["route"], "/api/v1/tenants/{tenant_id}/delivery-configs");
    assert_eq!(create["type"], "s3");
    assert_eq!(
        (&read["method"], &read["status"], &read["type"]),
        (&"GET".into(), &200.into(), &"s3".into())
    );
    assert_eq!(read["route"], "/api/v1/tenants/{tenant_id}/delivery-configs/{type}");
}

#[tokio::test]
async fn a_refusal_is_logged_by_its_kind_and_the_broken_fields() {
    let (log, _guard) = Log::capture();
    let service = Service::start().await;
    let body = r#"{"tenant_id":"acme","type":"s3","bucket_name":"SECRET","hush":1,"ttl":"x"}"#;
    service
        .send(Call::post(&tenant_path("acme")).body(body))
        .await
        .expect(422);
    let [line] = &log.lines()[..] else {
        panic!("{:?}", log.lines())
    };
    assert_eq!(
        (&line["level"], &line["code"]),
        (&"INFO".into(), &"broken_rules".into())
    );
    assert_eq!(
        line["fields"],
        "bucket_name:invalid_format,unknown_field,ttl:wrong_type"
    );
}

#[tokio::test]
async fn nothing_of_headers_or_body_is_in_the_log() {
    let (log, _guard) = Log::capture();
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let secret = "SECRET";
    let quoted = format!("\"{secret}\"");
    let path = config_path("acme", "s3");
    for call in [
        Call::get(&tenant_path(secret)).query(secret, secret),
        Call::get("/SECRET"),
        Call::get(&config_path("acme.SECRET", secret)),
        Call::get("/api/v1/delivery-configs").query("last_key", secret),
        Call::patch(&path).header("If-Match", secret).body("{}"),
        Call::patch(&path)
            .header("If-Match", &quoted)
            .body(r#"{"enabled":true}"#),
        Call::patch(&path)
            .header("Authorization", secret)
            .header("Content-Type", secret)
            .body("{}"),
        Call::patch(&path).header("X-Body-SHA256", secret).body("{}"),
        Call::patch(&path).body(r#"{"SECRET":"SECRET","type":"SECRET"}"#),
        Call::patch(&path).body(r#"{"SECRET":"SECRET","bucket_name":"SECRET"}"#),
        Call::patch(&path).body(r#"{"SECRET":1,"SECRET":2}"#),
        Call::patch(&path).body("SECRET"),
    ] {
        service.send(call).await;
    }
    let text = log
        .text()
        .replace(r#""tenant_id":"SECRET""#, "a tenant id that is one may be logged");
    assert!(!text.contains(secret), "{text}");
}
