//! What crate `openapi` needs to know of this one to describe it: operations, schemas and failures. No function has this
//! module.

pub(crate) mod failures;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_core::{
    ConfigKey, DeliveryType, FieldError, InputError, OperationKind, TenantId, parse_create,
    webhook::{ConfigEventData, EndpointEventData, TestEventData, WebhookEvent},
};
use tenant_store::StoreError;
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        self, Ref, RefOr,
        schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

use crate::{
    http::{
        context::Now,
        envelope::Failure,
        error::{ApiError, NotRestorable},
        rejection::{MediaTypeError, QueryError},
    },
    probe::Unhealthy,
    resources::{
        configs::{batch, handlers as configs, lists, search, validation},
        description as served,
        health::{handlers as health, view::HealthReport},
        history::{feeds, restore, revisions},
        webhooks::{deliveries, endpoints, event_types, replays, secrets},
    },
    router,
};

#[derive(OpenApi)]
#[openapi(paths(
    health::check,
    served::document,
    lists::list_all,
    lists::list_for_tenant,
    search::search,
    configs::create,
    configs::read,
    configs::update,
    configs::delete,
    batch::change_many,
    validation::validate,
    revisions::list,
    revisions::read,
    restore::restore,
    feeds::follow_tenant,
    feeds::follow_all,
    endpoints::list,
    endpoints::create,
    endpoints::read,
    endpoints::update,
    endpoints::delete,
    secrets::read,
    secrets::rotate,
    secrets::test,
    deliveries::list,
    deliveries::read,
    deliveries::redeliver,
    replays::start,
    replays::read,
    event_types::list,
))]
struct Operations;

/// Every operation, with the schemas of the bodies that its handler responds with. A generic body is named after its
/// content, as in `Success_DeliveryConfig`. The schemas of configurations are references and no more; those of failures
/// are complete.
#[must_use]
pub fn operations() -> openapi::OpenApi {
    let mut operations = Operations::openapi();
    let schemas = &mut operations.components.get_or_insert_default().schemas;
    add_schema::<Failure>(schemas);
    add_schema::<FieldError>(schemas);
    add_schema::<DeliveryType>(schemas);
    add_schema::<OperationKind>(schemas);
    add_event::<ConfigEventData>("ConfigEvent", schemas);
    add_event::<EndpointEventData>("EndpointEvent", schemas);
    add_event::<TestEventData>("TestEvent", schemas);
    schemas.insert(BROKEN_RULES.to_owned(), broken_rules_schema());
    schemas.insert(UNHEALTHY.to_owned(), unhealthy_schema());
    schemas.insert(FAILED_OPERATIONS.to_owned(), failed_operations_schema());
    schemas.insert(EXPIRED_CURSOR.to_owned(), expired_cursor_schema());
    operations
}

fn add_schema<T: ToSchema>(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let mut nested = Vec::new();
    T::schemas(&mut nested);
    schemas.extend(nested);
    schemas.insert(T::name().into_owned(), T::schema());
}

/// The schema of an event with such data, which has the name of a generic type otherwise.
fn add_event<D: ToSchema>(name: &str, schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    add_schema::<D>(schemas);
    let mut nested = Vec::new();
    WebhookEvent::<D>::schemas(&mut nested);
    schemas.extend(nested);
    schemas.insert(name.to_owned(), WebhookEvent::<D>::schema());
}

/// The path of every route.
pub fn routes() -> impl Iterator<Item = &'static str> {
    router::routes().into_iter().map(|(path, _)| path)
}

/// A failure that the function itself responds with.
#[derive(Debug)]
pub struct FailureResponse {
    /// The name that operations refer to it by.
    pub name: &'static str,
    /// The status of the example, and of every failure of this name.
    pub status: u16,
    /// When it occurs.
    pub description: &'static str,
    /// Its headers beside those of every response.
    pub headers: &'static [&'static str],
    /// The name of the schema of its body.
    pub schema: &'static str,
    /// A body as the function sends it.
    pub example: Value,
}

const FAILURE: &str = "Failure";
const BROKEN_RULES: &str = "BrokenRules";
/// A body of 64 KiB has fewer fields than bytes.
const MAX_ERRORS: usize = 64 * 1024;
const UNHEALTHY: &str = "UnhealthyResponse";
const EXPIRED_CURSOR: &str = "ExpiredCursor";
const FAILED_OPERATIONS: &str = "FailedOperationsResponse";

