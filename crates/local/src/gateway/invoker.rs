//! A function as it is deployed: invoked with a time limit, and through to its end even when the client has gone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use lambda::{Handler, HandlerError, Invocation, invoke_guarded};
use tokio::time::timeout;

use super::id;

/// What Lambda takes and gives in a synchronous invocation: 6 MB.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvokeError {
    #[error("the event is larger than a function takes")]
    EventTooLarge,
    #[error("the answer is larger than a function may give")]
    AnswerTooLarge,
    #[error("the function took longer than {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Failed(#[from] HandlerError),
    #[error("the server is ending")]
    Ending(#[from] tokio::task::JoinError),
}

/// A function with its time limit.
pub(super) struct Deployed<F> {
    function: Arc<F>,
    limit: Duration,
    cold: AtomicBool,
}

impl<F: Handler> Deployed<F> {
    pub(super) fn new(function: F, limit: Duration) -> Self {
        Self {
            function: Arc::new(function),
            limit,
            cold: AtomicBool::new(true),
        }
    }

    /// Answers `event`.
    ///
    /// The function runs on a task of its own, since Lambda too finishes what a client no longer waits for: a write
    /// must not be cut off half way because a connection was.
    pub(super) async fn invoke(&self, event: Vec<u8>, trace_id: &str) -> Result<Vec<u8>, InvokeError> {
        if event.len() > MAX_PAYLOAD_BYTES {
            return Err(InvokeError::EventTooLarge);
        }
        let function = Arc::clone(&self.function);
        let limit = self.limit;
        let invocation = Invocation {
            request_id: id::uuid(),
            trace_id: Some(trace_id.to_owned()),
            deadline: Some(SystemTime::now() + limit),
            cold_start: self.cold.swap(false, Ordering::Relaxed),
        };
        let invoked =
            tokio::spawn(async move { timeout(limit, invoke_guarded(&*function, &event, &invocation)).await });
        let answer = invoked.await?.map_err(|_| InvokeError::TimedOut(limit))??;
        if answer.len() > MAX_PAYLOAD_BYTES {
            Err(InvokeError::AnswerTooLarge)
        } else {
            Ok(answer)
        }
    }
}
