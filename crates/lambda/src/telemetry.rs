//! The logs and metrics of a function: configured once, by variables that every function has.

use std::{error::Error, process::ExitCode};

use crate::{
    chain,
    logging::{self, LogFormat, LogLevel, UnknownLogFormat, UnknownLogLevel},
    metrics::{self, InvalidNamespace},
};

/// The settings of logs and metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// The log level, from `LOG_LEVEL`, else `AWS_LAMBDA_LOG_LEVEL`.
    pub log_level: LogLevel,
    /// The log format, from `LOG_FORMAT`, else `AWS_LAMBDA_LOG_FORMAT`.
    pub log_format: LogFormat,
    /// Where metrics go, if anywhere, from `METRICS_NAMESPACE` and `AWS_LAMBDA_FUNCTION_NAME`.
    pub metrics: Option<metrics::Settings>,
}

/// A malformed variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// The level is unknown.
    #[error("LOG_LEVEL or AWS_LAMBDA_LOG_LEVEL is invalid")]
    LogLevel(#[from] UnknownLogLevel),
    /// The format is unknown.
    #[error(transparent)]
    LogFormat(#[from] UnknownLogFormat),
    /// CloudWatch would reject the namespace.
    #[error(transparent)]
    Namespace(#[from] InvalidNamespace),
}

impl Telemetry {
    /// Reads variables through `lookup`. An empty one counts as unset. `own_name` is the function's name outside Lambda.
    pub fn from_variables(own_name: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, TelemetryError> {
        Ok(Self {
            log_level: LogLevel::from_variables(&lookup)?,
            log_format: LogFormat::from_variables(&lookup)?,
            metrics: metrics::Settings::from_variables(own_name, &lookup)?,
        })
    }

    /// Starts logging and measuring. A second call changes nothing.
    pub fn start(self) {
        logging::init(self.log_level, self.log_format);
        metrics::init(self.metrics);
    }
}

/// The exit code of a function's `main`. The error that stopped the function is logged, in the default format where it is
/// about the configuration itself.
#[must_use]
pub fn exit_code(outcome: Result<(), Box<dyn Error>>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Telemetry::default().start();
            tracing::error!(error = chain(&*error), "the function does not run");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telemetry(variable: &str, value: &str) -> Result<Telemetry, TelemetryError> {
        Telemetry::from_variables("own", |name| (name == variable).then(|| value.to_owned()))
    }

    #[test]
    fn everything_has_a_default() {
        assert_eq!(telemetry("LOG_LEVEL", ""), Ok(Telemetry::default()));
    }

    #[test]
    fn malformed_variable_is_named() {
        for (name, value) in [
            ("LOG_LEVEL", "LOUD"),
            ("AWS_LAMBDA_LOG_LEVEL", "LOUD"),
            ("AWS_LAMBDA_LOG_FORMAT", "XML"),
            ("METRICS_NAMESPACE", "AWS/Lambda"),
        ] {
            let error = telemetry(name, value).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn function_outside_lambda_has_its_own_name() {
        let metrics = telemetry("METRICS_NAMESPACE", "Logging").unwrap().metrics.unwrap();
        assert_eq!((&*metrics.namespace, &*metrics.function_name), ("Logging", "own"));
    }
}
