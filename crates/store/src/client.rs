//! The DynamoDB client, with time-outs and retries chosen for a function that API Gateway waits for.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_types::SdkConfig;

use crate::usage::Meter;

/// A TCP and TLS handshake inside a region takes milliseconds; after a second the host is unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// One attempt. A DynamoDB call takes single-digit milliseconds, a 1 MB page some hundred.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1500);
/// A call with all its attempts. Under the function's 10 s and far under API Gateway's 29 s.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);
/// The first try and two more.
const MAX_ATTEMPTS: u32 = 3;
/// The SDK's default of 1 s would spend the client's time on a fault that is over in milliseconds.
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_millis(500);

/// Connects with the region, credentials and endpoint of `config`.
#[must_use]
pub fn from_sdk_config(config: &SdkConfig) -> Client {
    Client::from_conf(tuned(aws_sdk_dynamodb::config::Builder::from(config)).build())
}

/// Connects to an embedded DynamoDB, which accepts any credentials.
#[must_use]
pub fn connect_embedded(endpoint_url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "embedded"))
        .endpoint_url(endpoint_url);
    Client::from_conf(tuned(config).build())
}

fn tuned(config: aws_sdk_dynamodb::config::Builder) -> aws_sdk_dynamodb::config::Builder {
    config
        .interceptor(Meter)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(MAX_ATTEMPTS)
                .with_initial_backoff(INITIAL_BACKOFF)
                .with_max_backoff(MAX_BACKOFF),
        )
}
