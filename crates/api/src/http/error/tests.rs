use tenant_core::{ErrorCode, Filter, FilterError, TenantId};

use super::*;

fn violation() -> Violation {
    "".parse::<TenantId>().unwrap_err()
}

fn field_error() -> FieldError {
    FieldError {
        index: None,
        field: "ttl".to_owned(),
        code: ErrorCode::OutOfRange,
        message: "is wrong".to_owned(),
    }
}

fn broken_rules() -> ApiError {
    InputError::BrokenRules(vec![field_error()]).into()
}

fn filter_error() -> FilterError {
    "type = ".parse::<Filter>().unwrap_err()
}

fn not_json() -> serde_json::Error {
    serde_json::from_str::<()>("secret").unwrap_err()
}

/// One error of each kind. The match in `classify` is exhaustive, and a new variant belongs here as well.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(in crate::http) fn every_error() -> Vec<(ApiError, u16)> {
    let cause = || "secret".into();
    vec![
        (Unrepresentable::Url.into(), 400),
        (Unrepresentable::Header.into(), 400),
        (Unrepresentable::Body.into(), 400),
        (PathRejection::NotUtf8.into(), 400),
        (PathRejection::TenantId(violation()).into(), 400),
        (PathRejection::DeliveryType(violation()).into(), 400),
        (QueryError::Malformed.into(), 400),
        (QueryError::Repeated("limit").into(), 400),
        (
            QueryError::Unknown {
                name: "enabled".to_owned(),
                nearest: None,
                known: &["limit"],
            }
            .into(),
            400,
        ),
        (QueryError::Flag("live").into(), 400),
        (QueryError::Time("since").into(), 400),
        (QueryError::Future("at").into(), 400),
        (QueryError::Until.into(), 400),
        (QueryError::Order.into(), 400),
        (QueryError::Event.into(), 400),
        (QueryError::Cursor.into(), 400),
        (PathRejection::Revision(RevisionError).into(), 400),
        (ApiError::HistoryNotEnabled, 404),
        (
            ApiError::NotRecorded {
                since: DateTime::UNIX_EPOCH,
            },
            404,
        ),
        (ApiError::HistoryBehind, 503),
        (
            ApiError::CursorExpired {
                since: DateTime::UNIX_EPOCH,
            },
            410,
        ),
        (ApiError::NotRestorable(NotRestorable::Deletion), 409),
        (ApiError::NotRestorable(NotRestorable::Truncated), 409),
        (QueryError::from(filter_error()).into(), 400),
        (SearchError::from(filter_error()).into(), 400),
        (SearchError::NotAnObject.into(), 400),
        (SearchError::FilterType.into(), 400),
        (QueryError::Return.into(), 400),
        (QueryError::TooManyToReturn { found: 201, max: 200 }.into(), 400),
        (InvalidCondition("If-Match").into(), 400),
        (NoteError::Repeated.into(), 400),
        (NoteError::Invalid(violation()).into(), 400),
        (DigestError::Required.into(), 400),
        (DigestError::Malformed.into(), 400),
        (DigestError::Mismatch.into(), 400),
        (BodyRejection::Incomplete(axum::Error::new("secret")).into(), 400),
        (InputError::Empty.into(), 400),
        (InputError::NotJson { line: 1, column: 2 }.into(), 400),
        (InputError::NotAnObject.into(), 400),
        (InputError::DuplicateKey { name: "ttl".to_owned() }.into(), 400),
        (
            InputError::NamesAnother {
                field: tenant_core::Field::Type,
                body: "s3".to_owned(),
                expected: "cloudwatch".to_owned(),
            }
            .into(),
            400,
        ),
        (InputError::NothingToUpdate.into(), 400),
        (broken_rules(), 422),
        (BatchError::Empty.into(), 400),
        (BatchError::NotJson { line: 1, column: 2 }.into(), 400),
        (BatchError::NotAnObject.into(), 400),
        (
            BatchError::DuplicateKey {
                name: "atomic".to_owned(),
            }
            .into(),
            400,
        ),
        (
            BatchError::UnknownMember {
                name: "operation".to_owned(),
                nearest: Some("operations"),
            }
            .into(),
            400,
        ),
        (
            BatchError::Count {
                found: 0,
                is_atomic: true,
            }
            .into(),
            400,
        ),
        (BatchError::BrokenRules(vec![field_error()]).into(), 422),
        (ApiError::InvalidOperation(vec![field_error()]), 422),
        (WebhookInputError::Body(InputError::NotAnObject).into(), 400),
        (WebhookInputError::NothingToUpdate.into(), 400),
        (WebhookInputError::BrokenRules(vec![field_error()]).into(), 422),
        (ApiError::WebhooksNotEnabled, 404),
        (ApiError::WebhookDisabled, 409),
        (ApiError::TooManyWebhooks, 409),
        (ApiError::NotApplied, 424),
        (ApiError::NotAttempted, 503),
        (ApiError::NoSuchRoute, 404),
        (ApiError::MethodNotAllowed, 405),
        (PreconditionFailed::VersionMismatch.into(), 412),
        (PreconditionFailed::VersionExcluded.into(), 412),
        (ApiError::CreationGuarded, 412),
        (ApiError::CreationHasNoVersion, 412),
        (BodyRejection::TooLarge { max_bytes: 65_536 }.into(), 413),
        (BodyRejection::TooLarge { max_bytes: 1_048_576 }.into(), 413),
        (MediaTypeError::NotJson.into(), 415),
        (MediaTypeError::NotJsonOrMergePatch.into(), 415),
        (MediaTypeError::Encoded.into(), 415),
        (ApiError::NotFound("The resource does not exist."), 404),
        (ApiError::AlreadyExists("There is one."), 409),
        (ApiError::UnchangeableKey(InvalidKey::TenantId(violation())), 409),
        (StoreError::NotFound.into(), 404),
        (StoreError::AlreadyExists.into(), 409),
        (StoreError::PreconditionFailed.into(), 412),
        (
            StoreError::BrokenRules(broken_rules().broken_rules().unwrap().to_vec()).into(),
            422,
        ),
        (StoreError::LimitReached.into(), 409),
        (StoreError::TransactionTooLarge.into(), 400),
        (StoreError::TooLarge(cause()).into(), 500),
        (StoreError::Throttled(cause()).into(), 503),
        (StoreError::Unavailable(cause()).into(), 503),
        (StoreError::OutcomeUnknown(cause()).into(), 503),
        (StoreError::TableMissing(cause()).into(), 500),
        (StoreError::AccessDenied(cause()).into(), 500),
        (StoreError::Unexpected(cause()).into(), 500),
        (ApiError::Unhealthy(Unhealthy::timed_out()), 503),
        (OutOfTime { writes: false }.into(), 503),
        (OutOfTime { writes: true }.into(), 503),
        (ApiError::Unserializable(not_json()), 500),
        (ApiError::Panicked, 500),
        (NotAuthorized.into(), 500),
    ]
}

