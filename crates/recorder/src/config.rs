//! The configuration of the function, read from the environment once. Nothing else in this crate reads the environment.

use std::{env, time::Duration};

use lambda::{Telemetry, TelemetryError};
use tenant_core::history::{Retention, RetentionError};

const CONFIG_TABLE: &str = "TENANT_CONFIG_TABLE";
const HISTORY_TABLE: &str = "TENANT_HISTORY_TABLE";
const RETENTION_DAYS: &str = "HISTORY_RETENTION_DAYS";

/// The configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table of the delivery configurations, from `TENANT_CONFIG_TABLE`.
    pub config_table: String,
    /// The table of their history, from `TENANT_HISTORY_TABLE`.
    pub history_table: String,
    /// What is logged and measured.
    pub telemetry: Telemetry,
    /// The settings of the recording itself.
    pub settings: Settings,
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
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        Ok(Self {
            config_table: set(CONFIG_TABLE).ok_or(ConfigError::NoConfigTable)?,
            history_table: set(HISTORY_TABLE).ok_or(ConfigError::NoHistoryTable)?,
            telemetry: Telemetry::from_variables("recorder", &lookup)?,
            settings: Settings {
                retention: set(RETENTION_DAYS).map_or(Ok(Retention::default()), |days| days.parse())?,
                ..Settings::default()
            },
        })
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
        assert_eq!(config.settings.retention.days(), 2557);
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
