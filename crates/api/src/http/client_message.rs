//! The sentences that a client reads in `error`: what is wrong with the request, or that the service failed.

use std::borrow::Cow;

use tenant_core::{
    BatchError, FieldError, InputError, InvalidKey,
    history::Event,
    webhook::{DeliveryStatus, WebhookInputError},
};
use tenant_store::StoreError;

use super::{
    error::{ApiError, FailedOperations, NotRestorable},
    rejection::QueryError,
    rfc3339,
};

impl ApiError {
    /// The `error` of the response. It contains no cause, whose text may be secret.
    pub(crate) fn client_message(&self) -> Cow<'static, str> {
        match self {
            Self::Unrepresentable(error) => format!("The request cannot be read: {error}.").into(),
            Self::UndecodablePath => "The path of the URL must be percent-encoded UTF-8.".into(),
            Self::InvalidTenantId(violation) => format!("The tenant ID in the URL {violation}.").into(),
            Self::InvalidDeliveryType(violation) => format!("The delivery type in the URL {violation}.").into(),
            Self::InvalidRevision(error) => format!("The revision in the URL {error}.").into(),
            Self::InvalidQuery(error) => query_message(error),
            Self::InvalidSearch(error) => capitalize(&with_period(error.to_string())).into(),
            Self::InvalidCondition(error) => format!("{error}.").into(),
            Self::InvalidNote(error) => format!("{error}.").into(),
            Self::InvalidDigest(error) => format!("{error}.").into(),
            Self::BodyBroken(_) => "The request body was not received completely.".into(),
            Self::InvalidInput(InputError::BrokenRules(errors)) | Self::Store(StoreError::BrokenRules(errors)) => {
                broken_rules_message("configuration", errors).into()
            }
            Self::InvalidWebhook(error) => webhook_message(error),
            Self::InvalidBatch(BatchError::BrokenRules(errors)) => broken_rules_message("batch", errors).into(),
            Self::InvalidOperation(errors) => broken_rules_message("operation", errors).into(),
            Self::InvalidBatch(error) => capitalize(&with_period(error.to_string())).into(),
            Self::InvalidInput(error) => capitalize(&with_period(error.to_string())).into(),
            Self::NoSuchRoute => {
                "Not found: no route matches this URL. The routes are /health, /openapi.json and those under /api/v1.".into()
            }
            Self::MethodNotAllowed => {
                "Method not allowed: this URL supports only the methods in the Allow header.".into()
            }
            Self::VersionMismatch | Self::Store(StoreError::PreconditionFailed) => {
                "Precondition failed: the configuration has changed since the ETag in If-Match was read. Read it again and repeat the change.".into()
            }
            Self::VersionExcluded => {
                "Precondition failed: If-None-Match excludes the current ETag of the configuration.".into()
            }
            Self::CreationGuarded => {
                "Precondition failed: the tenant already has a delivery configuration of this type.".into()
            }
            Self::CreationHasNoVersion => {
                "Precondition failed: a new configuration has no ETag to match. Omit If-Match.".into()
            }
            Self::BodyTooLarge { max_bytes } => format!("The request body is larger than {}.", size(*max_bytes)).into(),
            Self::UnsupportedMediaType(error) => capitalize(&with_period(error.to_string())).into(),
            Self::NotFound(sentence) | Self::AlreadyExists(sentence) => (*sentence).into(),
            Self::UnchangeableKey(invalid) => unchangeable_message(invalid).into(),
            Self::WebhooksNotEnabled => "Not found: this deployment of the service has no webhooks.".into(),
            Self::WebhookDisabled => WEBHOOK_DISABLED.into(),
            Self::TooManyWebhooks => TOO_MANY_WEBHOOKS.into(),
            Self::HistoryNotEnabled => "Not found: this deployment of the service has no history.".into(),
            Self::NotRecorded { since } => format!(
                "Not found: what the configuration was at this time is not in the history, which begins at {}.",
                rfc3339::to_text(*since)
            )
            .into(),
            Self::HistoryBehind => {
                "The history does not contain the latest change yet. Retry the request after Retry-After seconds.".into()
            }
            Self::CursorExpired { since } => format!(
                "The cursor is older than the history, which begins at {}: revisions after it have been removed. Start again without a cursor.",
                rfc3339::to_text(*since)
            )
            .into(),
            Self::NotRestorable(reason) => not_restorable_message(*reason).into(),
            Self::Store(StoreError::TransactionTooLarge) => {
                "The configurations of this batch are together larger than 4 MB, the most that one transaction can write. Send fewer operations at once, or \"atomic\": false.".into()
            }
            Self::Store(StoreError::LimitReached) => {
                "There are as many resources of this kind as there may be. Delete one before you create another one.".into()
            }
            Self::NotApplied => {
                "Not applied: another operation of the atomic batch failed, so none of them was made.".into()
            }
            Self::NotAttempted => {
                "Not attempted: the time of the request was over. Send the operation again.".into()
            }
            Self::OperationsFailed(failed) => failed_operations_message(failed).into(),
            Self::Store(StoreError::NotFound) => "The resource does not exist.".into(),
            Self::Store(StoreError::AlreadyExists) => "The resource already exists.".into(),
            Self::Store(StoreError::Throttled { .. }) => {
                "The store is busy. Retry the request after Retry-After seconds.".into()
            }
            Self::Store(StoreError::Unavailable { .. }) | Self::Unhealthy(_) => {
                "The store is unavailable. Retry the request after Retry-After seconds.".into()
            }
            Self::OutOfTime { writes: false } => {
                "The store did not respond in time. Retry the request after Retry-After seconds.".into()
            }
            Self::Store(StoreError::OutcomeUnknown { .. }) | Self::OutOfTime { writes: true } => {
                "The store did not confirm the write, which may or may not have been applied. It is safe to retry the request.".into()
            }
            Self::Store(
                StoreError::TableMissing { .. }
                | StoreError::AccessDenied { .. }
                | StoreError::TooLarge { .. }
                | StoreError::Unexpected { .. },
            )
            | Self::NoAuthorizer
            | Self::Unserializable(_)
            | Self::Panicked => {
                "Internal error: the service failed to process this request. Its operator can find the cause by the X-Request-Id.".into()
            }
        }
    }
}