#[test]
fn every_error_has_its_status() {
    for (error, status) in every_error() {
        assert_eq!(error.status().as_u16(), status, "{error:?}");
    }
}

#[test]
fn only_503_is_transient() {
    for (error, status) in every_error() {
        assert_eq!(error.is_transient(), status == 503, "{error:?}");
    }
}

#[test]
fn failed_batch_is_reported_by_its_worst_failure() {
    let failed = |worst: Option<ApiError>| {
        ApiError::OperationsFailed(FailedOperations {
            total: 1000,
            failed: 3,
            not_attempted: 0,
            report: to_raw_value(&json!({ "results": [] })).unwrap(),
            broken_rules: Vec::new(),
            worst: worst.map(Box::new),
        })
    };
    let error = failed(None);
    assert_eq!(error.status(), 207);
    assert_eq!(error.client_message(), "3 of 1000 operations failed; see data.results");
    assert_eq!(error.data().unwrap().get(), r#"{"results":[]}"#);
    assert_eq!(error.worst().code(), "operations_failed");
    assert_eq!(failed(Some(ApiError::Panicked)).worst().code(), "panic");
}

#[test]
fn log_has_every_cause() {
    let error = ApiError::from(StoreError::TableMissing("no table of this name".into()));
    assert_eq!(
        lambda::chain(&error),
        "the store failed: the table does not exist, check TENANT_CONFIG_TABLE and AWS_REGION: no table of this name"
    );
}
