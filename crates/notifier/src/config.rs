//! The configuration of the function, read from the environment once. Nothing else in this crate reads the environment.

use std::env;

use lambda::{Telemetry, TelemetryError};
use tenant_core::webhook::{NetworkError, Networks, Schedule, ScheduleError};

const WEBHOOKS_TABLE: &str = "TENANT_WEBHOOKS_TABLE";
const DELIVERIES_TABLE: &str = "TENANT_WEBHOOK_DELIVERIES_TABLE";
const HISTORY_TABLE: &str = "TENANT_HISTORY_TABLE";
const QUEUE_URL: &str = "WEBHOOK_QUEUE_URL";
const MASTER_KEY: &str = "WEBHOOK_MASTER_KEY_PARAMETER";
const RETRY_SCHEDULE: &str = "WEBHOOK_RETRY_SCHEDULE";
const NETWORKS: &str = "WEBHOOK_NETWORKS";

/// The configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table of the endpoints, from `TENANT_WEBHOOKS_TABLE`.
    pub webhooks_table: String,
    /// The table of their deliveries, from `TENANT_WEBHOOK_DELIVERIES_TABLE`.
    pub deliveries_table: String,
    /// The table of the history, from `TENANT_HISTORY_TABLE`.
    pub history_table: String,
    /// The queue of wake-ups, from `WEBHOOK_QUEUE_URL`.
    pub queue_url: String,
    /// The parameter with the master key, from `WEBHOOK_MASTER_KEY_PARAMETER`.
    pub master_key_parameter: String,
    /// The pauses between attempts, from `WEBHOOK_RETRY_SCHEDULE`.
    pub schedule: Schedule,
    /// Networks that are not public and may be reached, from `WEBHOOK_NETWORKS`. None, except in a test.
    pub networks: Networks,
    /// What is logged and measured.
    pub telemetry: Telemetry,
}

/// Why the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable that has no default.
    #[error("{0} is not set; set it to {1}")]
    Missing(&'static str, &'static str),
    /// Not a schedule.
    #[error("{RETRY_SCHEDULE} {0}")]
    Schedule(#[from] ScheduleError),
    /// Not networks.
    #[error("{NETWORKS}: {0}")]
    Networks(#[from] NetworkError),
    /// An invalid variable that every function has.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// Reads variables through `lookup`. An empty variable counts as unset.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        let required = |name, what| set(name).ok_or(ConfigError::Missing(name, what));
        Ok(Self {
            webhooks_table: required(WEBHOOKS_TABLE, "the name of the DynamoDB table with the webhooks")?,
            deliveries_table: required(DELIVERIES_TABLE, "the name of the DynamoDB table with their deliveries")?,
            history_table: required(
                HISTORY_TABLE,
                "the name of the DynamoDB table with the history of the configurations",
            )?,
            queue_url: required(QUEUE_URL, "the URL of the SQS queue that wakes this function")?,
            master_key_parameter: required(
                MASTER_KEY,
                "the name of the SSM parameter with the master key of the webhooks",
            )?,
            schedule: set(RETRY_SCHEDULE).map_or(Ok(Schedule::default()), |schedule| schedule.parse())?,
            networks: set(NETWORKS).map_or(Ok(Networks::default()), |networks| networks.parse())?,
            telemetry: Telemetry::from_variables("notifier", &lookup)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [(&str, &str); 5] = [
        (WEBHOOKS_TABLE, "webhooks"),
        (DELIVERIES_TABLE, "deliveries"),
        (HISTORY_TABLE, "history"),
        (QUEUE_URL, "https://sqs.us-east-1.amazonaws.com/123456789012/a"),
        (MASTER_KEY, "/a/key"),
    ];

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(|name| {
            let found = variables
                .iter()
                .chain(&REQUIRED)
                .find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn schedule_and_networks_are_optional() {
        let config = config(&[(RETRY_SCHEDULE, "")]).unwrap();
        assert_eq!(config.schedule, Schedule::default());
        assert!(!config.networks.contains([127, 0, 0, 1].into()));
        let config = self::config(&[(RETRY_SCHEDULE, "1,2"), (NETWORKS, "127.0.0.0/8")]).unwrap();
        assert_eq!(config.schedule, "1,2".parse().unwrap());
        assert!(config.networks.contains([127, 0, 0, 1].into()));
    }

    #[test]
    fn missing_or_invalid_variable_is_reported_by_name() {
        let missing = REQUIRED.map(|(name, _)| (name, ""));
        let invalid = [(RETRY_SCHEDULE, "soon"), (NETWORKS, "here"), ("LOG_LEVEL", "loud")];
        for (name, value) in missing.into_iter().chain(invalid) {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
