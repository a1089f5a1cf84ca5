//! What is known about the attempts of one write.
//!
//! The SDK repeats a write whose response was lost. If the lost attempt was applied, the next one fails: on its own
//! condition, or on whatever happens meanwhile. Only the outcome of every attempt distinguishes that from a write that
//! never happened.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

/// Counts the attempts that were sent and not rejected. Give a clone to the call and keep one to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// Whether an attempt of a call that failed may have been applied.
    pub(crate) fn may_have_been_applied(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

#[dyn_dispatch_hint]
impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let was_rejected = match (context.response(), context.output_or_error()) {
            // DynamoDB rejected it. A 5xx is not a rejection: the write may have been made before something failed.
            (Some(response), _) => response.status().is_client_error(),
            (None, Some(Err(error))) => error
                .as_connector_error()
                .is_some_and(|error| is_connection_refused(error)),
            (None, _) => false,
        };
        if was_rejected {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn is_connection_refused(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}
