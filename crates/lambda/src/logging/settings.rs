//! The settings of the log: its level and its format.

use std::{fmt, str::FromStr};

use tracing_subscriber::filter::LevelFilter;

/// The log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Failures only.
    Error,
    /// Also what may become a failure.
    Warn,
    /// Also one line for each request.
    #[default]
    Info,
    /// Also the steps of a request.
    Debug,
    /// Also everything else.
    Trace,
}

/// An unknown log level.
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

/// The format of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// Text for people, Lambda's other format. Metrics are still JSON, in separate lines.
    Text,
}

/// An unknown log format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("LOG_FORMAT or AWS_LAMBDA_LOG_FORMAT is {0:?}; it must be JSON or Text")]
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
    /// The format that `LOG_FORMAT` asks for, else `AWS_LAMBDA_LOG_FORMAT`, which Lambda sets from the function's logging
    /// configuration, else [`LogFormat::Json`]. `lookup` reads one environment variable.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, UnknownLogFormat> {
        ["LOG_FORMAT", "AWS_LAMBDA_LOG_FORMAT"]
            .into_iter()
            .filter_map(lookup)
            .find(|value| !value.is_empty())
            .map_or(Ok(Self::default()), |value| value.parse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_is_read_from_lambdas_variable() {
        let read = |value: &str| LogFormat::from_variables(|_| Some(value.to_owned()));
        assert_eq!(LogFormat::from_variables(|_| None), Ok(LogFormat::Json));
        assert_eq!(read(""), Ok(LogFormat::Json));
        assert_eq!(read("JSON"), Ok(LogFormat::Json));
        assert_eq!(read("Text"), Ok(LogFormat::Text));
        assert!(read("xml").unwrap_err().to_string().contains("AWS_LAMBDA_LOG_FORMAT"));
    }

    #[test]
    fn log_format_overrides_lambdas_variable() {
        let read = |own: &str| {
            LogFormat::from_variables(|name| match name {
                "LOG_FORMAT" => Some(own.to_owned()),
                "AWS_LAMBDA_LOG_FORMAT" => Some("Text".to_owned()),
                _ => None,
            })
        };
        assert_eq!(read("JSON"), Ok(LogFormat::Json));
        assert_eq!(read(""), Ok(LogFormat::Text));
    }

    #[test]
    fn every_common_name_of_a_level_is_read() {
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
    fn log_level_overrides_lambdas_variable() {
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
