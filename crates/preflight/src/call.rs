//! One call to AWS: bounded, silent, and its failure reduced to what a check can say.

use std::{error::Error, future::Future};

use aws_sdk_sts::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tenant_core::{Check, ExternalCheck};
use tokio::time::{Instant, timeout_at};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

use crate::code;

/// A call without a useful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What was called, as IAM names it.
    pub(crate) action: &'static str,
    pub(crate) kind: FailureKind,
    /// AWS's own word for it.
    pub(crate) code: Option<String>,
}

/// What a failure means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The identity may not make this call.
    Denied,
    /// What the call names does not exist.
    NotFound,
    /// The endpoint does not know the credentials.
    UnknownIdentity,
    TimedOut,
    Unreachable,
    Throttled,
    Other,
}

/// Codes that any operation can give. Source: "Common errors" in the API References of STS, CloudWatch Logs and S3.
const DENIED: [&str; 2] = ["AccessDenied", "AccessDeniedException"];
const NOT_FOUND: [&str; 3] = ["ResourceNotFoundException", "NoSuchBucket", "NoSuchBucketPolicy"];
const UNKNOWN_IDENTITY: [&str; 3] = [
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
];
const THROTTLED: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

/// Makes a call before the deadline. Whatever comes of it but an answer leaves a line.
///
/// The SDK prints the credentials that it obtains and uses, at the levels for finding faults. None of its lines leaves
/// this function, whoever listens.
pub(crate) async fn call<T, E>(
    action: &'static str,
    deadline: Instant,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + RequestId + Error + 'static,
{
    match timeout_at(deadline, request.with_subscriber(NoSubscriber::new())).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            let failure = Failure::of(action, &error);
            log(&failure, error.request_id(), error.message(), &error);
            Err(failure)
        }
        Err(elapsed) => {
            let failure = Failure {
                action,
                kind: FailureKind::TimedOut,
                code: None,
            };
            log(&failure, None, None, &elapsed);
            Err(failure)
        }
    }
}

fn log(
    failure: &Failure,
    aws_request_id: Option<&str>,
    aws_message: Option<&str>,
    // As an error: the log writes it from the outside in. Its `Debug` would hold the whole answer.
    causes: &(dyn Error + 'static),
) {
    tracing::info!(
        action = failure.action,
        code = failure.code,
        aws_request_id,
        aws_message,
        causes,
        "a call of the validation failed"
    );
}

impl Failure {
    fn of<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Self {
        let kind = match error {
            SdkError::TimeoutError(_) => FailureKind::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => FailureKind::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_io() => FailureKind::Unreachable,
            SdkError::ServiceError(failure) => kind_of(error.code(), failure.raw().status().as_u16()),
            _ => FailureKind::Other,
        };
        Self {
            action,
            kind,
            code: match error {
                // A HEAD has no body to hold a code.
                SdkError::ServiceError(failure) => Some(
                    error
                        .code()
                        .map_or_else(|| format!("HTTP {}", failure.raw().status().as_u16()), str::to_owned),
                ),
                _ => None,
            },
        }
    }
}

impl Failure {
    /// The check of a subject of which the failure says nothing.
    pub(crate) fn skip(&self, subject: ExternalCheck) -> Check {
        let action = self.action;
        let (code, message) = match (self.kind, &self.code) {
            (FailureKind::TimedOut, _) => (
                code::TIMED_OUT,
                format!("not checked: AWS did not answer {action} in time; try again"),
            ),
            (FailureKind::Unreachable, _) => (
                code::UNREACHABLE,
                format!(
                    "not checked: no connection for {action}; try again, and if it stays so, see that the region exists"
                ),
            ),
            (FailureKind::Throttled, _) => (
                code::THROTTLED,
                format!("not checked: AWS throttles {action}; try again later"),
            ),
            (_, Some(code)) => (
                code::AWS_ERROR,
                format!("not checked: AWS answered {action} with {code}"),
            ),
            (_, None) => (
                code::AWS_ERROR,
                format!(
                    "not checked: {action} could not be sent, or its answer not be read; the service's log has the cause"
                ),
            ),
        };
        subject.skipped(code, message)
    }
}

fn kind_of(code: Option<&str>, status: u16) -> FailureKind {
    match code {
        Some(code) if DENIED.contains(&code) => FailureKind::Denied,
        Some(code) if NOT_FOUND.contains(&code) => FailureKind::NotFound,
        Some(code) if UNKNOWN_IDENTITY.contains(&code) => FailureKind::UnknownIdentity,
        Some(code) if THROTTLED.contains(&code) => FailureKind::Throttled,
        _ if status == 429 => FailureKind::Throttled,
        _ => FailureKind::Other,
    }
}
