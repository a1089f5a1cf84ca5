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

/// Modules whose warnings are news to nobody.
const QUIETER: [(&str, LevelFilter); 2] = [
    // It repeats the failure of every invocation, which is logged with its ids already.
    ("lambda_runtime::layers::panic", LevelFilter::OFF),
    // The embedded DynamoDB of a machine without AWS warns of every condition that does not hold.
    ("dynoxide", LevelFilter::ERROR),
];

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
        .with_targets(QUIETER)
        .with_targets(OWN_CRATES.map(|name| (name, level)))
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines_at(level: LogLevel, log: impl FnOnce()) -> Vec<Value> {
        let captured = Captured::default();
        let writer = captured.clone();
        tracing::subscriber::with_default(subscriber(level, move || writer.clone()), log);
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn line_is_one_flat_json_object_with_its_span() {
        let lines = lines_at(LogLevel::Info, || {
            let span = tracing::info_span!(target: "api", "request", request_id = "r-1");
            span.in_scope(|| tracing::info!(target: "api", status = 200, "a \"message\"\nof two lines"));
        });
        let [line] = lines.as_slice() else {
            panic!("expected one line: {lines:?}")
        };
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "a \"message\"\nof two lines");
        assert_eq!(line["status"], 200);
        assert_eq!(line["span"]["request_id"], "r-1");
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(
            timestamp.ends_with('Z') && timestamp.len() == "2024-01-15T10:30:00.000000Z".len(),
            "{timestamp}"
        );
    }

    #[test]
    fn dependencies_never_log_below_a_warning() {
        let lines = lines_at(LogLevel::Trace, || {
            tracing::trace!(target: "aws_smithy_runtime::client", "headers");
            tracing::debug!(target: "aws_sdk_ssm::operation", "decrypted");
            tracing::info!(target: "hyper::proto", "heads");
            tracing::warn!(target: "aws_config", "no region");
            tracing::trace!(target: "tenant_core::signature", "ours");
        });
        let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["no region", "ours"]);
    }

    #[test]
    fn level_holds_for_our_own_crates() {
        let lines = lines_at(LogLevel::Warn, || {
            tracing::info!(target: "api", "too fine");
            tracing::warn!(target: "authorizer::keys", "kept");
        });
        assert_eq!(lines.len(), 1);
        let lines = lines_at(LogLevel::Error, || {
            tracing::warn!(target: "aws_config", "too fine");
            tracing::error!(target: "aws_config", "kept");
        });
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn every_usual_name_of_a_level_is_read() {
        for (name, level) in [
            ("info", LogLevel::Info),
            ("WARNING", LogLevel::Warn),
            ("Warn", LogLevel::Warn),
            ("CRITICAL", LogLevel::Error),
            ("FATAL", LogLevel::Error),
            ("DEBUG", LogLevel::Debug),
            ("TRACE", LogLevel::Trace),
        ] {
            assert_eq!(name.parse(), Ok(level), "{name}");
        }
        assert_eq!(
            "loud".parse::<LogLevel>().unwrap_err().to_string(),
            "the log level is \"loud\"; it must be one of ERROR, WARN, INFO, DEBUG, TRACE"
        );
    }

    #[test]
    fn log_level_goes_before_the_one_of_lambda() {
        let read = |own: &str, lambda: &str| {
            LogLevel::from_variables(|name| match name {
                "LOG_LEVEL" => Some(own.to_owned()),
                "AWS_LAMBDA_LOG_LEVEL" => Some(lambda.to_owned()),
                _ => None,
            })
        };
        assert_eq!(read("DEBUG", "ERROR"), Ok(LogLevel::Debug));
        assert_eq!(read("", "ERROR"), Ok(LogLevel::Error));
        assert_eq!(LogLevel::from_variables(|_| None), Ok(LogLevel::Info));
    }
}
