//! Every failure of a request, and its status.
//!
//! The client reads [`ApiError::client_message`](super::client_message). The log has the error's own text and its causes. A
//! failure leaves its handler as a response extension, and the edge writes both, once.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use tenant_core::{
    BatchError, FieldError, InputError, InvalidKey, SearchError, Violation, history::RevisionError,
    webhook::WebhookInputError,
};
use tenant_store::StoreError;

use super::{
    conditions::InvalidCondition,
    rejection::{
        BodyRejection, DigestError, MediaTypeError, NotAuthorized, NoteError, OutOfTime, PathRejection,
        PreconditionFailed, QueryError,
    },
    rfc3339,
};
use crate::{event::Unrepresentable, probe::Unhealthy};

/// Seconds after which a client should retry a request that failed for a transient reason. The store has already retried.
pub(crate) const RETRY_AFTER_SECONDS: u16 = 1;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("the request came without an authorizer's context: check that the method of the API has the authorizer")]
    NoAuthorizer,
    #[error("HTTP cannot represent the request")]
    Unrepresentable(#[from] Unrepresentable),
    #[error("the path is not percent-encoded UTF-8")]
    UndecodablePath,
    #[error("the tenant ID in the URL is invalid")]
    InvalidTenantId(#[source] Violation),
    #[error("the delivery type in the URL is invalid")]
    InvalidDeliveryType(#[source] Violation),
    #[error("the revision in the URL is invalid")]
    InvalidRevision(#[source] RevisionError),
    #[error("the query is invalid")]
    InvalidQuery(#[from] QueryError),
    #[error("the search is invalid")]
    InvalidSearch(#[from] SearchError),
    #[error("a precondition is malformed")]
    InvalidCondition(#[from] InvalidCondition),
    #[error("the note of the change is invalid")]
    InvalidNote(#[from] NoteError),
    #[error("the body has no digest that matches it")]
    InvalidDigest(#[from] DigestError),
    #[error("the body was not received completely")]
    BodyBroken(#[source] axum::Error),
    #[error("the body is invalid")]
    InvalidInput(#[from] InputError),
    #[error("the batch is invalid")]
    InvalidBatch(#[from] BatchError),
    /// An operation of a batch whose operations are independent.
    #[error("the operation is invalid")]
    InvalidOperation(Vec<FieldError>),
    #[error("no route matches the URL")]
    NoSuchRoute,
    #[error("the route does not support the method")]
    MethodNotAllowed,
    #[error("If-Match does not match the version")]
    VersionMismatch,
    #[error("If-None-Match excludes the version")]
    VersionExcluded,
    #[error("create with If-None-Match: *, but the configuration exists")]
    CreationGuarded,
    #[error("create with If-Match")]
    CreationHasNoVersion,
    #[error("the body is too large")]
    BodyTooLarge { max_bytes: usize },
    #[error("the media type of the body is not supported")]
    UnsupportedMediaType(#[from] MediaTypeError),
    /// With what the client reads: the handler knows what the resource is called.
    #[error("the resource does not exist")]
    NotFound(&'static str),
    /// With what the client reads.
    #[error("the resource already exists")]
    AlreadyExists(&'static str),
    /// A change of an item that was written by hand under a key that no write of this service makes.
    #[error("the key of the resource is not valid")]
    UnchangeableKey(#[source] InvalidKey),
    /// A deployment without a history.
    #[error("the history is not enabled")]
    HistoryNotEnabled,
    /// A deployment without webhooks.
    #[error("webhooks are not enabled")]
    WebhooksNotEnabled,
    #[error("the webhook is invalid")]
    InvalidWebhook(#[from] WebhookInputError),
    /// What is to be sent again to an endpoint that gets no events.
    #[error("the webhook is disabled")]
    WebhookDisabled,
    #[error("there are as many webhooks as there may be")]
    TooManyWebhooks,
    /// The history does not go back that far, or its entry has no room for the values.
    #[error("the history does not have what the configuration was")]
    NotRecorded { since: DateTime<Utc> },
    /// A change that was made is not in the history yet.
    #[error("the history is behind the table")]
    HistoryBehind,
    /// A reader of a feed that was away for too long.
    #[error("entries after the cursor have been removed")]
    CursorExpired { since: DateTime<Utc> },
    /// A revision that is not a configuration.
    #[error("the revision has no configuration to restore")]
    NotRestorable(NotRestorable),
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// An operation of a batch that was possible, but not made because another one was not.
    #[error("another operation of the atomic batch failed")]
    NotApplied,
    /// An operation of a batch for which there was no time.
    #[error("the request reached its deadline before the operation")]
    NotAttempted,
    /// Some operations of a batch.
    #[error("operations failed")]
    OperationsFailed(FailedOperations),
    #[error("a dependency is unhealthy")]
    Unhealthy(#[source] Unhealthy),
    #[error("the request reached its deadline")]
    OutOfTime {
        /// Whether the request may have changed something by then.
        writes: bool,
    },
    #[error("a response cannot be serialized to JSON")]
    Unserializable(#[source] serde_json::Error),
    #[error("a handler panicked")]
    Panicked,
}

/// Why a revision cannot be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRestorable {
    /// After it there was no configuration.
    Deletion,
    /// Its values are not in the history.
    Truncated,
}

/// A batch some of whose operations were not made.
#[derive(Debug)]
pub(crate) struct FailedOperations {
    /// The operations of the batch.
    pub(crate) total: usize,
    /// Those that failed.
    pub(crate) failed: usize,
    /// Those that were not attempted.
    pub(crate) not_attempted: usize,
    /// What the client reads about each of them.
    pub(crate) report: Box<RawValue>,
    /// The rules that invalid operations break.
    pub(crate) broken_rules: Vec<FieldError>,
    /// The first failure that is not the client's, if there is one.
    pub(crate) worst: Option<Box<ApiError>>,
}

/// A failure on its way from where it happened to the edge.
#[derive(Debug, Clone)]
pub(crate) struct Failed(pub(crate) Arc<ApiError>);

impl From<BodyRejection> for ApiError {
    fn from(rejection: BodyRejection) -> Self {
        match rejection {
            BodyRejection::Unrepresentable(error) => Self::Unrepresentable(error),
            BodyRejection::TooLarge { max_bytes } => Self::BodyTooLarge { max_bytes },
            BodyRejection::Incomplete(error) => Self::BodyBroken(error),
            BodyRejection::Digest(error) => Self::InvalidDigest(error),
            BodyRejection::MediaType(error) => Self::UnsupportedMediaType(error),
        }
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        match rejection {
            PathRejection::NotUtf8 => Self::UndecodablePath,
            PathRejection::TenantId(violation) => Self::InvalidTenantId(violation),
            PathRejection::DeliveryType(violation) => Self::InvalidDeliveryType(violation),
            PathRejection::Revision(error) => Self::InvalidRevision(error),
        }
    }
}

impl From<InvalidKey> for ApiError {
    fn from(invalid: InvalidKey) -> Self {
        PathRejection::from(invalid).into()
    }
}

impl From<PreconditionFailed> for ApiError {
    fn from(failed: PreconditionFailed) -> Self {
        match failed {
            PreconditionFailed::VersionMismatch => Self::VersionMismatch,
            PreconditionFailed::VersionExcluded => Self::VersionExcluded,
        }
    }
}

impl From<NotAuthorized> for ApiError {
    fn from(_: NotAuthorized) -> Self {
        Self::NoAuthorizer
    }
}

impl From<OutOfTime> for ApiError {
    fn from(OutOfTime { writes }: OutOfTime) -> Self {
        Self::OutOfTime { writes }
    }
}

/// Extractors and layers respond with their rejections without knowing [`ApiError`].
macro_rules! reject_as_api_error {
    ($($rejection:ty),* $(,)?) => {$(
        impl IntoResponse for $rejection {
            fn into_response(self) -> Response {
                ApiError::from(self).into_response()
            }
        }
    )*};
}

reject_as_api_error!(
    BodyRejection,
    InvalidCondition,
    NotAuthorized,
    NoteError,
    OutOfTime,
    PathRejection,
    QueryError,
);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

impl ApiError {
    /// The status of the response.
    pub(crate) fn status(&self) -> StatusCode {
        self.classify().0
    }

    /// A stable word for the log and for counting failures.
    pub(crate) fn code(&self) -> &'static str {
        self.classify().1
    }

    /// The word for clients: the kind of a defect is the operator's business.
    pub(crate) fn client_code(&self) -> &'static str {
        match self.classify() {
            (StatusCode::INTERNAL_SERVER_ERROR, _) => "internal_error",
            (_, code) => code,
        }
    }

    /// The only place where an error becomes a status.
    fn classify(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoAuthorizer => (StatusCode::INTERNAL_SERVER_ERROR, "no_authorizer"),
            Self::Unrepresentable(_) => (StatusCode::BAD_REQUEST, "unrepresentable_request"),
            Self::UndecodablePath => (StatusCode::BAD_REQUEST, "undecodable_path"),
            Self::InvalidTenantId(_) => (StatusCode::BAD_REQUEST, "invalid_tenant_id"),
            Self::InvalidDeliveryType(_) => (StatusCode::BAD_REQUEST, "invalid_delivery_type"),
            Self::InvalidRevision(_) => (StatusCode::BAD_REQUEST, "invalid_revision"),
            Self::InvalidQuery(QueryError::Filter(_)) | Self::InvalidSearch(SearchError::Filter(_)) => {
                (StatusCode::BAD_REQUEST, "invalid_filter")
            }
            Self::InvalidQuery(_) => (StatusCode::BAD_REQUEST, "invalid_query"),
            Self::InvalidSearch(_) => (StatusCode::BAD_REQUEST, "invalid_search"),
            Self::InvalidCondition(_) => (StatusCode::BAD_REQUEST, "invalid_condition"),
            Self::InvalidNote(_) => (StatusCode::BAD_REQUEST, "invalid_change_note"),
            Self::InvalidDigest(digest) => match digest {
                DigestError::Required => (StatusCode::BAD_REQUEST, "digest_required"),
                DigestError::Malformed | DigestError::Mismatch => (StatusCode::BAD_REQUEST, "invalid_digest"),
            },
            Self::BodyBroken(_) => (StatusCode::BAD_REQUEST, "body_broken"),
            Self::InvalidWebhook(WebhookInputError::BrokenRules(_)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "broken_rules")
            }
            Self::InvalidWebhook(WebhookInputError::NothingToUpdate) => (StatusCode::BAD_REQUEST, "nothing_to_update"),
            Self::InvalidInput(input) | Self::InvalidWebhook(WebhookInputError::Body(input)) => match input {
                InputError::Empty => (StatusCode::BAD_REQUEST, "empty_body"),
                InputError::NotJson { .. } => (StatusCode::BAD_REQUEST, "not_json"),
                InputError::NotAnObject => (StatusCode::BAD_REQUEST, "not_an_object"),
                InputError::DuplicateKey { .. } => (StatusCode::BAD_REQUEST, "duplicate_key"),
                InputError::NamesAnother { .. } => (StatusCode::BAD_REQUEST, "names_another"),
                InputError::NothingToUpdate => (StatusCode::BAD_REQUEST, "nothing_to_update"),
                InputError::BrokenRules(_) => (StatusCode::UNPROCESSABLE_ENTITY, "broken_rules"),
            },
            Self::InvalidBatch(batch) => match batch {
                BatchError::Empty => (StatusCode::BAD_REQUEST, "empty_body"),
                BatchError::NotJson { .. } => (StatusCode::BAD_REQUEST, "not_json"),
                BatchError::NotAnObject => (StatusCode::BAD_REQUEST, "not_an_object"),
                BatchError::DuplicateKey { .. } => (StatusCode::BAD_REQUEST, "duplicate_key"),
                BatchError::UnknownMember { .. } => (StatusCode::BAD_REQUEST, "unknown_member"),
                BatchError::Count { .. } => (StatusCode::BAD_REQUEST, "operation_count"),
                BatchError::BrokenRules(_) => (StatusCode::UNPROCESSABLE_ENTITY, "broken_rules"),
            },
            Self::InvalidOperation(_) => (StatusCode::UNPROCESSABLE_ENTITY, "broken_rules"),
            Self::NoSuchRoute => (StatusCode::NOT_FOUND, "no_such_route"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::VersionMismatch => (StatusCode::PRECONDITION_FAILED, "version_mismatch"),
            Self::VersionExcluded => (StatusCode::PRECONDITION_FAILED, "version_excluded"),
            Self::CreationGuarded => (StatusCode::PRECONDITION_FAILED, "creation_guarded"),
            Self::CreationHasNoVersion => (StatusCode::PRECONDITION_FAILED, "creation_has_no_version"),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::AlreadyExists(_) => (StatusCode::CONFLICT, "already_exists"),
            Self::UnchangeableKey(_) => (StatusCode::CONFLICT, "unchangeable_key"),
            Self::HistoryNotEnabled => (StatusCode::NOT_FOUND, "history_not_enabled"),
            Self::WebhooksNotEnabled => (StatusCode::NOT_FOUND, "webhooks_not_enabled"),
            Self::WebhookDisabled => (StatusCode::CONFLICT, "webhook_disabled"),
            Self::TooManyWebhooks => (StatusCode::CONFLICT, "too_many_webhooks"),
            Self::NotRecorded { .. } => (StatusCode::NOT_FOUND, "not_recorded"),
            Self::HistoryBehind => (StatusCode::SERVICE_UNAVAILABLE, "history_behind"),
            Self::CursorExpired { .. } => (StatusCode::GONE, "cursor_expired"),
            Self::NotRestorable(_) => (StatusCode::CONFLICT, "not_restorable"),
            Self::Store(store) => match store {
                StoreError::NotFound => (StatusCode::NOT_FOUND, "not_found"),
                StoreError::AlreadyExists => (StatusCode::CONFLICT, "already_exists"),
                StoreError::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "version_mismatch"),
                StoreError::BrokenRules(_) => (StatusCode::UNPROCESSABLE_ENTITY, "broken_rules"),
                StoreError::LimitReached => (StatusCode::CONFLICT, "limit_reached"),
                StoreError::TransactionTooLarge => (StatusCode::BAD_REQUEST, "transaction_too_large"),
                // Not 429: the table is busy, whichever client caused that.
                StoreError::Throttled { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store_throttled"),
                StoreError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
                StoreError::OutcomeUnknown { .. } => (StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown"),
                StoreError::TableMissing { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "table_missing"),
                StoreError::AccessDenied { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "access_denied"),
                // Only an update can make an item too large, and it reports a broken rule.
                StoreError::TooLarge { .. } | StoreError::Unexpected { .. } => {
                    (StatusCode::INTERNAL_SERVER_ERROR, "store_unexpected")
                }
            },
            Self::NotApplied => (StatusCode::FAILED_DEPENDENCY, "not_applied"),
            Self::NotAttempted => (StatusCode::SERVICE_UNAVAILABLE, "not_attempted"),
            Self::OperationsFailed(_) => (StatusCode::MULTI_STATUS, "operations_failed"),
            Self::Unhealthy(_) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
            Self::OutOfTime { .. } => (StatusCode::SERVICE_UNAVAILABLE, "out_of_time"),
            Self::Unserializable(_) => (StatusCode::INTERNAL_SERVER_ERROR, "unserializable"),
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "panic"),
        }
    }

    /// The part of the response that is for programs.
    pub(crate) fn details(&self) -> Option<Value> {
        match self {
            // Each operation has its own.
            Self::OperationsFailed(_) => None,
            Self::CursorExpired { since } => Some(json!({ "recording_since": rfc3339::to_text(*since) })),
            _ => self.broken_rules().map(|errors| json!({ "errors": errors })),
        }
    }

    /// The broken rules of a body.
    pub(crate) fn broken_rules(&self) -> Option<&[FieldError]> {
        match self {
            Self::InvalidInput(InputError::BrokenRules(errors))
            | Self::InvalidBatch(BatchError::BrokenRules(errors))
            | Self::InvalidWebhook(WebhookInputError::BrokenRules(errors))
            | Self::InvalidOperation(errors)
            | Self::Store(StoreError::BrokenRules(errors)) => Some(errors),
            Self::OperationsFailed(failed) => Some(&failed.broken_rules)
                .filter(|errors| !errors.is_empty())
                .map(Vec::as_slice),
            _ => None,
        }
    }

    /// What a failed batch or an unhealthy service reports beside the error.
    pub(crate) fn data(&self) -> Option<Cow<'_, RawValue>> {
        match self {
            Self::OperationsFailed(failed) => Some(Cow::Borrowed(&failed.report)),
            Self::Unhealthy(unhealthy) => to_raw_value(&unhealthy.report).ok().map(Cow::Owned),
            _ => None,
        }
    }

    /// Whether the change may have been made nevertheless.
    pub(crate) fn may_be_applied(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::OutcomeUnknown(_)) | Self::OutOfTime { writes: true }
        )
    }

    /// The failure that determines how the log reports this one.
    pub(crate) fn worst(&self) -> &Self {
        match self {
            Self::OperationsFailed(failed) => failed.worst.as_deref().unwrap_or(self),
            _ => self,
        }
    }

    /// Whether a retry of the same request may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }
}

#[cfg(test)]
pub(super) mod tests;
