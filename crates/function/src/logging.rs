//! Logs: one JSON object a line on standard output, where Lambda and containers read them.
//!
//! Most lines are events of `tracing`. The line of an invocation ([`write()`]) is one as well, and carries the metrics of
//! the invocation (see [`crate::metrics`]) as further members: one line, one write.

mod format;

use std::{fmt, panic, str::FromStr, sync::OnceLock};

use serde::Serialize;
use tracing::Level;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::metrics::{self, Measurements};

/// The crates of this workspace, whose lines are logged at the level asked for.
///
/// Everything else is held to warnings, whatever the level: below that the AWS SDK prints headers, credentials and
/// decrypted parameters.
const OWN_CRATES: [&str; 8] = [
    "api",
    "authorizer",
    "function",
    "local",
    "tenant_core",
    "tenant_delivery",
    "tenant_store",
    "validator",
];

/// The target of an invocation's line.
pub const REQUEST_TARGET: &str = "request";
/// The target of lines that say who changed what. They are written at every level.
pub const AUDIT_TARGET: &str = "audit";
/// The target of lines with nothing but metrics, which are written at every level.
pub const METRICS_TARGET: &str = "metrics";

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

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

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// A JSON object a line.
    #[default]
    Json,
    /// Text for people, as Lambda calls its other format. Metrics are JSON all the same, in lines of their own.
    Text,
}

/// A log format that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("AWS_LAMBDA_LOG_FORMAT is {0:?}; it must be JSON or Text")]
pub struct UnknownLogFormat(String);

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.to_ascii_uppercase().as_str() {
            "JSON" => Ok(Self::Json),
            "TEXT" => Ok(Self::Text),
            _ => Err(UnknownLogFormat(name.to_owned())),
        }
    }
}

impl LogFormat {
    /// The format that `AWS_LAMBDA_LOG_FORMAT` asks for, which Lambda sets from the function's logging configuration, else
    /// [`LogFormat::Json`]. `lookup` reads one environment variable.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, UnknownLogFormat> {
        lookup("AWS_LAMBDA_LOG_FORMAT")
            .filter(|value| !value.is_empty())
            .map_or(Ok(Self::default()), |value| value.parse())
    }
}

/// Sends every line of the process to standard output from now on, panics included. A second call changes nothing.
pub fn init(level: LogLevel, format: LogFormat) {
    init_with_writer(level, format, std::io::stdout);
}

/// As [`init`], to another place: the local server keeps standard output for people.
pub fn init_with_writer<W>(level: LogLevel, format: LogFormat, writer: W)
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    if subscriber(level, format, writer).try_init().is_ok() {
        // Whoever was first has decided, here as there.
        let _ = FORMAT.set(format);
        // The standard hook writes several lines of text, which would break the format.
        panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or_default();
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, panic = message, "panicked");
        }));
    }
}

/// What [`init`] sends lines through, for whoever wants them in one thread alone.
pub fn subscriber<W>(level: LogLevel, format: LogFormat, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .event_format(format::Lines(format))
        .with_writer(writer);
    tracing_subscriber::registry().with(filter(level)).with(lines)
}

/// Writes the line of an invocation: `fields`, which serialise as an object, and the measurements. Where lines of this
/// level are not wanted, the metrics are written alone.
pub fn write(level: Level, fields: &impl Serialize, measured: &Measurements<'_>) {
    // In text, metrics need a line of their own.
    let joined = metrics::settings().filter(|_| FORMAT.get() != Some(&LogFormat::Text));
    let line = Members(Line {
        fields,
        measurements: metrics::Members {
            measured,
            settings: joined,
        },
    });
    macro_rules! write_at {
        ($level:ident) => {{
            let wanted = tracing::enabled!(target: REQUEST_TARGET, Level::$level);
            if wanted {
                tracing::event!(target: REQUEST_TARGET, Level::$level, members = %line, "request");
            }
            wanted
        }};
    }
    let is_written = match level {
        Level::ERROR => write_at!(ERROR),
        Level::WARN => write_at!(WARN),
        _ => write_at!(INFO),
    };
    if !is_written || joined.is_none() {
        write_metrics(measured);
    }
}

/// Writes metrics alone, if there are any.
pub fn write_metrics(measured: &Measurements<'_>) {
    if let Some(settings) = metrics::settings() {
        let members = Members(metrics::Members {
            measured,
            settings: Some(settings),
        });
        tracing::event!(target: METRICS_TARGET, Level::INFO, members = %members, "metrics");
    }
}

/// Writes the line of a change that was accepted: `fields`, which serialise as an object.
pub fn write_audit(fields: &impl Serialize) {
    tracing::event!(target: AUDIT_TARGET, Level::INFO, members = %Members(fields), "configuration changed");
}

#[derive(Serialize)]
struct Line<'a, F> {
    #[serde(flatten)]
    fields: &'a F,
    #[serde(flatten)]
    measurements: metrics::Members<'a>,
}

