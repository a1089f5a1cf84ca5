//! The configuration of the function, read from the environment once. Nothing else in this crate reads the environment.

use std::{env, time::Duration};

use lambda::{Telemetry, TelemetryError};
use tenant_core::history::{Retention, RetentionError};

const CONFIG_TABLE: &str = "TENANT_CONFIG_TABLE";
const HISTORY_TABLE: &str = "TENANT_HISTORY_TABLE";
const WEBHOOKS_TABLE: &str = "TENANT_WEBHOOKS_TABLE";
const DELIVERIES_TABLE: &str = "TENANT_WEBHOOK_DELIVERIES_TABLE";
const QUEUE_URL: &str = "WEBHOOK_QUEUE_URL";
const EVENT_BUS: &str = "EVENT_BUS_NAME";
const RETENTION_DAYS: &str = "HISTORY_RETENTION_DAYS";

/// The configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table of the delivery configurations, from `TENANT_CONFIG_TABLE`.
    pub config_table: String,
    /// The table of their history, from `TENANT_HISTORY_TABLE`.
    pub history_table: String,
    /// Where deliveries are queued. `None` for a deployment without webhooks.
    pub webhooks: Option<WebhooksConfig>,
    /// The bus on which events are put as well, from `EVENT_BUS_NAME`.
    pub event_bus: Option<String>,
    /// What is logged and measured.
    pub telemetry: Telemetry,
    /// The settings of the recording itself.
    pub settings: Settings,
}

/// Where deliveries are queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhooksConfig {
    /// The table of the endpoints, from `TENANT_WEBHOOKS_TABLE`.
    pub endpoints_table: String,
    /// The table of their deliveries, from `TENANT_WEBHOOK_DELIVERIES_TABLE`.
    pub deliveries_table: String,
    /// The queue that wakes the notifier, from `WEBHOOK_QUEUE_URL`.
    pub queue_url: String,
}

/// The settings of the recording in every process that records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long entries are kept, from `HISTORY_RETENTION_DAYS`.
    pub retention: Retention,
    /// How long a comparison waits before it takes a difference for a change that the stream has lost.
    pub settling: Duration,
    /// How many configurations a comparison compares before it saves its progress.
    pub page: u16,
}

/// A record of the stream arrives within a second, with few exceptions. What a slower one brings after its change was
/// recorded as observed is one entry too many, and none too few.
const SETTLING: Duration = Duration::from_secs(5);
/// 1 MB of small items, which one call reads.
const PAGE: u16 = 1000;

/// Why the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no name of the table of configurations.
    #[error("{CONFIG_TABLE} is not set; set it to the name of the DynamoDB table with the delivery configurations")]
    NoConfigTable,
    /// There is no name of the table of the history.
    #[error(
        "{HISTORY_TABLE} is not set; set it to the name of the DynamoDB table with the history of the configurations"
    )]
    NoHistoryTable,
    /// Some of what webhooks need, but not all.
    #[error(
        "{0} is not set, but another variable of the webhooks is; set {WEBHOOKS_TABLE}, {DELIVERIES_TABLE} and {QUEUE_URL}, or none of them"
    )]
    PartOfWebhooks(&'static str),
    /// Not a number of days.
    #[error("{RETENTION_DAYS} {0}")]
    Retention(#[from] RetentionError),
    /// An invalid variable that every function has.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            settling: SETTLING,
            page: PAGE,
        }
    }
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// Reads variables through `lookup`. An empty variable counts as unset.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        Ok(Self {
            config_table: set(CONFIG_TABLE).ok_or(ConfigError::NoConfigTable)?,
            history_table: set(HISTORY_TABLE).ok_or(ConfigError::NoHistoryTable)?,
            webhooks: WebhooksConfig::from_variables(set)?,
            event_bus: set(EVENT_BUS),
            telemetry: Telemetry::from_variables("recorder", &lookup)?,
            settings: Settings {
                retention: set(RETENTION_DAYS).map_or(Ok(Retention::default()), |days| days.parse())?,
                ..Settings::default()
            },
        })
    }
}

impl WebhooksConfig {
    fn from_variables(set: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let names = [WEBHOOKS_TABLE, DELIVERIES_TABLE, QUEUE_URL];
        match names.map(&set) {
            [None, None, None] => Ok(None),
            [Some(endpoints_table), Some(deliveries_table), Some(queue_url)] => Ok(Some(Self {
                endpoints_table,
                deliveries_table,
                queue_url,
            })),
            _ => {
                let missing = names.into_iter().find(|name| set(name).is_none());
                Err(ConfigError::PartOfWebhooks(missing.unwrap_or_default()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [(&str, &str); 2] = [(CONFIG_TABLE, "configs"), (HISTORY_TABLE, "history")];

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(|name| {
            let found = variables.iter().chain(&TABLES).find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_the_tables_are_required() {
        let config = config(&[(RETENTION_DAYS, "")]).unwrap();
        assert_eq!((&*config.config_table, &*config.history_table), ("configs", "history"));
        assert_eq!(config.settings, Settings::default());
        assert_eq!((config.webhooks, config.event_bus), (None, None));
        assert_eq!(config.settings.retention.days(), 2557);
    }

    #[test]
    fn webhooks_have_all_of_their_variables_or_none() {
        let all = [
            (WEBHOOKS_TABLE, "webhooks"),
            (DELIVERIES_TABLE, "deliveries"),
            (QUEUE_URL, "https://a"),
        ];
        let found = config(&all).unwrap().webhooks.unwrap();
        assert_eq!(
            (&*found.endpoints_table, &*found.deliveries_table, &*found.queue_url),
            ("webhooks", "deliveries", "https://a")
        );
        for missing in 0..all.len() {
            let mut variables = all;
            variables[missing].1 = "";
            let error = config(&variables).unwrap_err();
            assert_eq!(error, ConfigError::PartOfWebhooks(all[missing].0));
        }
    }

    #[test]
    fn retention_is_a_number_of_days() {
        assert_eq!(config(&[(RETENTION_DAYS, "30")]).unwrap().settings.retention.days(), 30);
        let for_ever = config(&[(RETENTION_DAYS, "0")]).unwrap();
        assert_eq!(for_ever.settings.retention, Retention::FOR_EVER);
    }

    #[test]
    fn missing_or_invalid_variable_is_reported_by_name() {
        for (name, value) in [
            (CONFIG_TABLE, ""),
            (HISTORY_TABLE, ""),
            (RETENTION_DAYS, "a week"),
            ("LOG_LEVEL", "loud"),
        ] {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
