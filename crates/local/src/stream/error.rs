//! Failures of a stream.

use std::time::Duration;

use dynoxide::DynoxideError;
use lambda::HandlerError;

use super::batch_response::BatchResponseError;

/// Why no batch could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the embedded DynamoDB failed")]
    Database(#[from] DynoxideError),
    #[error("the sequence number {0} has an unknown form")]
    SequenceNumber(String),
    #[error("a record cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Why a whole batch counts as not handled.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvokeError {
    #[error(transparent)]
    Failed(#[from] HandlerError),
    #[error("the function took longer than {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Response(#[from] BatchResponseError),
}
