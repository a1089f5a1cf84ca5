//! The function's responses to events of API Gateway: it contains the external checks.

use std::time::Duration;

use api::{Api, AppState, Stores, config::Settings};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use chrono::Utc;
use lambda::{Handler, Invocation};
use serde_json::{Value, json};
use tenant_core::{
    history::{ChangeKind, LastChange},
    parse_create,
};
use tenant_store::{client, configs::ConfigStore};
use testing::{EmbeddedDynamoDb, closed_port};

#[tokio::test]
async fn validation_includes_external_checks() {
    let configs = ConfigStore::new(EmbeddedDynamoDb::start_with_table("configs").await.client, "configs");
    let body = r#"{"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs"}"#;
    let config = parse_create(body.as_bytes(), &"acme".parse().unwrap(), Utc::now()).unwrap();
    let by = LastChange {
        request_id: "earlier".to_owned(),
        kind: ChangeKind::Create,
        key: None,
        at: Utc::now(),
        note: None,
        cause: None,
        restored_from: None,
    };
    configs.create(&config, &by, Utc::now()).await.unwrap();

    let settings = tenant_preflight::Settings::new("arn:aws:iam::111122223333:role/Central".parse().unwrap());
    let state = AppState::new(Stores { configs }, Settings::default());
    let api = Api::for_validation(state.with_external_checks(validator::external_checks(unreachable_aws(), settings)));
    let event = json!({
        "httpMethod": "GET", "path": "/api/v1/tenants/acme/delivery-configs/s3/validate",
        "requestContext": {"requestId": "r", "authorizer": {"principalId": "psk", "keyVersion": "current:1"}}
    });
    let response = api.invoke(event.to_string().as_bytes(), &invocation()).await.unwrap();

    let response: Value = serde_json::from_slice(&response).unwrap();
    assert_eq!(response["statusCode"], 200);
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    let checks = body["data"]["checks"].as_array().unwrap();
    let central_role = checks.iter().find(|check| check["field"] == "central_role").unwrap();
    assert_eq!(central_role["code"], "unreachable");
}

#[tokio::test]
async fn other_routes_are_not_found() {
    let configs = ConfigStore::new(client::connect_embedded("http://127.0.0.1:9"), "configs");
    let api = Api::for_validation(AppState::new(Stores { configs }, Settings::default()));
    let event = json!({
        "httpMethod": "DELETE", "path": "/api/v1/tenants/acme/delivery-configs/s3",
        "requestContext": {"requestId": "r", "authorizer": {"principalId": "psk", "keyVersion": "current:1"}}
    });
    let response = api.invoke(event.to_string().as_bytes(), &invocation()).await.unwrap();
    let response: Value = serde_json::from_slice(&response).unwrap();
    assert_eq!(response["statusCode"], 404);
}

#[tokio::test]
async fn request_without_an_authorizer_is_rejected() {
    let configs = ConfigStore::new(client::connect_embedded("http://127.0.0.1:9"), "configs");
    let api = Api::for_validation(AppState::new(Stores { configs }, Settings::default()));
    for (path, status) in [
        ("/api/v1/tenants/acme/delivery-configs/s3/validate", 500),
        ("/nowhere", 500),
        // Open, but not here.
        ("/health", 404),
    ] {
        let event = json!({"httpMethod": "GET", "path": path, "requestContext": {"requestId": "r"}});
        let response = api.invoke(event.to_string().as_bytes(), &invocation()).await.unwrap();
        let response: Value = serde_json::from_slice(&response).unwrap();
        assert_eq!(response["statusCode"], status, "{path}");
    }
}

/// An AWS at whose address nothing listens.
fn unreachable_aws() -> SdkConfig {
    let credentials = Credentials::new("a", "b", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(format!("http://{}", closed_port()))
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
