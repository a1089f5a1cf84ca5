//! What can go wrong with the table, by what the caller can do about it.

use std::error::Error;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError},
};

use crate::{attempts::Attempts, item::Item};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// A failed call to the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such configuration, or it is past its time to live.
    #[error("no such configuration")]
    NotFound,
    /// A create of a configuration that exists.
    #[error("the configuration exists")]
    AlreadyExists,
    /// The configuration is there, but not in a version that the precondition names.
    #[error("the configuration has another version")]
    VersionMismatch,
    /// DynamoDB asks to slow down, after all retries. Nothing was written.
    #[error("DynamoDB throttles")]
    Throttled(#[source] BoxError),
    /// DynamoDB cannot be reached or does not work, after all retries. Nothing was written.
    #[error("DynamoDB cannot be reached")]
    Unavailable(#[source] BoxError),
    /// A write was sent, and no answer came to one of its attempts: it may or may not have been applied. Repeating it is
    /// safe.
    #[error("DynamoDB did not say whether it applied the write")]
    OutcomeUnknown(#[source] BoxError),
    /// The table does not exist in this account and region.
    #[error("the table does not exist; check TENANT_CONFIG_TABLE and AWS_REGION")]
    TableMissing(#[source] BoxError),
    /// The credentials are not accepted or do not allow the call.
    #[error("access to the table is denied; check the policy of the function's role")]
    AccessDenied(#[source] BoxError),
    /// Anything else: a defect of this service or of its set-up.
    #[error("DynamoDB refused the request")]
    Unexpected(#[source] BoxError),
}

/// Codes that no operation models, since any can give them. Source: "Error handling with DynamoDB" and "Common errors"
/// in the Amazon DynamoDB Developer Guide and API Reference.
const THROTTLED: [&str; 5] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    // Another transaction holds the item; the SDK does not retry it, and it passes as a throttle does.
    "TransactionConflictException",
];
const DENIED: [&str; 7] = [
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "MissingAuthenticationTokenException",
    "ExpiredTokenException",
    "InvalidClientTokenId",
];
const TABLE_MISSING: &str = "ResourceNotFoundException";
const VALIDATION: &str = "ValidationException";

/// Whether DynamoDB asks to slow down by this code.
pub(crate) fn is_throttle(code: &str) -> bool {
    THROTTLED.contains(&code)
}

impl StoreError {
    /// The failure of a call that writes nothing, or that is known to have written nothing.
    pub(crate) fn from_sdk<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let Some(service_error) = error.as_service_error() else {
            return match error {
                SdkError::ConstructionFailure(_) => Self::Unexpected(error.into()),
                _ => Self::Unavailable(error.into()),
            };
        };
        match service_error.code() {
            Some(code) if is_throttle(code) => Self::Throttled(error.into()),
            Some(code) if DENIED.contains(&code) => Self::AccessDenied(error.into()),
            Some(TABLE_MISSING) => Self::TableMissing(error.into()),
            // DynamoDB's own failures: InternalServerError, ServiceUnavailable, a 5xx without a code.
            _ if error
                .raw_response()
                .is_some_and(|answer| answer.status().is_server_error()) =>
            {
                Self::Unavailable(error.into())
            }
            _ => Self::Unexpected(error.into()),
        }
    }

    /// The failure of a write: the last attempt says what it was, all of them whether it is one.
    pub(crate) fn from_sdk_write<E>(error: SdkError<E>, attempts: &Attempts) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        if attempts.may_have_been_applied() {
            Self::OutcomeUnknown(error.into())
        } else {
            Self::from_sdk(error)
        }
    }
}

/// A condition that did not hold.
pub(crate) struct FailedCondition<'a> {
    /// The item under the key, if there was one.
    pub(crate) found: Option<&'a Item>,
}

/// What the writes' error types share.
pub(crate) trait WriteError: ProvideErrorMetadata + Error + Send + Sync + 'static {
    /// What was found, if the write's condition failed.
    fn failed_condition(&self) -> Option<FailedCondition<'_>>;

    /// An operand of the update has a type that the operation cannot use.
    fn is_wrong_operand_type(&self) -> bool {
        self.code() == Some(VALIDATION)
    }
}

macro_rules! write_error {
    ($($error:ident),+) => {$(
        impl WriteError for $error {
            fn failed_condition(&self) -> Option<FailedCondition<'_>> {
                match self {
                    Self::ConditionalCheckFailedException(failure) => Some(FailedCondition { found: failure.item() }),
                    _ => None,
                }
            }
        }
    )+};
}
write_error!(PutItemError, UpdateItemError, DeleteItemError);
