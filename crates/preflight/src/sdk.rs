//! The SDK's settings, made on first use: time-outs and retries for somebody who waits, one pool of connections.

use std::{sync::OnceLock, time::Duration};

use aws_config::{Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sts::config::{Credentials, IdentityCache, SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// A handshake across regions takes some 300 ms; after a second the host is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// These calls answer within some 100 ms. A chain of three that each need a second attempt fits the deadline.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1500);
const MAX_ATTEMPTS: u32 = 2;
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Sdk {
    base: SdkConfig,
    prepared: OnceLock<SdkConfig>,
}

impl Sdk {
    pub(crate) const fn new(base: SdkConfig) -> Self {
        Self {
            base,
            prepared: OnceLock::new(),
        }
    }

    /// As the service itself.
    pub(crate) fn config(&self) -> &SdkConfig {
        self.prepared.get_or_init(|| prepare(&self.base))
    }

    /// As somebody else. Lives for one check, so nothing is cached for it and it is not renewed.
    pub(crate) fn config_as(&self, credentials: Credentials) -> SdkConfig {
        self.config()
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .identity_cache(IdentityCache::no_cache())
            .build()
    }
}

/// The same identity in another region.
pub(crate) fn in_region(config: &SdkConfig, region: &tenant_core::Region) -> SdkConfig {
    config
        .to_builder()
        .region(Region::new(region.as_str().to_owned()))
        .build()
}

fn prepare(base: &SdkConfig) -> SdkConfig {
    // A client that is given none makes its own, with its own connections and its own copy of the root certificates, and
    // every session needs another client.
    let http_client = base.http_client().unwrap_or_else(|| {
        Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https()
    });
    base.to_builder()
        .http_client(http_client)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .build(),
        )
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(MAX_ATTEMPTS)
                .with_initial_backoff(INITIAL_BACKOFF),
        )
        .build()
}
