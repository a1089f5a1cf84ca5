//! The configuration of the function, read from the environment once. Nothing else in this crate reads the environment.

use std::{env, num::NonZeroUsize, time::Duration};

use http::{HeaderValue, Uri};
use lambda::{Telemetry, TelemetryError};

use crate::http::deadline::BUDGET;

const TABLE: &str = "TENANT_CONFIG_TABLE";
const HISTORY_TABLE: &str = "HISTORY_TABLE_NAME";
const WEBHOOKS_TABLE: &str = "TENANT_WEBHOOKS_TABLE";
const DELIVERIES_TABLE: &str = "TENANT_WEBHOOK_DELIVERIES_TABLE";
const QUEUE_URL: &str = "WEBHOOK_QUEUE_URL";
const MASTER_KEY: &str = "WEBHOOK_MASTER_KEY_PARAMETER";
const ORIGINS: &str = "ALLOWED_ORIGINS";
const CONCURRENCY: &str = "BATCH_CONCURRENCY";

/// The configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table of the delivery configurations, from `TENANT_CONFIG_TABLE`.
    pub table: String,
    /// The table of their history, from `HISTORY_TABLE_NAME`. `None` for a deployment without a history.
    pub history_table: Option<String>,
    /// What the webhooks consist of. `None` for a deployment without webhooks.
    pub webhooks: Option<WebhooksConfig>,
    /// What is logged and measured.
    pub telemetry: Telemetry,
    /// The settings of the service itself.
    pub settings: Settings,
}

/// What the webhooks consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhooksConfig {
    /// The table of the endpoints, from `TENANT_WEBHOOKS_TABLE`.
    pub endpoints_table: String,
    /// The table of their deliveries, from `TENANT_WEBHOOK_DELIVERIES_TABLE`.
    pub deliveries_table: String,
    /// The queue that wakes the notifier, from `WEBHOOK_QUEUE_URL`.
    pub queue_url: String,
    /// The SSM parameter from whose value secrets are derived, from `WEBHOOK_MASTER_KEY_PARAMETER`.
    pub master_key_parameter: String,
}

/// The settings of the service in every process that serves it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The web pages that are allowed to read responses, from `ALLOWED_ORIGINS`.
    pub allowed_origins: AllowedOrigins,
    /// How many operations of a batch run at the same time, from `BATCH_CONCURRENCY`.
    pub batch_concurrency: BatchConcurrency,
    /// How long a request may take, if the platform does not end it sooner.
    pub time_limit: TimeLimit,
}

/// How long a request may take. The default fits into the time-outs of Lambda and API Gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(pub Duration);

impl Default for TimeLimit {
    fn default() -> Self {
        Self(BUDGET)
    }
}

/// How many operations of a batch run at the same time: more take less time, and more memory and connections, and are
/// throttled sooner by a table that is not used to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchConcurrency(NonZeroUsize);

impl BatchConcurrency {
    /// Connections that one batch can use at most.
    const MAX: usize = 100;

    /// The number, from 1 to 100.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0.get()
    }

    /// Parses the number. Without one it is 16.
    pub fn parse(number: &str) -> Result<Self, ConfigError> {
        if number.is_empty() {
            return Ok(Self::default());
        }
        let parsed = number.parse().ok().and_then(NonZeroUsize::new);
        parsed
            .filter(|concurrency| concurrency.get() <= Self::MAX)
            .map(Self)
            .ok_or_else(|| ConfigError::InvalidConcurrency(number.to_owned()))
    }
}

impl Default for BatchConcurrency {
    fn default() -> Self {
        Self(NonZeroUsize::MIN.saturating_add(15))
    }
}

/// The origins of CORS requests that the service allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// No page of another origin, and no CORS header at all.
    #[default]
    None,
    /// Exactly these.
    List(Vec<HeaderValue>),
    /// Every page, configured as `*`. A page gains nothing that the same program outside a browser does not have: requests
    /// are signed, cookies are not used, and credentials are never allowed.
    Any,
}

/// Why the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no table name.
    #[error("{TABLE} is not set; set it to the name of the DynamoDB table with the delivery configurations")]
    NoTable,
    /// Not an origin that a browser sends.
    #[error(
        "{ORIGINS} contains {0:?}, which is not an origin: use * alone, or a comma-separated list of origins such as \
         https://console.example.com, without a path or a trailing slash"
    )]
    InvalidOrigin(String),
    /// An origin with the default port of its scheme, which browsers leave out: it would never match.
    #[error("{ORIGINS} contains {given:?}, but browsers leave out the default port of a scheme: use {corrected:?}")]
    DefaultPort {
        /// The origin in the list.
        given: String,
        /// What browsers send for it.
        corrected: String,
    },
    /// Some of what webhooks need, but not all.
    #[error(
        "{0} is not set, but another variable of the webhooks is; set {WEBHOOKS_TABLE}, {DELIVERIES_TABLE}, {QUEUE_URL} and \
         {MASTER_KEY}, or none of them"
    )]
    PartOfWebhooks(&'static str),
    /// Not a number of operations.
    #[error("{CONCURRENCY} is {0:?}; it must be a number from 1 to {max}", max = BatchConcurrency::MAX)]
    InvalidConcurrency(String),
    /// An invalid variable that every function has.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables("api", |name| env::var(name).ok())
    }

    /// Reads variables through `lookup`. An empty variable counts as unset. `own_name` names the function outside of Lambda.
    pub fn from_variables(own_name: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            table: lookup(TABLE)
                .filter(|table| !table.is_empty())
                .ok_or(ConfigError::NoTable)?,
            history_table: lookup(HISTORY_TABLE).filter(|table| !table.is_empty()),
            webhooks: WebhooksConfig::from_variables(|name| lookup(name).filter(|value| !value.is_empty()))?,
            telemetry: Telemetry::from_variables(own_name, &lookup)?,
            settings: Settings {
                allowed_origins: AllowedOrigins::parse(&lookup(ORIGINS).unwrap_or_default())?,
                batch_concurrency: BatchConcurrency::parse(&lookup(CONCURRENCY).unwrap_or_default())?,
                time_limit: TimeLimit::default(),
            },
        })
    }
}

