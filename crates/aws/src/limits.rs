//! Time-outs and retries of a client.

use std::time::Duration;

use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;

/// How long the calls of a client may take, and how often they are tried. The SDK has no time-outs by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A TCP and TLS handshake.
    pub connect: Duration,
    /// One attempt, connecting included.
    pub attempt: Duration,
    /// A call with all its attempts and pauses; `None` where the caller has its own deadline.
    pub operation: Option<Duration>,
    /// The first attempt and the retries together.
    pub attempts: u32,
    /// The longest pause before the first retry; it doubles with each one. The pauses are random.
    pub first_backoff: Duration,
    /// The longest pause.
    pub max_backoff: Duration,
}

impl Limits {
    /// The same configuration with these limits.
    #[must_use]
    pub fn apply(&self, config: &SdkConfig) -> SdkConfig {
        let mut timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt);
        timeouts.set_operation_timeout(self.operation);
        let retries = RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(self.first_backoff)
            .with_max_backoff(self.max_backoff);
        config
            .to_builder()
            .timeout_config(timeouts.build())
            .retry_config(retries)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_has_every_limit() {
        let limits = Limits {
            connect: Duration::from_secs(1),
            attempt: Duration::from_secs(2),
            operation: Some(Duration::from_secs(4)),
            attempts: 3,
            first_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_millis(500),
        };
        let config = limits.apply(&SdkConfig::builder().build());
        let (timeouts, retries) = (config.timeout_config().unwrap(), config.retry_config().unwrap());
        assert_eq!(timeouts.connect_timeout(), Some(limits.connect));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(limits.attempt));
        assert_eq!(timeouts.operation_timeout(), limits.operation);
        assert_eq!(retries.max_attempts(), limits.attempts);
        assert_eq!(retries.initial_backoff(), limits.first_backoff);
        assert_eq!(retries.max_backoff(), limits.max_backoff);
    }
}