const WEBHOOK_DISABLED: &str = "The webhook is disabled, so nothing can be sent again. Enable it first, with PATCH.";
const TOO_MANY_WEBHOOKS: &str =
    "There are as many webhooks as there may be: 20 for a tenant, 50 for all tenants. Delete one first.";

const fn not_restorable_message(reason: NotRestorable) -> &'static str {
    match reason {
        NotRestorable::Deletion => {
            "The revision is a deletion, so it has no configuration to restore. Restore the revision before it."
        }
        NotRestorable::Truncated => {
            "The history has no room for the values of this revision, so it cannot be restored."
        }
    }
}

fn webhook_message(error: &WebhookInputError) -> Cow<'static, str> {
    match error {
        WebhookInputError::BrokenRules(errors) => broken_rules_message("request", errors).into(),
        error => capitalize(&with_period(error.to_string())).into(),
    }
}

fn failed_operations_message(failed: &FailedOperations) -> String {
    let total = failed.total;
    let counts = match (failed.failed, failed.not_attempted) {
        (failed, 0) => format!("{failed} of {total} operations failed"),
        (0, not_attempted) => format!("{not_attempted} of {total} operations were not attempted"),
        (failed, not_attempted) => {
            format!("{failed} of {total} operations failed and {not_attempted} were not attempted")
        }
    };
    format!("{counts}; see data.results")
}

/// A number of bytes that is a power of two.
fn size(bytes: usize) -> String {
    const MEBIBYTE: usize = 1024 * 1024;
    if bytes < MEBIBYTE {
        format!("{} KiB", bytes / 1024)
    } else {
        format!("{} MiB", bytes / MEBIBYTE)
    }
}

fn unchangeable_message(invalid: &InvalidKey) -> String {
    let (part, violation) = match invalid {
        InvalidKey::TenantId(violation) => ("tenant ID", violation),
        InvalidKey::DeliveryType(violation) => ("delivery type", violation),
    };
    format!(
        "The configuration was written by hand and cannot be changed, because a {part} {violation}. Delete it and create a new one."
    )
}

