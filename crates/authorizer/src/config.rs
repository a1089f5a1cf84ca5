//! The environment, read once into types. Nothing else in this crate reads it.

use std::env;

use chrono::TimeDelta;
use lambda::{Telemetry, TelemetryError};

use crate::keys::{ParameterName, ParameterNameError};

const PARAMETER_NAME: &str = "PSK_PARAMETER_NAME";
const REQUIRE_BODY_SHA256: &str = "REQUIRE_BODY_SHA256";
const PREVIOUS_KEY_MAX_AGE: &str = "PREVIOUS_KEY_MAX_AGE";
/// A longer overlap is not a rotation.
const MAX_SECONDS: u32 = 365 * 24 * 60 * 60;

/// How the function was configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The SSM parameter that holds the key, from `PSK_PARAMETER_NAME`.
    pub parameter: ParameterName,
    /// What is logged and measured.
    pub telemetry: Telemetry,
    /// The settings of the authorizer itself.
    pub settings: Settings,
}

/// The settings of the authorizer, however it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whether a POST, PUT or PATCH must bind its body by `X-Body-SHA256`, from `REQUIRE_BODY_SHA256`.
    pub require_body_digest: bool,
    /// How long the previous key is accepted after the current one was written, from `PREVIOUS_KEY_MAX_AGE` in seconds.
    pub previous_key_max_age: TimeDelta,
}

impl Default for Settings {
    /// Bodies need not be bound, and a rotation may take a week.
    fn default() -> Self {
        Self {
            require_body_digest: false,
            previous_key_max_age: TimeDelta::days(7),
        }
    }
}

/// Why the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The parameter's name is missing.
    #[error("{PARAMETER_NAME} is not set; set it to the name of the SSM parameter that holds the pre-shared key")]
    NoParameterName,
    /// The name is not a valid parameter name.
    #[error("{PARAMETER_NAME} is invalid")]
    InvalidParameterName(#[source] ParameterNameError),
    /// Neither true nor false.
    #[error("{REQUIRE_BODY_SHA256} is {0:?}; it must be true or false")]
    NotABoolean(String),
    /// Not a number of seconds, or more than a year.
    #[error("{PREVIOUS_KEY_MAX_AGE} is {0:?}; it must be a whole number of seconds from 0 to {MAX_SECONDS}")]
    NotAnAge(String),
    /// A variable that every function has.
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
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let defaults = Settings::default();
        Ok(Self {
            parameter: lookup(PARAMETER_NAME)
                .ok_or(ConfigError::NoParameterName)?
                .parse()
                .map_err(ConfigError::InvalidParameterName)?,
            telemetry: Telemetry::from_variables("authorizer", lookup)?,
            settings: Settings {
                require_body_digest: lookup(REQUIRE_BODY_SHA256)
                    .map_or(Ok(defaults.require_body_digest), parse_boolean)?,
                previous_key_max_age: lookup(PREVIOUS_KEY_MAX_AGE)
                    .map_or(Ok(defaults.previous_key_max_age), parse_age)?,
            },
        })
    }
}

/// A security switch must not be off because of a typo, so anything but the two words is an error.
fn parse_boolean(value: String) -> Result<bool, ConfigError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ConfigError::NotABoolean(value)),
    }
}

fn parse_age(value: String) -> Result<TimeDelta, ConfigError> {
    match value.parse::<u32>() {
        Ok(seconds) if seconds <= MAX_SECONDS && value.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(TimeDelta::seconds(seconds.into()))
        }
        _ => Err(ConfigError::NotAnAge(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn parameter_name_is_required() {
        assert_eq!(config(&[]).unwrap_err(), ConfigError::NoParameterName);
        assert_eq!(
            config(&[("PSK_PARAMETER_NAME", "")]).unwrap_err(),
            ConfigError::NoParameterName
        );
    }

    #[test]
    fn other_variables_have_defaults() {
        let config = config(&[("PSK_PARAMETER_NAME", "/logging/api/psk")]).unwrap();
        assert_eq!(config.parameter.as_str(), "/logging/api/psk");
        assert_eq!(config.telemetry, Telemetry::default());
        assert_eq!(
            config.settings,
            Settings {
                require_body_digest: false,
                previous_key_max_age: TimeDelta::days(7),
            }
        );
    }

    #[test]
    fn age_of_the_previous_key_is_in_seconds() {
        for (value, seconds) in [("0", 0), ("3600", 3_600), ("31536000", 31_536_000), ("", 7 * 86_400)] {
            let config = config(&[("PSK_PARAMETER_NAME", "/psk"), ("PREVIOUS_KEY_MAX_AGE", value)]).unwrap();
            assert_eq!(
                config.settings.previous_key_max_age,
                TimeDelta::seconds(seconds),
                "{value:?}"
            );
        }
    }

    #[test]
    fn require_body_sha256_makes_the_digest_mandatory() {
        for (value, expected) in [
            ("true", true),
            ("True", true),
            ("false", false),
            ("FALSE", false),
            ("", false),
        ] {
            let config = config(&[("PSK_PARAMETER_NAME", "/psk"), ("REQUIRE_BODY_SHA256", value)]).unwrap();
            assert_eq!(config.settings.require_body_digest, expected, "{value:?}");
        }
    }

    #[test]
    fn malformed_variable_is_an_error_that_names_it() {
        for (name, value) in [
            ("REQUIRE_BODY_SHA256", "yes"),
            ("REQUIRE_BODY_SHA256", "1"),
            ("PREVIOUS_KEY_MAX_AGE", "7d"),
            ("PREVIOUS_KEY_MAX_AGE", "-1"),
            ("PREVIOUS_KEY_MAX_AGE", "+1"),
            ("PREVIOUS_KEY_MAX_AGE", "1.5"),
            ("PREVIOUS_KEY_MAX_AGE", "31536001"),
            ("LOG_LEVEL", "LOUD"),
            ("AWS_LAMBDA_LOG_FORMAT", "XML"),
            ("METRICS_NAMESPACE", "AWS/Lambda"),
            ("PSK_PARAMETER_NAME", "/logging/api/psk:3"),
        ] {
            let mut variables = vec![(name, value)];
            if name != "PSK_PARAMETER_NAME" {
                variables.push(("PSK_PARAMETER_NAME", "/psk"));
            }
            let error = config(&variables).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
