//! The interface between a function and the platform that runs it.

use std::time::SystemTime;

/// What the platform reports about one invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The platform's id of this invocation; not the id of the HTTP request that caused it.
    pub request_id: String,
    /// The X-Ray trace header, where tracing is on.
    pub trace_id: Option<String>,
    /// When the platform stops waiting for the response.
    pub deadline: Option<SystemTime>,
    /// Whether this is the first invocation of the process.
    pub cold_start: bool,
}

impl Invocation {
    /// The id of the X-Ray trace, which all services of a request share.
    #[must_use]
    pub fn trace_root(&self) -> Option<&str> {
        let header = self.trace_id.as_deref()?;
        header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
    }
}

/// A function: bytes of the event in, bytes of the response out, both JSON.
pub trait Handler: Send + Sync + 'static {
    /// Handles one event.
    fn invoke(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> impl Future<Output = Result<Vec<u8>, HandlerError>> + Send;
}

/// The invocation failed as a whole; API Gateway turns it into its own 5xx.
///
/// Both parts reach the platform's logs and every caller that is allowed to invoke the function directly, so they
/// contain no secret and quote no value of the event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct HandlerError {
    /// A stable word for programs: `InvalidEvent`, `KeysUnavailable`.
    pub kind: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl HandlerError {
    /// An error of this kind, with a sentence about what happened.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}
