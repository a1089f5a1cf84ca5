//! Many changes in one request.

mod report;
mod run;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use tenant_core::{Work, history::ChangeKind, parse_batch};

use self::{report::Recorder, run::Runner};
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        author::Author,
        body::DigestedJsonBody,
        context::Now,
        deadline::Deadline,
        envelope::Success,
        error::ApiError,
        query::{BatchQuery, MAX_RETURNED, Query},
        rejection::QueryError,
    },
    state::AppState,
};

/// `POST /delivery-configs/batch`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/delivery-configs/batch",
    operation_id = "batchDeliveryConfigs",
    tag = "Batches",
    summary = "Change many configurations",
    description = "Creates, changes and deletes configurations of any tenants. An atomic batch makes all of its operations or none. In any \
        other batch each operation is made or fails by itself, and `data.results` has the result of each, in the order of the request. \
        A dry run does everything but the write: its statuses are those that the same batch would have now.",
    params(("return" = Option<String>, Query), ("X-Body-SHA256" = Option<String>, Header), ("X-Change-Note" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/BatchRequest")),
    responses(
        (status = 200, body = Success<Report>, description = "Every operation succeeded or, in a dry run, would succeed."),
        failures::Signed, failures::JsonBody, failures::OperationsFailed,
    ),
))]
pub(crate) async fn change_many(
    State(state): State<AppState>,
    now: Now,
    author: Author,
    deadline: Deadline,
    Query(BatchQuery { full }): Query<BatchQuery>,
    DigestedJsonBody(body): DigestedJsonBody,
) -> Result<Response, ApiError> {
    let batch = parse_batch(&body, now.0)?;
    // The operations have what they need of it, and it may have a megabyte.
    drop(body);
    let total = match &batch.work {
        Work::Atomic(operations) => operations.len(),
        Work::Independent(submitted) => submitted.len(),
    };
    if full && total > MAX_RETURNED {
        let error = QueryError::TooManyToReturn {
            found: total,
            max: MAX_RETURNED,
        };
        return Err(error.into());
    }
    let runner = Runner {
        store: &state.stores.configs,
        by: author.change(ChangeKind::Batch),
        now: now.0,
        deadline,
        concurrency: state.settings.batch_concurrency,
    };
    let mut recorder = Recorder::new(total, author.origin, full);
    match (batch.work, batch.is_dry_run) {
        (Work::Atomic(operations), false) => runner.make_all(&operations, &mut recorder).await?,
        (Work::Atomic(operations), true) => runner.plan_all(&operations, &mut recorder).await?,
        (Work::Independent(submitted), false) => runner.make_each(submitted, &mut recorder).await,
        (Work::Independent(submitted), true) => runner.plan_each(submitted, &mut recorder).await?,
    }
    let (outcome, changes) = recorder.finish();
    let response = match outcome {
        Ok(report) if batch.is_dry_run => Success::new(now, report)
            .with_message("Dry run: nothing was written.".to_owned())
            .into_response(),
        Ok(report) => Success::new(now, report).into_response(),
        Err(error) => error.into_response(),
    };
    Ok((Extension(changes), response).into_response())
}

/// A batch with one failed operation, for the API's description.
#[cfg(feature = "openapi")]
pub(crate) fn failed_example(now: chrono::DateTime<chrono::Utc>) -> ApiError {
    use tenant_core::{EntityTag, StoredConfig};
    use tenant_store::{StoreError, Tagged, configs::Effect};

    let body = br#"{"operations": [
        {"op": "upsert", "config": {"tenant_id": "acme-corp", "type": "s3", "bucket_name": "acme-corp-logs"}},
        {"op": "update", "tenant_id": "globex", "type": "cloudwatch", "changes": {"enabled": false}, "if_match": "\"0\""}
    ]}"#;
    let Ok(Work::Atomic(operations)) = parse_batch(body, now).map(|batch| batch.work) else {
        panic!("the example is valid");
    };
    let mut recorder = Recorder::new(operations.len(), crate::http::context::Origin::default(), false);
    let created = Tagged {
        value: StoredConfig::from_attributes(Vec::<(String, serde_json::Value)>::new()),
        tag: EntityTag::from_sha256(&[0x5d; 32]),
    };
    recorder.made(0, &operations[0], Effect::Created(created));
    recorder.failed(1, operations[1].subject(), StoreError::PreconditionFailed.into());
    match recorder.finish().0 {
        Err(error) => error,
        Ok(_) => panic!("one operation of the example fails"),
    }
}

#[cfg(feature = "openapi")]
pub(crate) use report::BatchReport as Report;