/// Every failure of the function.
#[expect(clippy::too_many_lines, reason = "it is a table, one entry for each failure")]
#[must_use]
pub fn failures() -> Vec<FailureResponse> {
    const RETRY: &[&str] = &["Retry-After"];
    let failure = |name, description, error: &ApiError| FailureResponse {
        name,
        status: error.status().as_u16(),
        description,
        headers: &[],
        schema: FAILURE,
        example: body(error),
    };
    let store = |error: StoreError| ApiError::Store(error);
    vec![
        failure(
            "InvalidRequest",
            "The URL, a header or the body is invalid: the query has an unknown parameter, the body is empty or not JSON, names another tenant or type than the URL, \
             changes nothing, or does not match `X-Body-SHA256`. Or a filter is invalid: the error has its position, counted in characters from 1.",
            &QueryError::Repeated("limit").into(),
        ),
        failure(
            "NotFound",
            "There is no such configuration, revision, webhook or route. Or this deployment of the service has no history, or no webhooks.",
            &configs::no_such_config(),
        ),
        FailureResponse {
            headers: &["Allow"],
            ..failure(
                "MethodNotAllowed",
                "The URL does not support the method. `HEAD` works wherever `GET` does.",
                &ApiError::MethodNotAllowed,
            )
        },
        failure(
            "AlreadyExists",
            "The tenant has a configuration of this type.",
            &configs::already_exists(),
        ),
        failure(
            "UnchangeableKey",
            "The configuration was written into the table by hand, under a tenant ID or a type that breaks the rules. It can be read, \
             validated and deleted, but not changed.",
            &unchangeable_key(),
        ),
        failure(
            "NotRestorable",
            "The revision is a deletion, or the history has no room for its values. Or the configuration was written into the table by hand, \
             under a tenant ID or a type that breaks the rules.",
            &ApiError::NotRestorable(NotRestorable::Deletion),
        ),
        failure(
            "WebhookDisabled",
            "The webhook is disabled, so nothing is sent to it. Enable it first.",
            &ApiError::WebhookDisabled,
        ),
        failure(
            "TooManyWebhooks",
            "There are as many webhooks as there may be.",
            &ApiError::TooManyWebhooks,
        ),
        FailureResponse {
            schema: EXPIRED_CURSOR,
            ..failure(
                "CursorExpired",
                "The cursor is older than the history: revisions after it have been removed. Start again without a cursor.",
                &ApiError::CursorExpired { since: example_time() },
            )
        },
        failure(
            "PreconditionFailed",
            "The condition in `If-Match` or `If-None-Match` is false.",
            &ApiError::VersionMismatch,
        ),
        failure(
            "BodyTooLarge",
            "The body is larger than 64 KiB, or than 1 MiB for a batch.",
            &ApiError::BodyTooLarge { max_bytes: 64 * 1024 },
        ),
        failure(
            "UnsupportedMediaType",
            "The `Content-Type` or the `Content-Encoding` of the body is not supported.",
            &MediaTypeError::NotJson.into(),
        ),
        FailureResponse {
            schema: BROKEN_RULES,
            ..failure(
                "BrokenRules",
                "The body breaks rules. The response lists every one of them.",
                &broken_rules(),
            )
        },
        FailureResponse {
            schema: FAILED_OPERATIONS,
            ..failure(
                "OperationsFailed",
                "At least one operation failed or was not attempted. `data.results` has the result of each of them, as after a success.",
                &batch::failed_example(example_time()),
            )
        },
        failure(
            "ServiceFailed",
            "A defect of the service, or a request that the service was unable to authorize.",
            &ApiError::Panicked,
        ),
        FailureResponse {
            headers: RETRY,
            ..failure(
                "Unavailable",
                "The store is busy or cannot be reached.",
                &store(StoreError::Throttled("busy".into())),
            )
        },
        FailureResponse {
            headers: RETRY,
            schema: UNHEALTHY,
            ..failure(
                "Unhealthy",
                "The service is unhealthy.",
                &ApiError::Unhealthy(Unhealthy::timed_out()),
            )
        },
    ]
}

fn body(error: &ApiError) -> Value {
    let message = error.client_message();
    let failure = Failure::new(Now(example_time()), &message)
        .with_details(error.details())
        .with_data(error.data());
    serde_json::from_slice(&failure.into_bytes()).expect("the function sends JSON")
}

fn unchangeable_key() -> ApiError {
    let invalid = ConfigKey::new("acme-corp", "CloudWatch").and_then(|key| key.parse().map(drop));
    ApiError::UnchangeableKey(invalid.expect_err("types are in lowercase"))
}

fn broken_rules() -> ApiError {
    let tenant: TenantId = "acme-corp".parse().expect("the example's tenant id is valid");
    let body = br#"{"tenant_id": "acme-corp", "type": "s3", "bucket_name": "Logs", "enable": true}"#;
    match parse_create(body, &tenant, example_time()) {
        Err(error @ InputError::BrokenRules(_)) => error.into(),
        other => panic!("the example breaks rules: {other:?}"),
    }
}

fn example_time() -> DateTime<Utc> {
    "2024-01-15T10:30:00Z".parse().expect("the example's time is valid")
}

fn broken_rules_schema() -> RefOr<Schema> {
    let errors = ArrayBuilder::new()
        .items(Ref::from_schema_name(FieldError::name()))
        .min_items(Some(1))
        .max_items(Some(MAX_ERRORS));
    let details = ObjectBuilder::new()
        .description(Some("Every broken rule."))
        .property("errors", errors)
        .required("errors");
    failure_with("details", details.build(), &["details"], "A body that breaks rules.")
}

fn unhealthy_schema() -> RefOr<Schema> {
    let report = Ref::from_schema_name(HealthReport::name());
    // A store that cannot be reached is reported without the state of the service.
    failure_with("data", report, &[], "An unhealthy service.")
}

fn expired_cursor_schema() -> RefOr<Schema> {
    let since = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("Where the history begins."));
    let details = ObjectBuilder::new()
        .description(Some("What the history contains."))
        .property("recording_since", since)
        .required("recording_since");
    failure_with("details", details.build(), &["details"], "A cursor that is too old.")
}

fn failed_operations_schema() -> RefOr<Schema> {
    let report = Ref::from_schema_name(batch::Report::name());
    failure_with(
        "data",
        report,
        &["data"],
        "A batch some of whose operations were not made.",
    )
}

/// [`Failure`] with one member more, whose type depends on the error.
fn failure_with(member: &str, schema: impl Into<RefOr<Schema>>, required: &[&str], description: &str) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut failure)) = Failure::schema() else {
        panic!("a struct is an object");
    };
    failure.description = Some(description.to_owned());
    failure.properties.insert(member.to_owned(), schema.into());
    failure.required.extend(required.iter().map(|name| (*name).to_owned()));
    failure.into()
}
