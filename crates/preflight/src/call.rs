//! One call to AWS: bounded in time, without the SDK's log lines, and with its failure reduced to what a check reports.

use std::{error::Error, future::Future};

use aws_sdk_sts::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tenant_aws::{ErrorClass, classify};
use tenant_core::{Check, ExternalCheck};
use tokio::time::{Instant, timeout_at};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

use crate::code;

/// A call that failed or got no usable response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The IAM name of the action.
    pub(crate) action: &'static str,
    pub(crate) kind: FailureKind,
    /// AWS's error code.
    pub(crate) code: Option<String>,
}

/// What a failure means for the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The identity is not allowed to make this call.
    Denied,
    /// The resource that the call names does not exist.
    NotFound,
    /// The endpoint does not recognize the credentials.
    UnknownIdentity,
    TimedOut,
    Unreachable,
    Throttled,
    Other,
}

/// Codes of `DescribeLogStreams`, `HeadBucket` and `GetBucketPolicyStatus`. Source: the API References of CloudWatch Logs and
/// S3.
const NOT_FOUND: [&str; 3] = ["ResourceNotFoundException", "NoSuchBucket", "NoSuchBucketPolicy"];

/// Makes a call before the deadline. A failure is logged.
///
/// At debug and trace level the SDK logs the credentials that it obtains and uses. Its log lines are discarded here,
/// whatever subscriber is installed.
pub(crate) async fn call<T, E>(
    action: &'static str,
    deadline: Instant,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + RequestId + Error + 'static,
{
    match timeout_at(deadline, request.with_subscriber(NoSubscriber::new())).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => {
            let failure = Failure::from_sdk_error(action, &error);
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
    // As an error, which the log writes with its sources. Its `Debug` would contain the whole response.
    causes: &(dyn Error + 'static),
) {
    tracing::info!(
        action = failure.action,
        code = failure.code,
        aws_request_id,
        aws_message,
        causes,
        "an AWS call failed during validation"
    );
}

impl Failure {
    fn from_sdk_error<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Self {
        Self {
            action,
            kind: kind_of(error),
            code: match error {
                // The response to a HEAD has no body with a code.
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
    /// The result of a check that the failure leaves undecided.
    pub(crate) fn skip(&self, check: ExternalCheck) -> Check {
        let action = self.action;
        let (code, message) = match (self.kind, &self.code) {
            (FailureKind::TimedOut, _) => (
                code::TIMED_OUT,
                format!("not checked: AWS did not respond to {action} in time, so validate again"),
            ),
            (FailureKind::Unreachable, _) => (
                code::UNREACHABLE,
                format!(
                    "not checked: no connection for {action}, so validate again and, if it still fails, check that the region exists"
                ),
            ),
            (FailureKind::Throttled, _) => (
                code::THROTTLED,
                format!("not checked: AWS throttled {action}, so validate again later"),
            ),
            (_, Some(code)) => (
                code::AWS_ERROR,
                format!("not checked: AWS responded to {action} with {code}"),
            ),
            (_, None) => (
                code::AWS_ERROR,
                format!(
                    "not checked: {action} could not be sent or its response could not be read, and the service's log has the cause"
                ),
            ),
        };
        check.skipped(code, message)
    }
}

fn kind_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> FailureKind {
    if error.code().is_some_and(|code| NOT_FOUND.contains(&code)) {
        return FailureKind::NotFound;
    }
    match classify(error) {
        ErrorClass::Denied => FailureKind::Denied,
        ErrorClass::UnknownIdentity => FailureKind::UnknownIdentity,
        ErrorClass::TimedOut => FailureKind::TimedOut,
        ErrorClass::Unreachable => FailureKind::Unreachable,
        ErrorClass::Throttled => FailureKind::Throttled,
        _ => FailureKind::Other,
    }
}
