//! The use of AWS services by a unit of work: calls, attempts, throttles and time.
//!
//! A client with a [`Meter`] reports to the unit of work that its calls are part of, so that callers need not pass
//! anything along. Clients without one are not counted. No operation is named here: a new one is counted like all others.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
                FinalizerInterceptorContextRef,
            },
            dyn_dispatch_hint,
        },
        orchestrator::HttpResponse,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use serde::Deserialize;

use crate::error_class::{ErrorClass, classify_response};

tokio::task_local! {
    static USAGE: Cell<Usage>;
}

/// The use of all clients that have a [`Meter`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls, however often each was sent.
    pub calls: u32,
    /// Requests: the calls' first attempts and the SDK's retries.
    pub attempts: u32,
    /// Attempts that a service throttled.
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

/// Does some work and measures its use of AWS services. Work in other tasks is not counted.
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

/// Reports every call of the client that has it as an interceptor.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    throttle_codes: &'static [&'static str],
}

impl Meter {
    /// `throttle_codes` are the service's own codes that count as throttles, in addition to those of
    /// [`ErrorClass::Throttled`].
    #[must_use]
    pub const fn new(throttle_codes: &'static [&'static str]) -> Self {
        Self { throttle_codes }
    }

    fn is_throttled(self, response: &HttpResponse) -> bool {
        if response.status().is_success() {
            return false;
        }
        let code = error_code(response);
        let code = code.as_deref();
        code.is_some_and(|code| self.throttle_codes.contains(&code))
            || classify_response(code, response.status()) == ErrorClass::Throttled
    }
}

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
        if context.response().is_some_and(|response| self.is_throttled(response)) {
            add(|usage| usage.throttles += 1);
        }
        Ok(())
    }
}

/// The code of a failure in the AWS JSON protocols, which `DynamoDB`, Systems Manager and `CloudWatch` Logs use: `__type`
/// is `namespace#code`. Source: AWS JSON 1.0 protocol, "Operation error serialization". Of a response in XML (S3,
/// STS) only the status is known.
fn error_code(response: &HttpResponse) -> Option<String> {
    #[derive(Deserialize)]
    struct Failure {
        #[serde(rename = "__type")]
        kind: String,
    }
    let failure: Failure = serde_json::from_slice(response.body().bytes()?).ok()?;
    failure.kind.rsplit('#').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn throttled_response_is_recognized_by_its_code_or_status() {
        let meter = Meter::new(&["TransactionConflictException"]);
        for (status, body, expected) in [
            (400, r#"{"__type":"com.amazon.coral#ThrottlingException"}"#, true),
            (400, r#"{"__type":"ThrottlingException"}"#, true),
            (400, r#"{"__type":"ns#TransactionConflictException"}"#, true),
            (429, "<html>", true),
            (400, r#"{"__type":"ns#ValidationException"}"#, false),
            (500, r#"{"__type":"ns#InternalServerError"}"#, false),
            (503, "", false),
            (200, r#"{"__type":"ns#ThrottlingException"}"#, false),
        ] {
            let response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
            assert_eq!(meter.is_throttled(&response), expected, "{status} {body}");
        }
    }

    #[test]
    fn code_of_one_service_is_a_throttle_only_where_it_is_listed() {
        let body = SdkBody::from(r#"{"__type":"ns#TransactionConflictException"}"#);
        let response = HttpResponse::new(StatusCode::try_from(400).unwrap(), body);
        assert!(!Meter::new(&[]).is_throttled(&response));
    }

    #[tokio::test]
    async fn only_measured_work_is_counted() {
        add(|usage| usage.calls += 1);
        let (output, usage) = measure(async {
            add(|usage| usage.calls += 1);
            add(|usage| usage.attempts += 3);
            7
        })
        .await;
        assert_eq!((output, usage.calls, usage.attempts, usage.retries()), (7, 1, 3, 2));
    }
}