/// An object on its way to the line. It is written as JSON, which [`format::Lines`] takes apart.
struct Members<T>(T);

impl<T: Serialize> fmt::Display for Members<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

fn filter(level: LogLevel) -> Targets {
    let level = LevelFilter::from(level);
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(QUIETER)
        .with_target(REQUEST_TARGET, level)
        .with_target(AUDIT_TARGET, LevelFilter::INFO)
        .with_target(METRICS_TARGET, LevelFilter::INFO)
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

    fn text_of(level: LogLevel, format: LogFormat, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        tracing::subscriber::with_default(subscriber(level, format, move || writer.clone()), log);
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    fn lines_at(level: LogLevel, log: impl FnOnce()) -> Vec<Value> {
        let text = text_of(level, LogFormat::Json, log);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn line_is_one_flat_json_object() {
        let lines = lines_at(LogLevel::Info, || {
            tracing::info!(
                target: "api",
                status = 200, ratio = 0.5, cold = true, below = -1, path = "\"a\\é\"", absent = None::<&str>,
                infinite = f64::INFINITY,
                "a \"message\"\nof two lines"
            );
        });
        let [line] = lines.as_slice() else {
            panic!("expected one line: {lines:?}")
        };
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["target"], "api");
        assert_eq!(line["message"], "a \"message\"\nof two lines");
        assert_eq!(line["status"], 200);
        assert_eq!(line["ratio"], 0.5);
        assert_eq!(line["cold"], true);
        assert_eq!(line["below"], -1);
        assert_eq!(line["path"], "\"a\\é\"");
        assert_eq!((line.get("absent"), line.get("infinite")), (None, None));
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(
            timestamp.ends_with('Z') && timestamp.len() == "2024-01-15T10:30:00.000000Z".len(),
            "{timestamp}"
        );
    }

    #[derive(Serialize)]
    struct Fields {
        request_id: &'static str,
    }

    const FIELDS: Fields = Fields { request_id: "r-1" };

    fn measured() -> Measurements<'static> {
        let mut measured = Measurements::default();
        measured.count(metrics::Metric::count("requests", &[&[metrics::FUNCTION_NAME]]), 1);
        measured
    }

    /// Metrics are a setting of the process: what follows from it stands in one test.
    #[test]
    fn an_invocation_leaves_its_fields_and_its_metrics_in_one_line() {
        let without = lines_at(LogLevel::Info, || write(Level::INFO, &FIELDS, &measured()));
        metrics::init(Some(metrics::Settings {
            namespace: "N".to_owned(),
            function_name: "f".to_owned(),
        }));
        let with = lines_at(LogLevel::Info, || write(Level::WARN, &FIELDS, &measured()));
        let alone = lines_at(LogLevel::Error, || write(Level::WARN, &FIELDS, &measured()));
        assert_eq!((without.len(), with.len(), alone.len()), (1, 1, 1));
        for line in [&without[0], &with[0]] {
            assert_eq!((&line["request_id"], &line["requests"]), (&"r-1".into(), &1.into()));
            assert_eq!(line["target"], REQUEST_TARGET);
        }
        assert_eq!(without[0].get("_aws"), None);
        assert_eq!(
            (&with[0]["level"], &with[0]["function_name"]),
            (&"WARN".into(), &"f".into())
        );
        assert_eq!(with[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"], "N");
        assert_eq!(alone[0].get("request_id"), None);
        assert_eq!(
            alone[0]["_aws"]["CloudWatchMetrics"],
            with[0]["_aws"]["CloudWatchMetrics"]
        );
    }

    #[test]
    fn a_change_is_written_at_every_level() {
        let lines = lines_at(LogLevel::Error, || write_audit(&FIELDS));
        assert_eq!((lines.len(), &lines[0]["request_id"]), (1, &"r-1".into()));
    }

    #[test]
    fn text_is_a_line_for_people() {
        let text = text_of(LogLevel::Info, LogFormat::Text, || {
            tracing::warn!(target: "api", status = 200, cause = "a\nb", "of two\nlines");
            write_audit(&FIELDS);
        });
        let lines: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(
            lines,
            [
                " WARN api: of two lines status=200 cause=\"a\\nb\"",
                " INFO audit: configuration changed {\"request_id\":\"r-1\"}"
            ]
        );
    }

    #[test]
    fn the_format_is_lambdas() {
        let read = |value: &str| LogFormat::from_variables(|_| Some(value.to_owned()));
        assert_eq!(LogFormat::from_variables(|_| None), Ok(LogFormat::Json));
        assert_eq!(read(""), Ok(LogFormat::Json));
        assert_eq!(read("JSON"), Ok(LogFormat::Json));
        assert_eq!(read("Text"), Ok(LogFormat::Text));
        assert!(read("xml").unwrap_err().to_string().contains("AWS_LAMBDA_LOG_FORMAT"));
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
