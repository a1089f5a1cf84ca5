//! The use of DynamoDB by a unit of work: calls, attempts, throttles and time.
//!
//! The client reports to the unit of work that its calls are part of, so that callers need not pass anything along. No
//! operation is named here: a new one is counted like all others.

use std::{
    cell::Cell,
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
    error::BoxError,
};
use aws_smithy_runtime_api::{client::interceptors::dyn_dispatch_hint, http::Response};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use serde::Deserialize;

use crate::error::is_throttle;

tokio::task_local! {
    static USAGE: Cell<Usage>;
}

/// The use of DynamoDB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls, however often each was sent.
    pub calls: u32,
    /// Requests: the calls' first attempts and the SDK's retries.
    pub attempts: u32,
    /// Attempts that DynamoDB throttled.
    pub throttles: u32,
    /// From the start of each call to its end, including pauses between attempts.
    pub time: Duration,
}

impl Usage {
    /// The attempts that were not a call's first.
    #[must_use]
    pub const fn retries(&self) -> u32 {
        self.attempts.saturating_sub(self.calls)
    }
}

/// Does some work and measures its use of DynamoDB. Work in other tasks is not counted.
pub async fn measure<T>(work: impl Future<Output = T>) -> (T, Usage) {
    let measured = async {
        let output = work.await;
        (output, USAGE.with(Cell::get))
    };
    USAGE.scope(Cell::default(), measured).await
}

/// Outside of [`measure`] nothing is counted.
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

/// Runs from the start of a call to its end. The SDK drops it with the call, however that ends: a call that takes too long
/// ends without another interception.
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
        if context
            .response()
            .and_then(error_code)
            .is_some_and(|code| is_throttle(&code))
        {
            add(|usage| usage.throttles += 1);
        }
        Ok(())
    }
}

/// The code of a failure, which every operation writes in the same way: `__type` is `namespace#code`. Source: AWS JSON 1.0
/// protocol, "Operation error serialization".
fn error_code(response: &Response) -> Option<String> {
    #[derive(Deserialize)]
    struct Failure {
        #[serde(rename = "__type")]
        kind: String,
    }
    if response.status().is_success() {
        return None;
    }
    let failure: Failure = serde_json::from_slice(response.body().bytes()?).ok()?;
    failure.kind.rsplit('#').next().map(str::to_owned)
}
