//! Invokes a function as Lambda does: with a time limit, and to its end even if the client disconnects.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use lambda::{Handler, HandlerError, Invocation, invoke_guarded};
use tokio::{sync::Semaphore, time::timeout};

use crate::id;

/// Lambda's limit on the payload and on the response of a synchronous invocation: 6 MB.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvokeError {
    #[error("the event exceeds the payload limit of a function")]
    EventTooLarge,
    #[error("the response exceeds the payload limit of a function")]
    ResponseTooLarge,
    #[error("the function took longer than {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Failed(#[from] HandlerError),
    #[error("the server is shutting down")]
    ShuttingDown(#[from] tokio::task::JoinError),
}

/// A function with its limits.
pub(super) struct Invoker<F> {
    function: Arc<F>,
    limit: Duration,
    /// One permit for each invocation that may run at the same time.
    slots: Arc<Semaphore>,
    cold: AtomicBool,
}

impl<F: Handler> Invoker<F> {
    pub(super) fn new(function: F, limit: Duration, concurrency: usize) -> Self {
        Self {
            function: Arc::new(function),
            limit,
            slots: Arc::new(Semaphore::new(concurrency)),
            cold: AtomicBool::new(true),
        }
    }

    /// Invokes the function with `event` and returns its response.
    ///
    /// The function runs in a separate task, since Lambda also completes an invocation after its client has disconnected:
    /// a closed connection must not interrupt a write. An invocation that would be one too many waits for its turn.
    pub(super) async fn invoke(&self, event: Vec<u8>, trace_id: &str) -> Result<Vec<u8>, InvokeError> {
        if event.len() > MAX_PAYLOAD_BYTES {
            return Err(InvokeError::EventTooLarge);
        }
        // The semaphore is never closed.
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        let function = Arc::clone(&self.function);
        let limit = self.limit;
        let invocation = Invocation {
            request_id: id::uuid(),
            trace_id: Some(trace_id.to_owned()),
            deadline: Some(SystemTime::now() + limit),
            cold_start: self.cold.swap(false, Ordering::Relaxed),
        };
        let invoked = tokio::spawn(async move {
            let response = timeout(limit, invoke_guarded(&*function, &event, &invocation)).await;
            drop(slot);
            response
        });
        let response = invoked.await?.map_err(|_| InvokeError::TimedOut(limit))??;
        if response.len() > MAX_PAYLOAD_BYTES {
            Err(InvokeError::ResponseTooLarge)
        } else {
            Ok(response)
        }
    }
}