fn query_message(error: &QueryError) -> Cow<'static, str> {
    match error {
        QueryError::Malformed => {
            "The query of the URL must consist of name=value pairs in percent-encoded UTF-8.".into()
        }
        QueryError::Unknown { name, nearest, known } => unknown_parameter_message(name, *nearest, known).into(),
        QueryError::Repeated(name) => {
            format!("The query of the URL contains {name} more than once. Send it once.").into()
        }
        QueryError::Filter(error) => capitalize(&with_period(error.to_string())).into(),
        QueryError::Limit(error) => with_period(error.to_string()).into(),
        QueryError::LastKey(error) => with_period(error.to_string()).into(),
        QueryError::Flag(name) => format!("The query parameter {name} must be true or false.").into(),
        QueryError::Time(name) => format!(
            "The query parameter {name} must be a time in RFC 3339, such as 2024-01-15T10:30:00Z. Encode a + as %2B."
        )
        .into(),
        QueryError::Future(name) => format!("The query parameter {name} must not be in the future.").into(),
        QueryError::Until => "The query parameter since must be before until.".into(),
        QueryError::Order => "The query parameter order must be desc or asc.".into(),
        QueryError::Event => {
            format!("The query parameter event must be one of {}.", Event::ALL.map(Event::as_str).join(", ")).into()
        }
        QueryError::Cursor => {
            "The query parameter cursor must be a cursor that a previous response of this URL contains.".into()
        }
        QueryError::Status => format!(
            "The query parameter status must be one of {}.",
            DeliveryStatus::ALL.map(DeliveryStatus::as_str).join(", ")
        )
        .into(),
        QueryError::Return => "The query parameter return must be full, or be omitted.".into(),
        QueryError::TooManyToReturn { found, max } => format!(
            "The query parameter return=full is for batches of up to {max} operations, and this one has {found}. Omit it, or send several batches."
        )
        .into(),
    }
}

fn unknown_parameter_message(name: &str, nearest: Option<&str>, known: &[&str]) -> String {
    let unknown = format!("This URL has no query parameter {name:?}");
    match (nearest, known) {
        (_, []) => format!("{unknown}, nor any other."),
        (Some(nearest), known) => format!("{unknown} (did you mean {nearest}?). It has {}.", known.join(", ")),
        (None, known) => format!("{unknown}. It has {}.", known.join(", ")),
    }
}

/// One sentence for each broken rule, up to three. `details.errors` has all of them.
fn broken_rules_message(subject: &str, errors: &[FieldError]) -> String {
    const LISTED: usize = 3;
    let mut sentences: Vec<_> = errors
        .iter()
        .take(LISTED)
        .map(|error| with_period(error.to_string()))
        .collect();
    if errors.len() > LISTED {
        sentences.push(format!("{} more in details.errors.", errors.len() - LISTED));
    }
    format!("The {subject} is invalid: {}", sentences.join(" "))
}

fn with_period(mut text: String) -> String {
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_ascii_uppercase(), chars.as_str())
    })
}

#[cfg(test)]
mod tests {
    use tenant_core::ErrorCode;

    use super::*;
    use crate::http::error::tests::every_error;

    #[test]
    fn every_message_is_a_sentence_without_its_cause() {
        for (error, _) in every_error() {
            let sentence = error.client_message();
            assert!(sentence.starts_with(|first: char| first.is_uppercase()), "{sentence}");
            assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "{sentence}");
            assert!(!sentence.contains("secret"), "{sentence}");
        }
    }

    #[test]
    fn every_internal_error_has_the_same_message() {
        let messages: std::collections::BTreeSet<_> = every_error()
            .iter()
            .filter(|(_, status)| *status == 500)
            .map(|(error, _)| error.client_message().into_owned())
            .collect();
        assert_eq!(messages.len(), 1, "{messages:?}");
    }

    #[test]
    fn broken_rules_are_one_sentence_each_up_to_three() {
        let error = |field: &str| FieldError {
            index: None,
            field: field.to_owned(),
            code: ErrorCode::OutOfRange,
            message: "is wrong".to_owned(),
        };
        let message = |fields: &[&str]| {
            let errors = fields.iter().map(|field| error(field)).collect();
            ApiError::from(InputError::BrokenRules(errors)).client_message()
        };
        assert_eq!(message(&["a"]), "The configuration is invalid: a is wrong.");
        assert_eq!(
            message(&["a", "b", "c"]),
            "The configuration is invalid: a is wrong. b is wrong. c is wrong."
        );
        assert_eq!(
            message(&["a", "b", "c", "d", "e"]),
            "The configuration is invalid: a is wrong. b is wrong. c is wrong. 2 more in details.errors."
        );
    }
}
