//! Making a configuration what it was.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use tenant_core::{
    Cause, ConfigChanged, FieldDiff, NewConfig, StoredConfig, diff,
    history::{ChangeKind, Entry, Images, LastChange, parse_restore},
};
use tenant_store::{
    Precondition, StoreError, Tagged,
    configs::{ConfigStore, Effect, Updated},
};

use super::{query::RestoreQuery, revisions::no_such_revision};
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        author::Author,
        body::MergePatchBody,
        conditions::{Conditions, ETag},
        context::Now,
        envelope::Success,
        error::{ApiError, NotRestorable},
        path::{RevisionTarget, Target},
        query::Query,
    },
    resources::configs::handlers::{bind, client_error, location_of, reject_change},
    state::AppState,
};

/// What a restoration did or, in a dry run, would do.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Restoration {
    /// Whether there was no configuration, so that one was or would be created.
    created: bool,
    /// The fields that changed or would change. Absent if what was there before is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_items = 20))]
    diff: Option<Vec<FieldDiff>>,
    /// The stored configuration. Absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    configuration: Option<StoredConfig>,
}

/// `POST /tenants/{tenant_id}/delivery-configs/{type}/history/{revision}/restore`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/history/{revision}/restore",
    operation_id = "restoreDeliveryConfig",
    tag = "History",
    summary = "Restore a revision",
    description = "Makes the configuration what it was after the revision: exactly its fields, under today's rules. One that was deleted is created \
        again. The body can contain changes to what is restored, as a JSON Merge Patch. It is a new revision, with `restored_from`. The key and the times of the configuration \
        are not restored. With `dry_run`, nothing is written.",
    params(("tenant_id" = String, Path), ("type" = String, Path), ("revision" = String, Path), ("dry_run" = Option<bool>, Query),
        ("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header), ("X-Body-SHA256" = Option<String>, Header),
        ("X-Change-Note" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/DeliveryConfigChanges")),
    responses(
        (status = 200, body = Success<Restoration>, headers(("ETag")), description = "Restored or, in a dry run, what would happen."),
        (status = 201, body = Success<Restoration>, headers(("ETag"), ("Location")), description = "Restored: the configuration was created again."),
        failures::Signed, failures::Conditional, failures::JsonBody, failures::NotRestorable,
    ),
))]
pub(crate) async fn restore(
    State(state): State<AppState>,
    now: Now,
    author: Author,
    RevisionTarget { target, revision }: RevisionTarget,
    Query(RestoreQuery { is_dry_run }): Query<RestoreQuery>,
    conditions: Conditions,
    MergePatchBody(body): MergePatchBody,
) -> Result<Response, ApiError> {
    let history = state.history()?;
    let (tenant_id, delivery_type) = match target.0.parse() {
        Ok(parts) => parts,
        Err(invalid) => return Err(reject_change(&state, &target, invalid, now).await),
    };
    let entry = history.get(&target.0, &revision, now.0).await?;
    let restored = configuration(&entry.ok_or_else(no_such_revision)?)?;
    let config = parse_restore(&body, &restored, &tenant_id, delivery_type, now.0)?;
    if is_dry_run {
        let preview = preview(&state.stores.configs, &target, &config, &conditions, now).await?;
        let response = Success::new(now, preview).with_message("Dry run: nothing was written.".to_owned());
        return Ok(response.into_response());
    }
    let by = LastChange {
        restored_from: Some(revision),
        ..author.change(ChangeKind::Restore)
    };
    let effect = write(&state.stores.configs, &target, &config, &conditions, &by, now).await?;
    let (is_created, before, Tagged { value: stored, tag }) = match effect {
        Effect::Created(created) => (true, None, created),
        Effect::Updated(Updated { before, after }) => (false, before, after),
        Effect::Deleted(_) | Effect::Unchanged(_) => return Err(ApiError::Store(unexpected())),
    };
    let is_known = is_created || before.is_some();
    let diff = is_known.then(|| diff(before.as_ref(), Some(&stored)));
    let message = format!("Restored the {delivery_type} delivery configuration of tenant {tenant_id}.");
    let change = ConfigChanged {
        key: target.0,
        before,
        after: Some(stored.clone()),
        fields: match &diff {
            Some(diff) => diff.iter().map(|diff| diff.field).collect(),
            None => config.fields(),
        },
        actor: author.origin.actor,
        request_id: author.origin.request_id,
        batch_id: None,
        cause: Cause::Restore,
    };
    let location = location_of(&stored);
    let restoration = Restoration {
        created: is_created,
        diff,
        configuration: Some(stored),
    };
    let body = Success::new(now, restoration).with_message(message);
    let response = (ETag(tag), Extension(vec![change]), body).into_response();
    Ok(if is_created {
        (StatusCode::CREATED, [(header::LOCATION, location)], response).into_response()
    } else {
        response
    })
}

/// The configuration that the revision left.
fn configuration(entry: &Entry) -> Result<StoredConfig, ApiError> {
    entry.configuration().ok_or_else(|| {
        ApiError::NotRestorable(match entry.images {
            Images::Whole { .. } | Images::Modelled { .. } => NotRestorable::Deletion,
            Images::Names(_) | Images::Truncated => NotRestorable::Truncated,
        })
    })
}

async fn write(
    store: &ConfigStore,
    target: &Target,
    config: &NewConfig,
    conditions: &Conditions,
    by: &LastChange,
    now: Now,
) -> Result<Effect, ApiError> {
    let precondition = conditions.precondition();
    // `*` requires that there is one, which the store's precondition cannot express, nor that a content is excluded.
    let needs_read =
        conditions.exclude_contents() || (conditions.require_content() && matches!(precondition, Precondition::None));
    if !needs_read {
        return store
            .restore(config, &precondition, by, now.0)
            .await
            .map_err(client_error);
    }
    match store.get(&target.0, now.0).await? {
        Some(found) => {
            let bound = bind(conditions, &found)?;
            store.restore(config, &bound, by, now.0).await.map_err(client_error)
        }
        None if conditions.require_content() => Err(ApiError::VersionMismatch),
        None => match store.create(config, by, now.0).await {
            Err(StoreError::AlreadyExists) => Err(ApiError::CreationGuarded),
            created => Ok(Effect::Created(created?)),
        },
    }
}

/// What [`write`] would do now.
async fn preview(
    store: &ConfigStore,
    target: &Target,
    config: &NewConfig,
    conditions: &Conditions,
    now: Now,
) -> Result<Restoration, ApiError> {
    let found = store.get(&target.0, now.0).await?;
    match &found {
        Some(found) => conditions.check_write(found.tag)?,
        None if conditions.require_content() => return Err(ApiError::VersionMismatch),
        None => {}
    }
    Ok(Restoration {
        created: found.is_none(),
        diff: Some(diff(
            found.as_ref().map(|found| &found.value),
            Some(&config.as_stored()),
        )),
        configuration: None,
    })
}

fn unexpected() -> StoreError {
    StoreError::Unexpected("a restoration neither created nor updated".into())
}
