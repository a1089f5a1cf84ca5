//! One delivery configuration: create, read, update, delete.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use tenant_core::{
    Cause, ConfigChanged, ConfigKey, InvalidKey, StoredConfig, history::ChangeKind, parse_create, parse_update,
};
use tenant_store::{Precondition, StoreError, Tagged};

#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        author::Author,
        body::JsonBody,
        conditions::{Conditions, ETag, Freshness},
        context::Now,
        envelope::{Confirmation, Success},
        error::ApiError,
        path::{Target, Tenant},
        query::Query,
    },
    resources::history::{point_in_time, query::AtQuery},
    state::AppState,
};

/// `POST /tenants/{tenant_id}/delivery-configs`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs",
    operation_id = "createDeliveryConfig",
    tag = "Delivery configurations",
    summary = "Create a configuration",
    description = "A tenant has at most one configuration of each type. Fields that are left out get their defaults.",
    params(("tenant_id" = String, Path), ("If-None-Match" = Option<String>, Header), ("X-Body-SHA256" = Option<String>, Header),
        ("X-Change-Note" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/DeliveryConfigCreation")),
    responses(
        (status = 201, body = Success<StoredConfig>, headers(("ETag"), ("Location")), description = "Created, with what is stored: defaults are filled in."),
        failures::Signed, failures::Conditional, failures::JsonBody, failures::Exists,
    ),
))]
pub(crate) async fn create(
    State(state): State<AppState>,
    now: Now,
    author: Author,
    Tenant(tenant_id): Tenant,
    _: Query<()>,
    conditions: Conditions,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let config = parse_create(&body, &tenant_id, now.0)?;
    if conditions.require_content() {
        return Err(ApiError::CreationHasNoVersion);
    }
    let created = state
        .stores
        .configs
        .create(&config, &author.change(ChangeKind::Create), now.0)
        .await;
    let Tagged { value: stored, tag } = created.map_err(|error| match error {
        StoreError::AlreadyExists if conditions.require_absence() => ApiError::CreationGuarded,
        error => client_error(error),
    })?;
    let location = [(header::LOCATION, location_of(&stored))];
    let delivery_type = config.delivery_type();
    let change = ConfigChanged {
        key: ConfigKey::for_config(&tenant_id, delivery_type),
        before: None,
        after: Some(stored.clone()),
        fields: config.fields(),
        actor: author.origin.actor,
        request_id: author.origin.request_id,
        batch_id: None,
        cause: Cause::Create,
    };
    Ok((
        StatusCode::CREATED,
        ETag(tag),
        location,
        // The URL does not name the type, and the log needs it.
        Extension(delivery_type),
        Extension(vec![change]),
        with_message(now, stored, "Created"),
    )
        .into_response())
}

/// `GET /tenants/{tenant_id}/delivery-configs/{type}`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}",
    operation_id = "getDeliveryConfig",
    tag = "Delivery configurations",
    summary = "Read a configuration",
    description = "With the `ETag` of an earlier response as `If-None-Match`, the response has a body only if the configuration has changed. With `at`, \
        the configuration as it was at the end of that second, read from the history: without an `ETag`, and whatever `If-Match` and `If-None-Match` require.",
    params(("tenant_id" = String, Path), ("type" = String, Path), ("at" = Option<String>, Query), ("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = Success<StoredConfig>, headers(("ETag")), description = "The configuration."),
        (status = 304, headers(("ETag")), description = "The client already has this content. No body."),
        failures::Signed, failures::Conditional,
    ),
))]
pub(crate) async fn read(
    State(state): State<AppState>,
    now: Now,
    target: Target,
    Query(AtQuery { at }): Query<AtQuery>,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    if let Some(at) = at {
        let stored = point_in_time::find(&state, &target.0, at, now).await?;
        return Ok(Success::new(now, stored.ok_or_else(|| not_found(&target))?).into_response());
    }
    let Tagged { value: stored, tag } = find(&state, &target, now).await?;
    let etag = ETag(tag);
    Ok(match conditions.check_read(tag)? {
        Freshness::Modified => (etag, Success::new(now, stored)).into_response(),
        Freshness::NotModified => (StatusCode::NOT_MODIFIED, etag, ()).into_response(),
    })
}

