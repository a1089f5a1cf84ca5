//! Logs: one JSON object a line on standard output, where Lambda and containers read them.

use std::{fmt, panic, str::FromStr};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The crates of this workspace, whose lines are logged at the level asked for.
///
/// Everything else is held to warnings, whatever the level: below that the AWS SDK prints headers, credentials and
/// decrypted parameters.
const OWN_CRATES: [&str; 6] = ["api", "authorizer", "function", "local", "tenant_core", "tenant_store"];

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Only failures.
    Error,
    /// And what may become one.
    Warn,
    /// And one line for each request.
    #[default]
    Info,
    /// And the steps of a request.
    Debug,
    /// And everything else.
    Trace,
}

/// A log level that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log level is {0:?}; it must be one of ERROR, WARN, INFO, DEBUG, TRACE")]
pub struct UnknownLogLevel(String);

impl FromStr for LogLevel {
    type Err = UnknownLogLevel;

    /// Reads the names that the seed, Lambda and Python's `logging` use, in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.to_ascii_uppercase().as_str() {
            "ERROR" | "CRITICAL" | "FATAL" => Ok(Self::Error),
            "WARN" | "WARNING" => Ok(Self::Warn),
            "INFO" => Ok(Self::Info),
            "DEBUG" => Ok(Self::Debug),
            "TRACE" => Ok(Self::Trace),
            _ => Err(UnknownLogLevel(name.to_owned())),
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        })
    }
}

impl LogLevel {
    /// The level that `LOG_LEVEL` asks for, else `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging
    /// configuration, else [`LogLevel::Info`]. `lookup` reads one environment variable.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, UnknownLogLevel> {
        ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"]
            .into_iter()
            .filter_map(lookup)
            .find(|value| !value.is_empty())
            .map_or(Ok(Self::default()), |value| value.parse())
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Sends every line of the process to standard output from now on, panics included. A second call changes nothing.
pub fn init(level: LogLevel) {
    init_with_writer(level, std::io::stdout);
}

/// As [`init`], to another place: the local server keeps standard output for people.
pub fn init_with_writer<W>(level: LogLevel, writer: W)
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    if subscriber(level, writer).try_init().is_ok() {
        // The standard hook writes several lines of text, which would break the format.
        panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or_default();
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, panic = message, "panicked");
        }));
    }
}

fn subscriber<W>(level: LogLevel, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(filter(level)).with(lines)
}

fn filter(level: LogLevel) -> Targets {
    let level = LevelFilter::from(level);
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        // It repeats the failure of every invocation, which `run` has logged with its ids.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_targets(OWN_CRATES.map(|name| (name, level)))
}
