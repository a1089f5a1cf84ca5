//! Logs: one JSON object a line on standard output, where Lambda and containers read them.
//!
//! Most lines are events of `tracing`. The line of an invocation ([`write()`]) is one as well, and carries the metrics of
//! the invocation (see [`crate::metrics`]) as further members: one line, one write.

mod format;
mod line;
mod settings;
mod target;

use std::{panic, sync::OnceLock};

use tracing::Metadata;
use tracing_subscriber::{
    filter::{FilterFn, LevelFilter, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

pub(crate) use line::{defer, write_deferred};
pub use line::{write, write_audit, write_delivery, write_metrics};
pub use settings::{LogFormat, LogLevel, UnknownLogFormat, UnknownLogLevel};
pub use target::{AUDIT_TARGET, DELIVERY_TARGET, METRICS_TARGET, REQUEST_TARGET};

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Modules with uninteresting warnings, by the prefix of their targets.
const QUIETER: [(&str, LevelFilter); 2] = [
    // It repeats the failure of every invocation, which is already logged with its ids.
    ("lambda_runtime::layers::panic", LevelFilter::OFF),
    // The embedded DynamoDB warns about every failed condition.
    ("dynoxide", LevelFilter::ERROR),
];

/// Sends every line of the process to standard output from now on, panics included. A second call changes nothing.
pub fn init(level: LogLevel, format: LogFormat) {
    init_with_writer(level, format, std::io::stdout);
}

/// The same as [`init`] with another destination: the local server keeps standard output for people.
pub fn init_with_writer<W>(level: LogLevel, format: LogFormat, writer: W)
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    if subscriber(level, format, writer).try_init().is_ok() {
        // The first call decides, as for the subscriber.
        let _ = FORMAT.set(format);
        // The standard hook writes several lines of text, which would break the format.
        panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or_default();
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, panic = message, "panicked");
        }));
    }
}

/// The subscriber of [`init`], for tests that capture the lines of one thread.
pub fn subscriber<W>(level: LogLevel, format: LogFormat, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .event_format(format::Lines(format))
        .with_writer(writer);
    tracing_subscriber::registry().with(filter(level)).with(lines)
}

fn filter(level: LogLevel) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let level = LevelFilter::from(level);
    // The audit and metrics lines are written at every level.
    filter_fn(move |event| *event.level() <= max_level(level, event.target(), event.file()))
        .with_max_level_hint(level.max(LevelFilter::INFO))
}

/// The most verbose level at which lines with this target, from this source file, are written.
///
/// `level` is for the crates of this workspace. Everything else is limited to warnings: below that the AWS SDK prints
/// headers, credentials and decrypted parameters.
fn max_level(level: LevelFilter, target: &str, file: Option<&str>) -> LevelFilter {
    if [AUDIT_TARGET, METRICS_TARGET].contains(&target) {
        return LevelFilter::INFO;
    }
    if let Some((_, quieter)) = QUIETER.iter().find(|(prefix, _)| target.starts_with(prefix)) {
        return *quieter;
    }
    if file.is_some_and(|file| file.starts_with(crates_directory())) {
        level
    } else {
        level.min(LevelFilter::WARN)
    }
}

/// The prefix of the source files of this workspace's crates: the directory that this crate is in, as the compiler names
/// it. Dependencies are elsewhere, and a crate that is added here needs no entry in a list.
fn crates_directory() -> &'static str {
    file!().strip_suffix("lambda/src/logging.rs").unwrap_or(file!())
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde::Serialize;
    use serde_json::Value;
    use tracing::Level;

    use super::*;
    use crate::metrics::{self, Measurements};

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

    /// Metrics are a setting of the process, so one test covers all that depends on it.
    #[test]
    fn invocation_logs_its_fields_and_its_metrics_in_one_line() {
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

    /// A crate that does not depend on this one has no other way to log causes.
    #[test]
    fn error_is_written_with_its_causes() {
        let log = || {
            let error = crate::EndpointError::Setup(io::Error::other("no signals here"));
            tracing::info!(target: "tenant_preflight", error = &error as &(dyn std::error::Error + 'static));
        };
        let causes = format!("{}: no signals here", crate::EndpointError::Setup(io::Error::other("")));
        assert_eq!(lines_at(LogLevel::Info, log)[0]["error"], causes.as_str());
        let text = text_of(LogLevel::Info, LogFormat::Text, log);
        assert!(text.ends_with(&format!(" error={causes:?}\n")), "{text}");
    }

    #[test]
    fn change_is_written_at_every_level() {
        let lines = lines_at(LogLevel::Error, || write_audit("configuration changed", &FIELDS));
        assert_eq!((lines.len(), &lines[0]["request_id"]), (1, &"r-1".into()));
    }

    #[test]
    fn text_is_a_line_for_people() {
        let text = text_of(LogLevel::Info, LogFormat::Text, || {
            tracing::warn!(target: "api", status = 200, cause = "a\nb", "of two\nlines");
            write_audit("configuration changed", &FIELDS);
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
    fn dependencies_never_log_below_a_warning() {
        const REGISTRY: &str = "/somewhere/else/registry";
        for (target, file) in [
            (
                "aws_smithy_runtime::client",
                format!("{REGISTRY}/aws-smithy-runtime-1.16.2/src/client.rs"),
            ),
            (
                "aws_sdk_ssm::operation",
                format!("{REGISTRY}/aws-sdk-ssm-1.133.0/src/operation.rs"),
            ),
            ("hyper::proto", "vendor/hyper/src/proto/mod.rs".to_owned()),
            (
                "lambda_runtime",
                format!("{REGISTRY}/lambda_runtime-1.5.0/crates/lambda/src/lib.rs"),
            ),
        ] {
            let allowed = max_level(LevelFilter::TRACE, target, Some(&file));
            assert_eq!(allowed, LevelFilter::WARN, "{target}");
            assert_eq!(
                max_level(LevelFilter::ERROR, target, Some(&file)),
                LevelFilter::ERROR,
                "{target}"
            );
        }
        assert_eq!(max_level(LevelFilter::TRACE, "unknown", None), LevelFilter::WARN);
        let ours = "crates/core/src/signature.rs";
        assert_eq!(
            max_level(LevelFilter::TRACE, "tenant_core::signature", Some(ours)),
            LevelFilter::TRACE
        );
    }

    #[test]
    fn level_applies_to_our_own_crates() {
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
}
