//! The SDK's settings, made on first use: time-outs and retries for a waiting caller, and one connection pool.

use std::{sync::OnceLock, time::Duration};

use aws_config::{Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, IdentityCache, SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use tenant_aws::Limits;

const LIMITS: Limits = Limits {
    // A handshake across regions takes some 300 ms. After a second the host is unreachable.
    connect: Duration::from_secs(1),
    // These calls take some 100 ms. A chain of three that each need a second attempt fits the deadline.
    attempt: Duration::from_millis(1500),
    // The checks have a deadline.
    operation: None,
    attempts: 2,
    first_backoff: Duration::from_millis(50),
    // The SDK's default. The only retry comes after the first pause, unless the service asks for a longer one.
    max_backoff: Duration::from_secs(20),
};

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

    /// With the service's own credentials.
    pub(crate) fn config(&self) -> &SdkConfig {
        self.prepared.get_or_init(|| prepare(&self.base))
    }

    /// With other credentials. They are used for one check, so they are neither cached nor renewed.
    pub(crate) fn config_with_credentials(&self, credentials: Credentials) -> SdkConfig {
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
    // A client without a shared HTTP client makes one, with its own connections and its own copy of the root
    // certificates, and every session needs another client.
    let http_client = base.http_client().unwrap_or_else(|| {
        Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https()
    });
    LIMITS.apply(base).to_builder().http_client(http_client).build()
}
