//! The DynamoDB client, with time-outs and retries chosen for a function that API Gateway waits for.

use std::time::Duration;

pub use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_types::{SdkConfig, sdk_config};
use tenant_aws::{Limits, usage::Meter};

use crate::error::TRANSACTION_CONFLICT;

const LIMITS: Limits = Limits {
    // A TCP and TLS handshake inside a region takes milliseconds; after a second the host is unreachable.
    connect: Duration::from_secs(1),
    // A DynamoDB call takes single-digit milliseconds, a 1 MB page some hundred.
    attempt: Duration::from_millis(1500),
    // Under the function's 10 s and far under API Gateway's 29 s.
    operation: Some(Duration::from_secs(4)),
    attempts: 3,
    // The SDK's default of 1 s would spend the client's time on a fault that is over in milliseconds.
    first_backoff: Duration::from_millis(50),
    max_backoff: Duration::from_millis(500),
};
const METER: Meter = Meter::new(&[TRANSACTION_CONFLICT]);

/// Connects with the region, credentials and endpoint of `config`.
#[must_use]
pub fn from_sdk_config(config: &SdkConfig) -> Client {
    Client::from_conf(limited(config).build())
}

fn limited(config: &SdkConfig) -> Builder {
    Builder::from(&LIMITS.apply(config)).interceptor(METER)
}

/// Connects to an embedded DynamoDB, which accepts any credentials.
#[must_use]
pub fn connect_embedded(endpoint_url: &str) -> Client {
    from_sdk_config(&embedded(endpoint_url).build())
}

/// The same through `http_client`, for a build that has none of its own (the feature `https` brings one).
#[must_use]
pub fn connect_embedded_through(http_client: impl HttpClient + 'static, endpoint_url: &str) -> Client {
    from_sdk_config(&embedded(endpoint_url).http_client(http_client).build())
}

/// Connects to a DynamoDB in this process by calling `http_client`. There is no way on which a request could be changed or
/// a response could stall, so requests are not signed and their bodies are not watched: 3 - 6 % of the processor time of a PATCH.
#[must_use]
pub fn connect_in_process(http_client: impl HttpClient + 'static, endpoint_url: &str) -> Client {
    let config = unsigned(endpoint_url)
        .http_client(http_client)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    Client::from_conf(limited(&config.build()).allow_no_auth().build())
}

fn embedded(endpoint_url: &str) -> sdk_config::Builder {
    let credentials = Credentials::new("embedded", "embedded", None, None, "embedded");
    unsigned(endpoint_url).credentials_provider(SharedCredentialsProvider::new(credentials))
}

fn unsigned(endpoint_url: &str) -> sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(endpoint_url)
}
