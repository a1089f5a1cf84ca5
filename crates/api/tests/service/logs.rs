use lambda::logging::{self, LogFormat, LogLevel};
use serde_json::{Value, json};
use testing::CapturedLog;

use crate::harness::{Call, REQUEST_ID, Service, cloudwatch, config_path, s3, tenant_path};

/// Captures the log of this thread, in which the test's service runs, with the settings of production.
pub(crate) fn capture_log() -> CapturedLog {
    capture_log_at(LogLevel::Info)
}

fn capture_log_at(level: LogLevel) -> CapturedLog {
    CapturedLog::of_this_thread(|buffer| logging::subscriber(level, LogFormat::Json, buffer))
}

/// The lines of requests.
pub(crate) fn request_lines(log: &CapturedLog) -> Vec<Value> {
    lines_of(log, logging::REQUEST_TARGET)
}

pub(crate) fn lines_of(log: &CapturedLog, target: &str) -> Vec<Value> {
    let lines = log.json_lines().into_iter();
    lines.filter(|line| line["target"] == target).collect()
}

#[tokio::test]
async fn each_request_writes_one_line() {
    let log = capture_log();
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service.send(Call::get(&config_path("acme", "s3"))).await.expect(200);
    assert_eq!(log.text().lines().count(), 3, "two requests and one change");
    let [create, read] = &request_lines(&log)[..] else {
        panic!("{:?}", request_lines(&log))
    };
    for line in [create, read] {
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["request_id"], REQUEST_ID);
        assert_eq!(line["lambda_request_id"], "lambda-request");
        assert_eq!(line["extended_request_id"], "extended-id");
        assert_eq!(line["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(line["cold_start"], false);
        assert_eq!(line["dynamodb_attempts"], 1);
        assert!(line["dynamodb_ms"].as_f64().unwrap() <= line["duration_ms"].as_f64().unwrap());
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
async fn rejection_is_logged_with_its_code_and_the_broken_fields() {
    let log = capture_log();
    let service = Service::start().await;
    let body = r#"{"tenant_id":"acme","type":"s3","bucket_name":"SECRET","hush":1,"ttl":"x"}"#;
    service
        .send(Call::post(&tenant_path("acme")).body(body))
        .await
        .expect(422);
    let [line] = &request_lines(&log)[..] else {
        panic!("{:?}", request_lines(&log))
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
async fn log_has_no_header_values_or_body_at_any_level() {
    let log = capture_log_at(LogLevel::Trace);
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
        Call::patch(&path).body(r#"{"labels":{"SECRET":"SECRET"}}"#),
        Call::patch(&path).body(r#"{"labels":{"SECRET":"SECRET"},"enabled":"SECRET"}"#),
        Call::patch(&path).body("SECRET"),
    ] {
        service.send(call).await;
    }
    let text = log
        .text()
        .replace(r#""tenant_id":"SECRET""#, "a valid tenant id is logged");
    assert!(!text.contains(secret), "{text}");
}

#[tokio::test]
async fn change_writes_a_line_with_caller_and_fields() {
    // A log of errors only must show who switched a delivery off, too.
    let log = capture_log_at(LogLevel::Error);
    let service = Service::start().await;
    let path = config_path("acme", "cloudwatch");
    service.create(cloudwatch("acme")).await;
    let switched_off = Call::patch(&path).json(&json!({"enabled": false, "target_region": null}));
    let first = service.get_item("acme", "cloudwatch").await.unwrap()["version"].clone();
    let first = first.as_s().unwrap().as_str();
    service.send(switched_off).await.expect(200);
    let second = service.get_item("acme", "cloudwatch").await.unwrap()["version"].clone();
    let second = second.as_s().unwrap().as_str();
    assert_ne!(first, second);
    service.send(Call::delete(&path)).await.expect(200);
    let [create, update, delete] = &lines_of(&log, logging::AUDIT_TARGET)[..] else {
        panic!("{}", log.text())
    };
    for line in [create, update, delete] {
        assert_eq!(
            (&line["event"], &line["request_id"]),
            (&"config_changed".into(), &REQUEST_ID.into())
        );
        assert_eq!(
            (&line["tenant_id"], &line["type"]),
            (&"acme".into(), &"cloudwatch".into())
        );
        assert_eq!(
            (&line["key_version"], &line["source_ip"]),
            (&"3".into(), &"203.0.113.7".into())
        );
    }
    assert_eq!(
        (&create["action"], &create["new_version"]),
        (&"create".into(), &first.into())
    );
    assert_eq!(create["fields"], "log_distribution_role_arn,log_group_name,enabled");
    assert_eq!(create["enabled"], true);
    assert_eq!(
        (&update["action"], &update["fields"]),
        (&"update".into(), &"enabled,target_region".into())
    );
    assert_eq!(update["enabled"], false);
    assert_eq!(
        (&update["old_version"], &update["new_version"]),
        (&first.into(), &second.into())
    );
    assert_eq!(
        (&delete["action"], &delete["old_version"]),
        (&"delete".into(), &second.into())
    );
    assert_eq!(delete.get("new_version"), None);
}

#[tokio::test]
async fn request_without_a_change_writes_no_audit_line() {
    let log = capture_log();
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let path = config_path("acme", "s3");
    for call in [
        Call::post(&tenant_path("acme")).json(&s3("acme")),
        Call::patch(&path).json(&json!({"bucket_name": "No"})),
        Call::patch(&path)
            .header("If-Match", "\"1\"")
            .json(&json!({"enabled": false})),
        Call::delete(&config_path("other", "s3")),
        Call::get(&path),
    ] {
        service.send(call).await;
    }
    assert_eq!(lines_of(&log, logging::AUDIT_TARGET).len(), 1);
}