/// `PUT` and `PATCH /tenants/{tenant_id}/delivery-configs/{type}`: both merge.
#[cfg_attr(feature = "openapi", utoipa::path(
    method(put, patch),
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}",
    operation_id = "putDeliveryConfig",
    tag = "Delivery configurations",
    summary = "Change a configuration",
    description = "PUT and PATCH do the same. A field that is left out keeps its value. `null` removes an optional field or resets it to its \
        default. A required field cannot be removed. Fields that are sent must follow the rules of a create.",
    params(("tenant_id" = String, Path), ("type" = String, Path), ("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header),
        ("X-Body-SHA256" = Option<String>, Header), ("X-Change-Note" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/DeliveryConfigChanges")),
    responses(
        (status = 200, body = Success<StoredConfig>, headers(("ETag")), description = "Changed, with what is stored now."),
        failures::Signed, failures::Conditional, failures::JsonBody, failures::Unchangeable,
    ),
))]
pub(crate) async fn update(
    State(state): State<AppState>,
    now: Now,
    author: Author,
    target: Target,
    _: Query<()>,
    conditions: Conditions,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let (tenant_id, delivery_type) = match target.0.parse() {
        Ok(parts) => parts,
        Err(invalid) => return Err(reject_change(&state, &target, invalid, now).await),
    };
    let update = parse_update(&body, &tenant_id, delivery_type, now.0)?;
    let precondition = if conditions.exclude_contents() {
        bind(&conditions, &find(&state, &target, now).await?)?
    } else {
        conditions.precondition()
    };
    let updated = state
        .stores
        .configs
        .update(
            &target.0,
            &update,
            &precondition,
            &author.change(ChangeKind::Update),
            now.0,
        )
        .await
        .map_err(client_error)?;
    let Tagged { value: stored, tag } = updated.after;
    let change = ConfigChanged {
        key: target.0,
        before: updated.before,
        after: Some(stored.clone()),
        fields: update.fields(),
        actor: author.origin.actor,
        request_id: author.origin.request_id,
        batch_id: None,
        cause: Cause::Update,
    };
    Ok((ETag(tag), Extension(vec![change]), with_message(now, stored, "Updated")).into_response())
}

/// `DELETE /tenants/{tenant_id}/delivery-configs/{type}`
#[cfg_attr(feature = "openapi", utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}",
    operation_id = "deleteDeliveryConfig",
    tag = "Delivery configurations",
    summary = "Delete a configuration",
    description = "The logs of the tenant are no longer delivered to this destination.",
    params(("tenant_id" = String, Path), ("type" = String, Path), ("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header),
        ("X-Change-Note" = Option<String>, Header)),
    responses(
        (status = 200, body = Confirmation, description = "Deleted."),
        failures::Signed, failures::Conditional,
    ),
))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    now: Now,
    author: Author,
    target: Target,
    _: Query<()>,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let store = &state.stores.configs;
    let precondition = if conditions.exclude_contents() {
        let found = store.get_unswept(&target.0).await?;
        bind(&conditions, &found.ok_or_else(|| not_found(&target))?)?
    } else {
        conditions.precondition()
    };
    let before = store
        .delete(&target.0, &precondition, &author.change(ChangeKind::Delete))
        .await
        .map_err(|error| match error {
            StoreError::NotFound => not_found(&target),
            error => error.into(),
        })?;
    let message = message("Deleted", target.0.delivery_type(), target.0.tenant_id());
    let change = ConfigChanged {
        key: target.0,
        before,
        after: None,
        fields: Vec::new(),
        actor: author.origin.actor,
        request_id: author.origin.request_id,
        batch_id: None,
        cause: Cause::Delete,
    };
    Ok((Extension(vec![change]), Confirmation::new(now, message)).into_response())
}

/// The configuration that the URL names.
pub(crate) async fn find(state: &AppState, target: &Target, now: Now) -> Result<Tagged<StoredConfig>, ApiError> {
    let stored = state.stores.configs.get(&target.0, now.0).await?;
    stored.ok_or_else(|| not_found(target))
}

/// Why a configuration under a key that breaks a rule cannot be changed: it was written by hand, or there is none.
pub(crate) async fn reject_change(state: &AppState, target: &Target, invalid: InvalidKey, now: Now) -> ApiError {
    match find(state, target, now).await {
        Ok(_) => ApiError::UnchangeableKey(invalid),
        Err(error) => error,
    }
}

/// The target does not exist. If its key breaks a rule, that is the reason.
pub(crate) fn not_found(target: &Target) -> ApiError {
    target.0.parse().map_or_else(ApiError::from, |_| no_such_config())
}

pub(crate) fn no_such_config() -> ApiError {
    ApiError::NotFound("The tenant has no delivery configuration of this type.")
}

pub(crate) fn already_exists() -> ApiError {
    ApiError::AlreadyExists(
        "The tenant already has a delivery configuration of this type. Use PUT or PATCH to change it.",
    )
}

/// The store names no resource, so this names it where the client reads about it.
pub(crate) fn client_error(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => no_such_config(),
        StoreError::AlreadyExists => already_exists(),
        error => error.into(),
    }
}

/// The store's precondition of a write that excludes contents, which the store cannot evaluate: the current content is
/// checked here, and the write is then bound to it.
pub(crate) fn bind(conditions: &Conditions, current: &Tagged<StoredConfig>) -> Result<Precondition, ApiError> {
    conditions.check_write(current.tag)?;
    Ok(Precondition::Tags(vec![current.tag]))
}

fn with_message(now: Now, stored: StoredConfig, done: &str) -> Success<StoredConfig> {
    let message = message(done, stored.delivery_type(), stored.tenant_id());
    Success::new(now, stored).with_message(message)
}

fn message(done: &str, delivery_type: &str, tenant_id: &str) -> String {
    format!("{done} the {delivery_type} delivery configuration of tenant {tenant_id}.")
}

pub(crate) fn location_of(stored: &StoredConfig) -> HeaderValue {
    let path = format!(
        "/api/v1/tenants/{}/delivery-configs/{}",
        stored.tenant_id(),
        stored.delivery_type()
    );
    HeaderValue::try_from(path).expect("tenant ids and delivery types are URL-safe ASCII")
}
