//! The classes of failed calls, by what a caller can do about them.

use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The class of a failed call to any AWS service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The service asks to slow down.
    Throttled,
    /// The identity is not allowed to make the call.
    Denied,
    /// The service does not know the identity.
    UnknownIdentity,
    /// The credentials are expired, missing or do not match the signature.
    InvalidCredentials,
    /// No response in time.
    TimedOut,
    /// No connection.
    Unreachable,
    /// The service failed: a 5xx.
    ServerFault,
    /// Anything else, such as a code of one service.
    Other,
}

/// Error codes that any operation can return. Source: "Common errors" in the API References of DynamoDB, Systems
/// Manager, STS, CloudWatch Logs and S3.
const CODES: [(ErrorClass, &[&str]); 4] = [
    (
        ErrorClass::Throttled,
        &[
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ],
    ),
    (ErrorClass::Denied, &["AccessDenied", "AccessDeniedException"]),
    (
        ErrorClass::UnknownIdentity,
        &[
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ],
    ),
    (
        ErrorClass::InvalidCredentials,
        &[
            "ExpiredTokenException",
            "IncompleteSignatureException",
            "InvalidSignatureException",
            "MissingAuthenticationTokenException",
        ],
    ),
];

/// The class of a failed call.
pub fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> ErrorClass {
    match error {
        SdkError::TimeoutError(_) => ErrorClass::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ErrorClass::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_io() => ErrorClass::Unreachable,
        SdkError::ServiceError(failure) => classify_response(failure.err().code(), failure.raw().status()),
        _ => ErrorClass::Other,
    }
}

/// The class of a failure that the service responded with.
pub(crate) fn classify_response(code: Option<&str>, status: StatusCode) -> ErrorClass {
    let class = code.and_then(classify_code);
    class.unwrap_or_else(|| match status.as_u16() {
        429 => ErrorClass::Throttled,
        _ if status.is_server_error() => ErrorClass::ServerFault,
        _ => ErrorClass::Other,
    })
}

/// The class of a service's error code; `None` for a code that is not common to all services.
#[must_use]
pub fn classify_code(code: &str) -> Option<ErrorClass> {
    CODES
        .iter()
        .find(|(_, codes)| codes.contains(&code))
        .map(|(class, _)| *class)
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::{
        client::result::ConnectorError,
        http::{Response, StatusCode},
    };
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    fn service_error(code: Option<&str>, status: u16) -> SdkError<ErrorMetadata, HttpResponse> {
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        let status = StatusCode::try_from(status).unwrap();
        SdkError::service_error(metadata.build(), Response::new(status, SdkBody::empty()))
    }

    #[test]
    fn service_error_is_classified_by_its_code_before_its_status() {
        for (code, status, class) in [
            (Some("ThrottlingException"), 400, ErrorClass::Throttled),
            (Some("SlowDown"), 503, ErrorClass::Throttled),
            (Some("AccessDenied"), 403, ErrorClass::Denied),
            (Some("InvalidClientTokenId"), 403, ErrorClass::UnknownIdentity),
            (Some("ExpiredTokenException"), 400, ErrorClass::InvalidCredentials),
            (Some("InternalServerError"), 500, ErrorClass::ServerFault),
            (Some("ValidationException"), 400, ErrorClass::Other),
            (None, 429, ErrorClass::Throttled),
            (None, 503, ErrorClass::ServerFault),
            (None, 404, ErrorClass::Other),
        ] {
            assert_eq!(classify(&service_error(code, status)), class, "{code:?} {status}");
        }
    }

    #[test]
    fn failure_without_a_response_is_classified_by_its_cause() {
        let dispatch = |error| classify::<ErrorMetadata>(&SdkError::dispatch_failure(error));
        assert_eq!(dispatch(ConnectorError::timeout("late".into())), ErrorClass::TimedOut);
        assert_eq!(dispatch(ConnectorError::io("refused".into())), ErrorClass::Unreachable);
        assert_eq!(
            classify::<ErrorMetadata>(&SdkError::timeout_error("late")),
            ErrorClass::TimedOut
        );
        assert_eq!(
            classify::<ErrorMetadata>(&SdkError::construction_failure("")),
            ErrorClass::Other
        );
    }
}
