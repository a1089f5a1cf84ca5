//! What a stretch of work asked of DynamoDB: calls, attempts, throttles and time.
//!
//! The client reports to the stretch of work that its calls are part of, so that callers need not hand anything along.

use std::{
    cell::Cell,
    error::Error,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
            FinalizerInterceptorContextRef,
        },
    },
    error::{BoxError, ProvideErrorMetadata},
    operation::{
        delete_item::DeleteItemError, get_item::GetItemError, put_item::PutItemError, query::QueryError,
        scan::ScanError, update_item::UpdateItemError,
    },
};
use aws_smithy_runtime_api::client::interceptors::{context, dyn_dispatch_hint};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use crate::error::is_throttle;

tokio::task_local! {
    static USAGE: Cell<Usage>;
}

/// What was asked of DynamoDB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls, however often each was sent.
    pub calls: u32,
    /// Requests: the calls' first attempts and the SDK's retries.
    pub attempts: u32,
    /// Attempts that DynamoDB refused in order to slow us down.
    pub throttles: u32,
    /// From the beginning of each call to its end, pauses between attempts included.
    pub time: Duration,
}

impl Usage {
    /// The attempts that were not a call's first.
    #[must_use]
    pub const fn retries(&self) -> u32 {
        self.attempts.saturating_sub(self.calls)
    }
}

/// Does some work, and says what it asked of DynamoDB. Work that it hands to other tasks does not count.
pub async fn measure<T>(work: impl Future<Output = T>) -> (T, Usage) {
    let measured = async {
        let output = work.await;
        (output, USAGE.with(Cell::get))
    };
    USAGE.scope(Cell::default(), measured).await
}

/// Outside of [`measure`] nobody asks, and nothing is counted.
fn add(change: impl FnOnce(&mut Usage)) {
    let _ = USAGE.try_with(|usage| {
        let mut changed = usage.get();
        change(&mut changed);
        usage.set(changed);
    });
}

/// Reports every call of the client that it is given to.
#[derive(Debug)]
pub(crate) struct Meter;

/// Runs from the beginning of a call to its end. The SDK drops it with the call, however that ends: a call that takes too
/// long ends without another word.
#[derive(Debug)]
struct Stopwatch(Instant);

impl Storable for Stopwatch {
    type Storer = StoreReplace<Self>;
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        add(|usage| usage.time += self.0.elapsed());
    }
}

#[dyn_dispatch_hint]
impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        add(|usage| usage.calls += 1);
        cfg.interceptor_state().store_put(Stopwatch(Instant::now()));
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        add(|usage| usage.attempts += 1);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let error = context.output_or_error().and_then(Result::err);
        let refusal = error.and_then(|error| error.as_operation_error());
        if refusal.and_then(code).is_some_and(is_throttle) {
            add(|usage| usage.throttles += 1);
        }
        Ok(())
    }
}

/// DynamoDB's code of an error, whichever of our calls it is of.
fn code(error: &context::Error) -> Option<&str> {
    fn of<E: ProvideErrorMetadata + Error + Send + Sync + 'static>(error: &context::Error) -> Option<&str> {
        error.downcast_ref::<E>()?.code()
    }
    of::<GetItemError>(error)
        .or_else(|| of::<QueryError>(error))
        .or_else(|| of::<ScanError>(error))
        .or_else(|| of::<PutItemError>(error))
        .or_else(|| of::<UpdateItemError>(error))
        .or_else(|| of::<DeleteItemError>(error))
}
