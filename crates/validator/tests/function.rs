//! An event of API Gateway in, an answer out: the checks are in the function.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::time::Duration;

use api::{Api, AppState, Stores, config::Settings};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use chrono::Utc;
use lambda::{Handler, Invocation};
use serde_json::{Value, json};
use tenant_core::parse_create;
use tenant_store::{client, configs, configs::ConfigStore, schema};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_validation_looks_beyond_the_table() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dynamodb = client::connect_embedded(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(dynoxide::server::serve_on(
        listener,
        dynoxide::Database::memory().unwrap(),
    ));
    schema::ensure_table(&dynamodb, "configs", &configs::SCHEMA)
        .await
        .unwrap();
    let configs = ConfigStore::new(dynamodb, "configs");
    let body = r#"{"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs"}"#;
    let config = parse_create(body.as_bytes(), &"acme".parse().unwrap(), Utc::now()).unwrap();
    configs.create(&config, Utc::now()).await.unwrap();

    let settings = tenant_preflight::Settings::new("arn:aws:iam::111122223333:role/Central".parse().unwrap());
    let state = AppState::new(Stores { configs }, Settings::default());
    let api = Api::of_validation(state.with_live_checks(validator::external_checks(nowhere(), settings)));
    let event = json!({
        "httpMethod": "GET", "path": "/api/v1/tenants/acme/delivery-configs/s3/validate",
        "requestContext": {"requestId": "r"}
    });
    let answer = api.invoke(event.to_string().as_bytes(), &invocation()).await.unwrap();

    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["statusCode"], 200);
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let checks = body["data"]["checks"].as_array().unwrap();
    let central_role = checks.iter().find(|check| check["field"] == "central_role").unwrap();
    assert_eq!(central_role["code"], "unreachable");
}

#[tokio::test]
async fn there_is_no_other_route() {
    let configs = ConfigStore::new(client::connect_embedded("http://127.0.0.1:9"), "configs");
    let api = Api::of_validation(AppState::new(Stores { configs }, Settings::default()));
    let event = json!({
        "httpMethod": "DELETE", "path": "/api/v1/tenants/acme/delivery-configs/s3", "requestContext": {"requestId": "r"}
    });
    let answer = api.invoke(event.to_string().as_bytes(), &invocation()).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["statusCode"], 404);
}

/// An AWS that nobody serves.
fn nowhere() -> SdkConfig {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let credentials = Credentials::new("a", "b", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn invocation() -> Invocation {
    Invocation {
        request_id: "r".to_owned(),
        trace_id: None,
        deadline: Some(std::time::SystemTime::now() + Duration::from_secs(10)),
        cold_start: true,
    }
}
