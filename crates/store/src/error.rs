//! Failures of a table, by what the caller can do about them. They name no resource: the caller knows which one it asked
//! for.

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
    /// There is no such item, or it has expired.
    #[error("the item does not exist")]
    NotFound,
    /// A creation of an item that exists.
    #[error("the item already exists")]
    AlreadyExists,
    /// The item exists, but its content is not one that the precondition allows.
    #[error("the precondition is not met")]
    PreconditionFailed,
    /// DynamoDB throttles the request, after all retries. Nothing was written.
    #[error("DynamoDB throttles the request")]
    Throttled(#[source] BoxError),
    /// DynamoDB is unreachable or fails, after all retries. Nothing was written.
    #[error("DynamoDB is unreachable")]
    Unavailable(#[source] BoxError),
    /// A write was sent, and one of its attempts had no response: it may or may not have been applied. Repeating it is safe.
    #[error("DynamoDB did not confirm the write")]
    OutcomeUnknown(#[source] BoxError),
    /// The table does not exist in this account and region.
    #[error("the table does not exist, check TENANT_CONFIG_TABLE and AWS_REGION")]
    TableMissing(#[source] BoxError),
    /// The credentials are invalid or do not allow the call.
    #[error("access to the table is denied, check the policy of the function's role")]
    AccessDenied(#[source] BoxError),
    /// Anything else: a defect of this service or of its configuration.
    #[error("DynamoDB rejected the request")]
    Unexpected(#[source] BoxError),
}

/// Codes that no operation models, since any operation can return them. Source: "Error handling with DynamoDB" and "Common errors"
/// in the Amazon DynamoDB Developer Guide and API Reference.
const THROTTLED: [&str; 5] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    // Another transaction uses the item. The SDK does not retry it, and it is as transient as a throttle.
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

/// Whether DynamoDB throttles a request by this code.
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
                .is_some_and(|response| response.status().is_server_error()) =>
            {
                Self::Unavailable(error.into())
            }
            _ => Self::Unexpected(error.into()),
        }
    }

    /// The failure of a write: the last attempt determines its kind, and all attempts whether it may have been applied.
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

/// A condition that was not met.
pub(crate) struct FailedCondition<'a> {
    /// The item under the key, if there was one.
    pub(crate) found: Option<&'a Item>,
}

/// The common part of the writes' error types.
pub(crate) trait WriteError: ProvideErrorMetadata + Error + Send + Sync + 'static {
    /// The item that was found, if the write's condition was not met.
    fn failed_condition(&self) -> Option<FailedCondition<'_>>;
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
