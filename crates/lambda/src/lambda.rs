//! Lambda's Runtime API: the event loop of a function in Lambda.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::value::RawValue;
use tower::util::MapFutureLayer;

use crate::{Handler, HandlerError, Invocation, invoke_guarded, logging};

impl From<HandlerError> for Diagnostic {
    fn from(error: HandlerError) -> Self {
        Self {
            error_type: error.kind.to_owned(),
            error_message: error.message,
        }
    }
}

/// Takes events from the Runtime API, one at a time, for as long as Lambda keeps the process.
///
/// Events arrive as [`RawValue`]s: the function parses them itself, with errors that quote no value.
pub(crate) async fn run(function: impl Handler) -> Result<(), lambda_runtime::Error> {
    let function = Arc::new(function);
    let cold_start = Arc::new(AtomicBool::new(true));
    let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        let invocation = describe(&event.context, cold_start.swap(false, Ordering::Relaxed));
        async move {
            let result = invoke_guarded(&*function, event.payload.get().as_bytes(), &invocation)
                .await
                .and_then(raw);
            if let Err(error) = &result {
                log_failure(error, &invocation);
            }
            result
        }
    });
    // These lines are written between a response and the request for the next event: the caller has the response, and
    // Lambda does not freeze the process before that request.
    logging::defer();
    let then_write = MapFutureLayer::new(|responding| async {
        let responded = responding.await;
        logging::write_deferred();
        responded
    });
    // The runtime's own tracing layer is omitted: each line of the functions has its ids.
    Runtime::new(handler).layer(then_write).run().await
}

/// Logs a failed invocation, in one line.
pub(crate) fn log_failure(error: &HandlerError, invocation: &Invocation) {
    tracing::error!(
        error_type = error.kind,
        error = error.message,
        lambda_request_id = invocation.request_id,
        "invocation failed"
    );
}

fn describe(context: &Context, cold_start: bool) -> Invocation {
    Invocation {
        request_id: context.request_id.clone(),
        trace_id: context.xray_trace_id.clone(),
        deadline: Some(context.deadline()),
        cold_start,
    }
}

/// The runtime serialises the response; raw JSON passes through unchanged.
fn raw(response: Vec<u8>) -> Result<Box<RawValue>, HandlerError> {
    String::from_utf8(response)
        .ok()
        .and_then(|text| RawValue::from_string(text).ok())
        .ok_or_else(|| HandlerError::new("InvalidAnswer", "the function's response is not JSON"))
}
