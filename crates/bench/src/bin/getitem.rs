//! The usual libraries without tuning: axum under `lambda_http`, and one `GetItem` with the AWS SDK's defaults.
//!
//! It reads the same item by the same route as the api function does, and checks, logs and converts nothing.

use std::{collections::HashMap, env, sync::Arc};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use lambda_http::Error;

struct Table {
    client: Client,
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let table = Arc::new(Table {
        client: Client::new(&config),
        name: env::var("TENANT_CONFIG_TABLE")?,
    });
    let router = Router::new()
        .route("/api/v1/tenants/{tenant_id}/delivery-configs/{type}", get(read))
        .with_state(table);
    lambda_http::run(router).await
}

async fn read(
    State(table): State<Arc<Table>>,
    Path((tenant_id, delivery_type)): Path<(String, String)>,
) -> Result<Json<HashMap<String, String>>, StatusCode> {
    let reply = table
        .client
        .get_item()
        .table_name(&table.name)
        .key("tenant_id", AttributeValue::S(tenant_id))
        .key("type", AttributeValue::S(delivery_type))
        .consistent_read(true)
        .send()
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let item = reply.item.ok_or(StatusCode::NOT_FOUND)?;
    let texts = item.into_iter().filter_map(|(name, value)| match value {
        AttributeValue::S(text) => Some((name, text)),
        _ => None,
    });
    Ok(Json(texts.collect()))
}
