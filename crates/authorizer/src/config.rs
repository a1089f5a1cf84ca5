//! The environment, read once into types. Nothing else in this crate reads it.

use std::env;

use lambda::{Telemetry, TelemetryError};

use crate::keys::{ParameterName, ParameterNameError};

const PARAMETER_NAME: &str = "PSK_PARAMETER_NAME";
const REQUIRE_BODY_SHA256: &str = "REQUIRE_BODY_SHA256";

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether a POST, PUT or PATCH must bind its body by `X-Body-SHA256`, from `REQUIRE_BODY_SHA256`.
    pub require_body_digest: bool,
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
        Ok(Self {
            parameter: lookup(PARAMETER_NAME)
                .ok_or(ConfigError::NoParameterName)?
                .parse()
                .map_err(ConfigError::InvalidParameterName)?,
            telemetry: Telemetry::from_variables("authorizer", lookup)?,
            settings: Settings {
                require_body_digest: lookup(REQUIRE_BODY_SHA256).map_or(Ok(false), parse_boolean)?,
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
                require_body_digest: false
            }
        );
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