impl WebhooksConfig {
    fn from_variables(set: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let names = [WEBHOOKS_TABLE, DELIVERIES_TABLE, QUEUE_URL, MASTER_KEY];
        match names.map(&set) {
            [None, None, None, None] => Ok(None),
            [
                Some(endpoints_table),
                Some(deliveries_table),
                Some(queue_url),
                Some(master_key_parameter),
            ] => Ok(Some(Self {
                endpoints_table,
                deliveries_table,
                queue_url,
                master_key_parameter,
            })),
            _ => {
                let missing = names.into_iter().find(|name| set(name).is_none());
                Err(ConfigError::PartOfWebhooks(missing.unwrap_or_default()))
            }
        }
    }
}

impl AllowedOrigins {
    /// Parses a comma-separated list. An empty list allows no origin.
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

/// Browsers send `scheme://host[:port]` in lowercase, and the comparison is exact.
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
    let default_port = match scheme {
        "http" => Some(":80"),
        "https" => Some(":443"),
        _ => None,
    };
    if let Some(corrected) = default_port.and_then(|port| as_sent.strip_suffix(port)) {
        return Err(ConfigError::DefaultPort {
            given: origin.to_owned(),
            corrected: corrected.to_owned(),
        });
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
    fn only_the_table_is_required() {
        let config = config(&[(TABLE, "configs"), (ORIGINS, ""), ("LOG_LEVEL", "")]).unwrap();
        assert_eq!((&*config.table, config.history_table), ("configs", None));
        assert_eq!(config.telemetry, Telemetry::default());
        assert_eq!(config.settings.allowed_origins, AllowedOrigins::None);
    }

    #[test]
    fn table_of_the_history_is_optional() {
        for (value, expected) in [("", None), ("history", Some("history"))] {
            let config = config(&[(TABLE, "configs"), (HISTORY_TABLE, value)]).unwrap();
            assert_eq!(config.history_table.as_deref(), expected);
        }
    }

    #[test]
    fn webhooks_have_all_of_their_variables_or_none() {
        let names = [WEBHOOKS_TABLE, DELIVERIES_TABLE, QUEUE_URL, MASTER_KEY];
        let with = |missing: Option<usize>| {
            let mut variables = vec![(TABLE, "configs")];
            let values = names.iter().enumerate();
            variables.extend(values.map(|(number, name)| (*name, if Some(number) == missing { "" } else { "value" })));
            config(&variables)
        };
        assert!(with(None).unwrap().webhooks.is_some());
        assert_eq!(config(&[(TABLE, "configs")]).unwrap().webhooks, None);
        for (number, name) in names.into_iter().enumerate() {
            assert_eq!(with(Some(number)).unwrap_err(), ConfigError::PartOfWebhooks(name));
        }
    }

    #[test]
    fn missing_table_is_reported_with_its_variable() {
        for variables in [&[][..], &[(TABLE, "")]] {
            let error = config(variables).unwrap_err();
            assert_eq!(error, ConfigError::NoTable);
            assert!(error.to_string().contains("TENANT_CONFIG_TABLE"));
        }
    }

    #[test]
    fn invalid_log_level_is_reported() {
        assert!(matches!(
            config(&[(TABLE, "configs"), ("LOG_LEVEL", "loud")]),
            Err(ConfigError::Telemetry(_))
        ));
    }

    #[test]
    fn concurrency_is_a_number_from_1_to_100() {
        assert_eq!(BatchConcurrency::parse("").unwrap().get(), 16);
        for number in ["1", "16", "100"] {
            assert_eq!(BatchConcurrency::parse(number).unwrap().get().to_string(), number);
        }
        for number in ["0", "101", "-1", "1.5", "many"] {
            let error = config(&[(TABLE, "configs"), (CONCURRENCY, number)]).unwrap_err();
            assert!(error.to_string().starts_with("BATCH_CONCURRENCY is"), "{error}");
        }
    }

    #[test]
    fn origins_are_an_exact_list_or_an_asterisk() {
        let list = AllowedOrigins::parse(" https://a.example , http://localhost:3000,").unwrap();
        let origins = ["https://a.example", "http://localhost:3000"].map(HeaderValue::from_static);
        assert_eq!(list, AllowedOrigins::List(origins.to_vec()));
        assert_eq!(AllowedOrigins::parse("*").unwrap(), AllowedOrigins::Any);
    }

    #[test]
    fn default_port_is_reported_with_the_corrected_origin() {
        for (list, corrected) in [
            ("https://a.example:443", "https://a.example"),
            ("http://localhost:3000,http://a.example:80", "http://a.example"),
            ("https://[::1]:443", "https://[::1]"),
        ] {
            let error = AllowedOrigins::parse(list).unwrap_err();
            assert!(
                matches!(&error, ConfigError::DefaultPort { corrected: found, .. } if found == corrected),
                "{error}"
            );
            assert!(error.to_string().contains(&format!("use {corrected:?}")), "{error}");
        }
        for list in ["https://a.example:80", "http://a.example:443", "https://a.example:8443"] {
            assert!(AllowedOrigins::parse(list).is_ok(), "{list}");
        }
    }

    #[test]
    fn invalid_origin_is_reported() {
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
