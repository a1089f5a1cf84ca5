//! Secrets from a parameter.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tenant_aws::parameter::{Parameter, ParameterError, Secret};
use testing::{AwsReply, AwsServer};

const NAME: &str = "/acme/key";

fn value(value: &str) -> AwsReply {
    AwsReply::Json(
        200,
        json!({"Parameter": {"Name": NAME, "Type": "SecureString", "Value": value}}),
    )
}

fn secret(server: &AwsServer) -> Secret<u32> {
    Secret::stored(Parameter::new(server.sdk_config(), NAME))
}

#[tokio::test]
async fn secret_is_read_at_the_first_call_and_kept() {
    let server = AwsServer::start(|_| value("42")).await;
    let secret = secret(&server);
    assert_eq!(server.calls(), []);
    assert_eq!((secret.get().await.unwrap(), secret.get().await.unwrap()), (&42, &42));
    let [call] = &server.calls()[..] else {
        panic!("one call")
    };
    assert_eq!(call.target, "AmazonSSM.GetParameter");
    assert_eq!(call.input, json!({"Name": NAME, "WithDecryption": true}));
}

#[tokio::test]
async fn failure_is_not_kept() {
    let fails = AtomicBool::new(true);
    let server = AwsServer::start(move |_| {
        if fails.swap(false, Ordering::Relaxed) {
            AwsReply::rejection(400, "ParameterNotFound")
        } else {
            value("42")
        }
    })
    .await;
    let secret = secret(&server);
    assert!(matches!(secret.get().await, Err(ParameterError::Missing(name)) if name == NAME));
    assert_eq!(secret.get().await.unwrap(), &42);
}

#[tokio::test]
async fn value_that_is_not_what_is_needed_is_an_error_that_does_not_show_it() {
    let server = AwsServer::start(|_| value("hunter2")).await;
    let error = secret(&server).get().await.unwrap_err();
    assert_eq!(error.to_string(), "the parameter /acme/key cannot be used");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn denied_read_is_not_repeated_and_an_outage_is() {
    let server = AwsServer::start(|_| AwsReply::rejection(400, "InvalidKeyId")).await;
    assert!(matches!(
        secret(&server).get().await,
        Err(ParameterError::AccessDenied(_))
    ));
    assert_eq!(server.calls().len(), 1);
    let server = AwsServer::start(|_| AwsReply::rejection(500, "InternalServerError")).await;
    assert!(matches!(
        secret(&server).get().await,
        Err(ParameterError::Unavailable(_))
    ));
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn known_secret_is_not_read() {
    assert_eq!(Secret::known(7_u32).get().await.unwrap(), &7);
    assert_eq!(format!("{:?}", Secret::known(7_u32)), "Secret([redacted])");
}
