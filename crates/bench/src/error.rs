//! Why a run ends without figures.

use std::io;

use tenant_store::StoreError;

/// A measurement that could not be taken. The response of a function under a fault is a figure, not an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("cannot {action}")]
    Io { action: String, source: io::Error },
    #[error("cargo could not build {0}")]
    Build(&'static str),
    #[error("{0} ended, see its standard error")]
    Ended(String),
    #[error("{function} did not start: {message}")]
    InitFailed { function: String, message: String },
    #[error("{function} did not respond within {seconds} s")]
    TimedOut { function: String, seconds: u64 },
    #[error("{route}: expected {expected}, got {got}")]
    UnexpectedReply {
        route: &'static str,
        expected: String,
        got: String,
    },
    #[error("the embedded DynamoDB: {0}")]
    Dynamo(String),
    #[error("the table could not be created")]
    Store(#[from] StoreError),
    #[error("the connection to the embedded DynamoDB broke")]
    Connection(#[from] hyper::Error),
    #[error("the test certificates")]
    Certificate(#[from] rcgen::Error),
    #[error("the TLS front")]
    Tls(#[from] tokio_rustls::rustls::Error),
    #[error("the zip file")]
    Zip(#[from] zip::result::ZipError),
    #[error("the chart: {0}")]
    Chart(String),
    #[error("the response is not JSON")]
    Json(#[from] serde_json::Error),
}

/// Adds the failed action to an I/O error.
pub(crate) trait During<T> {
    fn during(self, action: impl Into<String>) -> Result<T, BenchError>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, action: impl Into<String>) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Io {
            action: action.into(),
            source,
        })
    }
}
