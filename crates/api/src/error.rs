//! Every way in which a request fails, and what the client and the log are told of it.
//!
//! The client reads [`ApiError::sentence`]; the log has the error's own text and its causes. A failure leaves its
//! handler as a response extension, and the edge writes both, once.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};
use tenant_core::{FieldError, InputError, Violation};
use tenant_store::StoreError;

use crate::{
    body::{DigestError, MediaTypeError},
    conditions::InvalidCondition,
    event::Unrepresentable,
    probe::Unhealthy,
    query::QueryError,
};

/// Seconds after which a request that met a passing fault is worth repeating. The store has retried by itself before.
pub(crate) const RETRY_AFTER_SECONDS: u16 = 1;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("the request has no form in HTTP")]
    Unrepresentable(#[from] Unrepresentable),
    #[error("the path's percent-encoding is no UTF-8")]
    UndecodablePath,
    #[error("the URL names no tenant id")]
    InvalidTenantId(#[source] Violation),
    #[error("the URL names no delivery type")]
    InvalidDeliveryType(#[source] Violation),
    #[error("the query is invalid")]
    InvalidQuery(#[from] QueryError),
    #[error("a precondition is malformed")]
    InvalidCondition(#[from] InvalidCondition),
    #[error("the body is not the one that was signed")]
    InvalidDigest(#[from] DigestError),
    #[error("the body broke off")]
    BodyBroken(#[source] axum::Error),
    #[error("the body is invalid")]
    InvalidInput(#[from] InputError),
    #[error("no such route")]
    NoSuchRoute,
    #[error("the route has no such method")]
    MethodNotAllowed,
    #[error("If-Match names another version")]
    VersionMismatch,
    #[error("If-None-Match names the version that is there")]
    VersionExcluded,
    #[error("If-None-Match: * on a create of what exists")]
    CreationGuarded,
    #[error("If-Match on a create")]
    CreationHasNoVersion,
    #[error("the body is too large")]
    BodyTooLarge,
    #[error("the body is of another media type")]
    UnsupportedMediaType(#[from] MediaTypeError),
    /// With what the client reads: the handler knows what the resource is called.
    #[error("the resource does not exist")]
    NotFound(&'static str),
    /// With what the client reads.
    #[error("the resource already exists")]
    AlreadyExists(&'static str),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("a dependency is unhealthy")]
    Unhealthy(#[source] Unhealthy),
    #[error("the request took longer than it may")]
    OutOfTime {
        /// Whether the request may have changed something by then.
        writes: bool,
    },
    #[error("an answer has no JSON form")]
    Unserializable(#[source] serde_json::Error),
    #[error("a handler panicked")]
    Panicked,
}

/// A failure on its way from where it happened to the edge.
#[derive(Debug, Clone)]
pub(crate) struct Failed(pub(crate) Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

impl ApiError {
    /// The status that the client gets.
    pub(crate) fn status(&self) -> StatusCode {
        self.classify().0
    }

    /// A stable word for the log, and for whoever counts failures.
    pub(crate) fn code(&self) -> &'static str {
        self.classify().1
    }

    /// The only place where an error becomes a status.
    fn classify(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unrepresentable(_) => (StatusCode::BAD_REQUEST, "unrepresentable_request"),
            Self::UndecodablePath => (StatusCode::BAD_REQUEST, "undecodable_path"),
            Self::InvalidTenantId(_) => (StatusCode::BAD_REQUEST, "invalid_tenant_id"),
            Self::InvalidDeliveryType(_) => (StatusCode::BAD_REQUEST, "invalid_delivery_type"),
            Self::InvalidQuery(_) => (StatusCode::BAD_REQUEST, "invalid_query"),
            Self::InvalidCondition(_) => (StatusCode::BAD_REQUEST, "invalid_condition"),
            Self::InvalidDigest(_) => (StatusCode::BAD_REQUEST, "invalid_digest"),
            Self::BodyBroken(_) => (StatusCode::BAD_REQUEST, "body_broken"),
            Self::InvalidInput(input) => match input {
                InputError::Empty => (StatusCode::BAD_REQUEST, "empty_body"),
                InputError::NotJson { .. } => (StatusCode::BAD_REQUEST, "not_json"),
                InputError::NotAnObject => (StatusCode::BAD_REQUEST, "not_an_object"),
                InputError::DuplicateKey { .. } => (StatusCode::BAD_REQUEST, "duplicate_key"),
                InputError::NamesAnother { .. } => (StatusCode::BAD_REQUEST, "names_another"),
                InputError::NothingToUpdate => (StatusCode::BAD_REQUEST, "nothing_to_update"),
                InputError::BrokenRules(_) => (StatusCode::UNPROCESSABLE_ENTITY, "broken_rules"),
            },
            Self::NoSuchRoute => (StatusCode::NOT_FOUND, "no_such_route"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::VersionMismatch => (StatusCode::PRECONDITION_FAILED, "version_mismatch"),
            Self::VersionExcluded => (StatusCode::PRECONDITION_FAILED, "version_excluded"),
            Self::CreationGuarded => (StatusCode::PRECONDITION_FAILED, "creation_guarded"),
            Self::CreationHasNoVersion => (StatusCode::PRECONDITION_FAILED, "creation_has_no_version"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::AlreadyExists(_) => (StatusCode::CONFLICT, "already_exists"),
            Self::Store(store) => match store {
                StoreError::NotFound => (StatusCode::NOT_FOUND, "not_found"),
                StoreError::AlreadyExists => (StatusCode::CONFLICT, "already_exists"),
                StoreError::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "version_mismatch"),
                // Not 429: it is the table that is busy, not this client that is greedy.
                StoreError::Throttled { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store_throttled"),
                StoreError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
                StoreError::OutcomeUnknown { .. } => (StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown"),
                StoreError::TableMissing { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "table_missing"),
                StoreError::AccessDenied { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "access_denied"),
                StoreError::Unexpected { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "store_unexpected"),
            },
            Self::Unhealthy(_) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
            Self::OutOfTime { .. } => (StatusCode::SERVICE_UNAVAILABLE, "out_of_time"),
            Self::Unserializable(_) => (StatusCode::INTERNAL_SERVER_ERROR, "unserializable"),
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "panic"),
        }
    }

    /// What the client reads: what is wrong with the request, or that nothing is.
    pub(crate) fn client_message(&self) -> Cow<'static, str> {
        match self {
            Self::Unrepresentable(error) => format!("The request cannot be read: {error}.").into(),
            Self::UndecodablePath => "The URL's path must be UTF-8, percent-encoded.".into(),
            Self::InvalidTenantId(violation) => format!("The tenant id in the URL {violation}.").into(),
            Self::InvalidDeliveryType(violation) => format!("The delivery type in the URL {violation}.").into(),
            Self::InvalidQuery(error) => error.to_string().into(),
            Self::InvalidCondition(error) => format!("{error}.").into(),
            Self::InvalidDigest(error) => format!("{error}.").into(),
            Self::BodyBroken(_) => "The request body did not arrive whole.".into(),
            Self::InvalidInput(error) => error.to_string().into(),
            Self::NoSuchRoute => "There is nothing at this URL; the routes are /health, /openapi.json and those below /api/v1.".into(),
            Self::MethodNotAllowed => "This URL does not take this method; the Allow header names those it takes.".into(),
            Self::VersionMismatch | Self::Store(StoreError::PreconditionFailed) => {
                "The configuration was changed meanwhile, or is at another version than If-Match names; read it again and repeat the change.".into()
            }
            Self::VersionExcluded => "The configuration is at a version that If-None-Match excludes.".into(),
            Self::CreationGuarded => "The tenant already has a delivery configuration of this type.".into(),
            Self::CreationHasNoVersion => "A configuration that is yet to be created has no version; leave If-Match out.".into(),
            Self::BodyTooLarge => "The request body is larger than 64 KiB.".into(),
            Self::UnsupportedMediaType(error) => capitalize(&error.to_string()).into(),
            Self::NotFound(sentence) | Self::AlreadyExists(sentence) => (*sentence).into(),
            Self::Store(StoreError::NotFound) => "The resource does not exist.".into(),
            Self::Store(StoreError::AlreadyExists) => "The resource already exists.".into(),
            Self::Store(StoreError::Throttled { .. }) => "The store is busy; repeat the request after Retry-After seconds.".into(),
            Self::Store(StoreError::Unavailable { .. }) | Self::Unhealthy(_) => {
                "The store cannot be reached; repeat the request after Retry-After seconds.".into()
            }
            Self::OutOfTime { writes: false } => {
                "The store did not answer in time; repeat the request after Retry-After seconds.".into()
            }
            Self::Store(StoreError::OutcomeUnknown { .. }) | Self::OutOfTime { writes: true } => {
                "The store did not confirm the write, which may or may not have been applied; repeating the request is safe.".into()
            }
            Self::Store(
                StoreError::TableMissing { .. } | StoreError::AccessDenied { .. } | StoreError::Unexpected { .. },
            )
            | Self::Unserializable(_)
            | Self::Panicked => {
                "The service failed to answer this request. Its operator finds the cause by the X-Request-Id.".into()
            }
        }
    }

    /// What programs read.
    pub(crate) fn details(&self) -> Option<Value> {
        self.broken_rules().map(|errors| json!({ "errors": errors }))
    }

    /// The broken rules of a body.
    pub(crate) fn broken_rules(&self) -> Option<&[FieldError]> {
        match self {
            Self::InvalidInput(InputError::BrokenRules(errors)) => Some(errors),
            _ => None,
        }
    }

    /// What an unhealthy service reports beside the error.
    pub(crate) fn data(&self) -> Option<Value> {
        match self {
            Self::Unhealthy(unhealthy) => Some(unhealthy.report.clone()),
            _ => None,
        }
    }

    /// Whether the same request may go well a moment later.
    pub(crate) fn is_transient(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_ascii_uppercase(), chars.as_str())
    })
}

#[cfg(test)]
mod tests {
    use tenant_core::{ErrorCode, TenantId};

    use super::*;

    fn violation() -> Violation {
        "".parse::<TenantId>().unwrap_err()
    }

    fn broken_rules() -> ApiError {
        let error = FieldError {
            field: "ttl".to_owned(),
            code: ErrorCode::OutOfRange,
            message: "is wrong".to_owned(),
        };
        InputError::BrokenRules(vec![error]).into()
    }

    fn not_json() -> serde_json::Error {
        serde_json::from_str::<()>("secret").unwrap_err()
    }

    /// One of each; `classify` names them all, so that a new variant is missed here by nobody who adds one there.
    fn every_error() -> Vec<(ApiError, u16)> {
        let cause = || "secret".into();
        vec![
            (Unrepresentable::Url.into(), 400),
            (Unrepresentable::Header.into(), 400),
            (Unrepresentable::Body.into(), 400),
            (ApiError::UndecodablePath, 400),
            (ApiError::InvalidTenantId(violation()), 400),
            (ApiError::InvalidDeliveryType(violation()), 400),
            (QueryError::Malformed.into(), 400),
            (QueryError::Repeated("limit").into(), 400),
            (QueryError::Live.into(), 400),
            (InvalidCondition("If-Match").into(), 400),
            (DigestError::Malformed.into(), 400),
            (DigestError::Mismatch.into(), 400),
            (ApiError::BodyBroken(axum::Error::new("secret")), 400),
            (InputError::Empty.into(), 400),
            (InputError::NotJson { line: 1, column: 2 }.into(), 400),
            (InputError::NotAnObject.into(), 400),
            (InputError::DuplicateKey { name: "ttl".to_owned() }.into(), 400),
            (
                InputError::NamesAnother {
                    field: tenant_core::Field::Type,
                    body: "s3".to_owned(),
                    url: "cloudwatch".to_owned(),
                }
                .into(),
                400,
            ),
            (InputError::NothingToUpdate.into(), 400),
            (broken_rules(), 422),
            (ApiError::NoSuchRoute, 404),
            (ApiError::MethodNotAllowed, 405),
            (ApiError::VersionMismatch, 412),
            (ApiError::VersionExcluded, 412),
            (ApiError::CreationGuarded, 412),
            (ApiError::CreationHasNoVersion, 412),
            (ApiError::BodyTooLarge, 413),
            (MediaTypeError::NotJson.into(), 415),
            (MediaTypeError::NotJsonOrMergePatch.into(), 415),
            (MediaTypeError::Encoded.into(), 415),
            (ApiError::NotFound("There is none."), 404),
            (ApiError::AlreadyExists("There is one."), 409),
            (StoreError::NotFound.into(), 404),
            (StoreError::AlreadyExists.into(), 409),
            (StoreError::PreconditionFailed.into(), 412),
            (StoreError::Throttled(cause()).into(), 503),
            (StoreError::Unavailable(cause()).into(), 503),
            (StoreError::OutcomeUnknown(cause()).into(), 503),
            (StoreError::TableMissing(cause()).into(), 500),
            (StoreError::AccessDenied(cause()).into(), 500),
            (StoreError::Unexpected(cause()).into(), 500),
            (ApiError::Unhealthy(Unhealthy::timed_out()), 503),
            (ApiError::OutOfTime { writes: false }, 503),
            (ApiError::OutOfTime { writes: true }, 503),
            (ApiError::Unserializable(not_json()), 500),
            (ApiError::Panicked, 500),
        ]
    }

    #[test]
    fn every_error_has_its_status() {
        for (error, status) in every_error() {
            assert_eq!(error.status().as_u16(), status, "{error:?}");
        }
    }

    #[test]
    fn every_sentence_is_one_and_no_cause_is_in_it() {
        for (error, _) in every_error() {
            let sentence = error.client_message();
            assert!(sentence.starts_with(|first: char| first.is_uppercase()), "{sentence}");
            assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "{sentence}");
            assert!(!sentence.contains("secret"), "{sentence}");
        }
    }

    #[test]
    fn a_defect_tells_the_client_nothing_of_itself() {
        let told: std::collections::BTreeSet<_> = every_error()
            .iter()
            .filter(|(_, status)| *status == 500)
            .map(|(error, _)| error.client_message().into_owned())
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn only_a_passing_fault_is_worth_repeating() {
        for (error, status) in every_error() {
            assert_eq!(error.is_transient(), status == 503, "{error:?}");
        }
    }

    #[test]
    fn the_log_has_every_cause() {
        let error = ApiError::from(StoreError::TableMissing("no table of this name".into()));
        assert_eq!(
            lambda::chain(&error),
            "the store failed: the table does not exist, check TENANT_CONFIG_TABLE and AWS_REGION: no table of this name"
        );
    }
}
