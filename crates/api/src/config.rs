//! The environment, read once into types. Nothing else in this crate reads it.

use std::env;

use http::{HeaderValue, Uri};
use lambda::{Telemetry, TelemetryError};

const TABLE: &str = "TENANT_CONFIG_TABLE";
const ORIGINS: &str = "ALLOWED_ORIGINS";

/// How the function was configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table of the delivery configurations, from `TENANT_CONFIG_TABLE`.
    pub table: String,
    /// What is logged and measured.
    pub telemetry: Telemetry,
    /// What the service itself is told.
    pub settings: Settings,
}

/// What the service is told, however it is run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The web pages that may read answers, from `ALLOWED_ORIGINS`.
    pub allowed_origins: AllowedOrigins,
}

/// The origins for which the service answers CORS requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// No page of another origin, and no CORS header at all.
    #[default]
    None,
    /// These, exactly.
    List(Vec<HeaderValue>),
    /// Every page, for who asks for it by `*`. A page gains nothing by it that the same program outside a browser does
    /// not have: requests are signed, cookies play no part, and credentials are never allowed.
    Any,
}

/// Why the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The table is not named.
    #[error("{TABLE} is not set; set it to the name of the DynamoDB table with the delivery configurations")]
    NoTable,
    /// An origin that no browser would send.
    #[error(
        "{ORIGINS} holds {0:?}; it takes origins such as https://console.example.com, without a path or a trailing slash, \
         separated by commas, or * alone"
    )]
    InvalidOrigin(String),
    /// A variable that every function has.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables("api", |name| env::var(name).ok())
    }

    /// Reads variables through `lookup`. An empty variable counts as unset. `own_name` stands for the function outside of
    /// Lambda.
    pub fn from_variables(own_name: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            table: lookup(TABLE)
                .filter(|table| !table.is_empty())
                .ok_or(ConfigError::NoTable)?,
            telemetry: Telemetry::from_variables(own_name, &lookup)?,
            settings: Settings {
                allowed_origins: AllowedOrigins::parse(&lookup(ORIGINS).unwrap_or_default())?,
            },
        })
    }
}

impl AllowedOrigins {
    /// Reads a comma-separated list; an empty one allows nobody.
    pub fn parse(list: &str) -> Result<Self, ConfigError> {
        let origins: Vec<_> = list
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .collect();
        match origins[..] {
            [] => Ok(Self::None),
            ["*"] => Ok(Self::Any),
            _ => origins
                .into_iter()
                .map(parse_origin)
                .collect::<Result<_, _>>()
                .map(Self::List),
        }
    }
}

/// Browsers send `scheme://host[:port]` in lower case, and are compared with character by character.
fn parse_origin(origin: &str) -> Result<HeaderValue, ConfigError> {
    let invalid = || ConfigError::InvalidOrigin(origin.to_owned());
    let uri: Uri = origin.parse().map_err(|_| invalid())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(invalid());
    };
    let as_sent = format!("{scheme}://{authority}").to_ascii_lowercase();
    if as_sent != origin || authority.as_str().contains(['@', '*']) {
        return Err(invalid());
    }
    HeaderValue::try_from(as_sent).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables("api", |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_table_is_all_that_must_be_set() {
        let config = config(&[(TABLE, "configs"), (ORIGINS, ""), ("LOG_LEVEL", "")]).unwrap();
        assert_eq!(config.table, "configs");
        assert_eq!(config.telemetry, Telemetry::default());
        assert_eq!(config.settings.allowed_origins, AllowedOrigins::None);
    }

    #[test]
    fn a_missing_table_stops_the_start_with_its_variable() {
        for variables in [&[][..], &[(TABLE, "")]] {
            let error = config(variables).unwrap_err();
            assert_eq!(error, ConfigError::NoTable);
            assert!(error.to_string().contains("TENANT_CONFIG_TABLE"));
        }
    }

    #[test]
    fn a_log_level_that_is_none_stops_the_start() {
        assert!(matches!(
            config(&[(TABLE, "configs"), ("LOG_LEVEL", "loud")]),
            Err(ConfigError::Telemetry(_))
        ));
    }

    #[test]
    fn origins_are_a_list_of_exact_ones_or_an_asterisk_alone() {
        let list = AllowedOrigins::parse(" https://a.example , http://localhost:3000,").unwrap();
        let origins = ["https://a.example", "http://localhost:3000"].map(HeaderValue::from_static);
        assert_eq!(list, AllowedOrigins::List(origins.to_vec()));
        assert_eq!(AllowedOrigins::parse("*").unwrap(), AllowedOrigins::Any);
    }

    #[test]
    fn an_origin_that_no_browser_sends_stops_the_start() {
        for list in [
            "https://a.example/",
            "https://a.example/app",
            "https://A.example",
            "a.example",
            "null",
            "https://user@a.example",
            "https://*.example",
            "https://a.example,*",
            "https://a.example?x",
            "//a.example",
        ] {
            assert!(
                matches!(AllowedOrigins::parse(list), Err(ConfigError::InvalidOrigin(_))),
                "{list}"
            );
        }
    }
}
