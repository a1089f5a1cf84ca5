//! Failures of a table, by what the caller can do about them. They name no resource: the caller knows which one it asked
//! for.

use std::error::Error;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError},
};
use tenant_aws::{ErrorClass, classify};
use tenant_core::{FieldError, Obstacle};

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
    /// The change breaks these rules, which depend on the stored item.
    #[error("the change is not valid for the stored item")]
    BrokenRules(Vec<FieldError>),
    /// The item would be larger than DynamoDB allows.
    #[error("the item would be too large")]
    TooLarge(#[source] BoxError),
    /// There are as many items of this kind as there may be.
    #[error("there are as many items as there may be")]
    LimitReached,
    /// The items of a transaction are together larger than DynamoDB allows. Nothing was written.
    #[error("the items are too large for one transaction")]
    TransactionTooLarge,
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

/// Another transaction uses the item. The SDK does not retry it, and it is as transient as a throttle. Source: "Error handling
/// with DynamoDB" in the Amazon DynamoDB Developer Guide.
pub(crate) const TRANSACTION_CONFLICT: &str = "TransactionConflictException";
const TABLE_MISSING: &str = "ResourceNotFoundException";
const VALIDATION: &str = "ValidationException";
/// How the message of an item that is too large begins, for a put ("Item size has exceeded the maximum allowed size") and
/// for an update ("Item size to update has exceeded ..."). It has no code of its own.
const TOO_LARGE: &str = "Item size ";

impl From<Obstacle> for StoreError {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::AlreadyExists => Self::AlreadyExists,
            Obstacle::NotFound => Self::NotFound,
            Obstacle::PreconditionFailed => Self::PreconditionFailed,
            Obstacle::BrokenRules(errors) => Self::BrokenRules(errors),
        }
    }
}

impl StoreError {
    /// The failure of a call that writes nothing, or that is known to have written nothing.
    pub(crate) fn from_sdk<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match (error.code(), classify(&error)) {
            (Some(TABLE_MISSING), _) => Self::TableMissing(error.into()),
            (Some(VALIDATION), _) if error.message().is_some_and(is_too_large) => Self::TooLarge(error.into()),
            (Some(TRANSACTION_CONFLICT), _) | (_, ErrorClass::Throttled) => Self::Throttled(error.into()),
            (_, ErrorClass::Denied | ErrorClass::UnknownIdentity | ErrorClass::InvalidCredentials) => {
                Self::AccessDenied(error.into())
            }
            (_, ErrorClass::ServerFault | ErrorClass::TimedOut | ErrorClass::Unreachable) => {
                Self::Unavailable(error.into())
            }
            _ => match error {
                SdkError::ConstructionFailure(_) | SdkError::ServiceError(_) => Self::Unexpected(error.into()),
                // The connection ended, or the response is unreadable.
                _ => Self::Unavailable(error.into()),
            },
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

/// Whether this is the message about an item that would be too large.
pub(crate) fn is_too_large(message: &str) -> bool {
    message.starts_with(TOO_LARGE)
}

/// A request that lacks what it needs is a defect of this crate.
pub(crate) fn unbuildable(error: impl Into<BoxError>) -> StoreError {
    StoreError::Unexpected(error.into())
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
