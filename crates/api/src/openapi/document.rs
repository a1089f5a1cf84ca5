//! The parts put together, and the copies in the repository held against the whole.

use std::{collections::BTreeSet, fs, path::PathBuf};

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use http::{Method, Request};
use serde_json::{Map, Value, json};
use tenant_store::configs::ConfigStore;
use tower::ServiceExt;
use utoipa::OpenApi;

use super::{answers, parameters, schemas, security};
use crate::{
    AppState, Stores,
    config::Settings,
    handlers::{configs, health, lists, validation},
    router::{router, routes},
};

/// Set to 1, it makes the test write the copies.
const WRITE: &str = "WRITE_OPENAPI";

/// The operations of the handlers.
#[derive(OpenApi)]
#[openapi(paths(
    health::check,
    super::document,
    lists::list_all,
    lists::list_for_tenant,
    configs::create,
    configs::read,
    configs::update,
    configs::delete,
    validation::validate,
))]
struct Operations;

fn document() -> Value {
    let operations = serde_json::to_value(Operations::openapi()).unwrap();
    json!({
        "openapi": operations["openapi"],
        "info": info(),
        "servers": servers(),
        "tags": tags(),
        "security": security::requirement(),
        "paths": paths(&operations["paths"]),
        "components": {
            "schemas": schemas::schemas(),
            "parameters": parameters::parameters(),
            "headers": parameters::headers(),
            "responses": answers::responses(),
            "securitySchemes": security::schemes(),
        },
    })
}

fn info() -> Value {
    json!({
        "title": "Tenant Management API",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Where the logs of each tenant are delivered.",
        "description": "Configurations of log delivery: at most one of each type (CloudWatch Logs, S3) for a tenant.\n\
            \n\
            Every answer is JSON in one envelope, except for a 304, the answer to a `HEAD` and this description. `HEAD` works wherever `GET` does. \
            A write can be made conditional on the version that was read: send the `ETag` of the answer as `If-Match`. \
            Repeat a request that met a 429, a 500, a 502, a 503 or a 504 after `Retry-After` seconds, or after a second.",
        "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
    })
}

fn servers() -> Value {
    json!([
        { "url": "/", "description": "The host of this document: a custom domain, or the local server" },
        {
            "url": "https://{api_id}.execute-api.{region}.amazonaws.com/{stage}",
            "description": "API Gateway's own host name. The stage is part of the path, and of the URI that is signed.",
            "variables": {
                "api_id": { "default": "abc123" },
                "region": { "default": "us-east-1" },
                "stage": { "default": "development" },
            },
        },
    ])
}

fn tags() -> Value {
    json!([
        { "name": "Delivery configurations", "description": "Create, read, change and delete one configuration." },
        { "name": "Lists", "description": "Read many configurations." },
        { "name": "Service", "description": "What needs no signature." },
    ])
}

fn paths(operations: &Value) -> Value {
    let mut paths = operations.as_object().unwrap().clone();
    for operation in paths
        .values_mut()
        .flat_map(|item| item.as_object_mut().unwrap().values_mut())
    {
        refer_to_parameters(operation);
        if operation["security"] == json!([{}]) {
            operation["security"] = json!([]);
        }
    }
    let target = &mut paths["/api/v1/tenants/{tenant_id}/delivery-configs/{type}"];
    target["patch"] = patch(&target["put"]);
    add_examples(&mut paths);
    for (path, operation_id) in [("/health", "getRootHealth"), ("/openapi.json", "getRootOpenApi")] {
        let mut item = paths[&format!("/api/v1{path}")].clone();
        item["get"]["operationId"] = operation_id.into();
        paths.insert(path.to_owned(), item);
    }
    paths.into()
}

/// The handlers name their parameters; the components hold what there is to say of each.
fn refer_to_parameters(operation: &mut Value) {
    let known = parameters::parameters();
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        assert_eq!(parameter["in"], known[name]["in"], "{name}");
        *parameter = json!({ "$ref": format!("#/components/parameters/{name}") });
    }
    if operation["parameters"].is_null() {
        operation.as_object_mut().unwrap().remove("parameters");
    }
}

/// PUT and PATCH are one handler. A PATCH takes one media type more.
fn patch(put: &Value) -> Value {
    let mut patch = put.clone();
    patch["operationId"] = "patchDeliveryConfig".into();
    patch["summary"] = "Change a configuration in part".into();
    patch["requestBody"]["content"]["application/merge-patch+json"] =
        patch["requestBody"]["content"]["application/json"].clone();
    patch
}

fn add_examples(paths: &mut Map<String, Value>) {
    let mut cloudwatch = answers::configuration();
    cloudwatch
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !name.ends_with("_at"));
    let s3 = json!({
        "tenant_id": "acme-corp",
        "type": "s3",
        "bucket_name": "acme-corp-logs",
        "bucket_prefix": "ROSA/cluster-logs/",
        "target_region": "us-east-1",
    });
    paths["/api/v1/tenants/{tenant_id}/delivery-configs"]["post"]["requestBody"]["content"]["application/json"]["examples"] = json!({
        "cloudwatch": { "summary": "CloudWatch Logs", "value": cloudwatch },
        "s3": { "summary": "S3", "value": s3 },
    });
    for method in ["put", "patch"] {
        let body = &mut paths["/api/v1/tenants/{tenant_id}/delivery-configs/{type}"][method]["requestBody"];
        for content in body["content"].as_object_mut().unwrap().values_mut() {
            content["examples"] = json!({
                "pause": { "summary": "Pause the delivery", "value": { "enabled": false } },
                "everything": { "summary": "Deliver every application's logs again", "value": { "enabled": true, "desired_logs": null } },
            });
        }
    }
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_copies_of_the_document_are_up_to_date() {
    let document = document();
    let pretty = repository().join("docs/openapi.json");
    let embedded = repository().join("crates/api/src/openapi/openapi.min.json");
    let copies = [(pretty, format!("{document:#}\n")), (embedded, document.to_string())];
    for (path, content) in copies {
        if std::env::var(WRITE).is_ok_and(|value| value == "1") {
            fs::write(&path, &content).unwrap();
        }
        // Compared as JSON: which order the keys have depends on what else is built.
        let found = fs::read_to_string(&path).unwrap_or_default();
        let found = serde_json::from_str::<Value>(&found).unwrap_or_default();
        assert!(
            found == document,
            "{} is stale; run {WRITE}=1 cargo test -p api openapi",
            path.display()
        );
    }
}

#[tokio::test]
async fn the_router_and_the_document_name_the_same_routes_and_methods() {
    let document = document();
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .map(|method| (path.clone(), method.to_uppercase()))
        })
        .collect();
    let mut routed = BTreeSet::new();
    for (path, _) in routes() {
        for method in allowed(path).await.split(',').filter(|method| *method != "HEAD") {
            routed.insert((path.to_owned(), method.to_owned()));
        }
    }
    assert_eq!(routed, documented);
}

/// The methods that the service itself says a route takes.
async fn allowed(path: &str) -> String {
    let url = path.replace("{tenant_id}", "acme").replace("{type}", "s3");
    let response = call(Method::TRACE, &url).await;
    assert_eq!(response.status(), 405, "{path}");
    response.headers()["allow"].to_str().unwrap().to_owned()
}

async fn call(method: Method, url: &str) -> Response {
    let client = tenant_store::client::connect_embedded("http://127.0.0.1:9");
    let stores = Stores {
        configs: ConfigStore::new(client, "unused"),
    };
    let state = AppState::new(stores, Settings::default());
    let request = Request::builder().method(method).uri(url).body(Body::empty()).unwrap();
    router(state).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn the_document_is_served_at_both_paths_and_may_be_cached() {
    for path in ["/openapi.json", "/api/v1/openapi.json"] {
        let response = call(Method::GET, path).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["cache-control"], "public, max-age=300");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), document());
        let response = call(Method::HEAD, path).await;
        assert_eq!(response.status(), 200);
        assert!(to_bytes(response.into_body(), usize::MAX).await.unwrap().is_empty());
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    collect_references(&document, &mut used);
    for reference in &used {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for kind in ["schemas", "parameters", "headers", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(used.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name}");
        }
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| collect_references(entry, found)),
        _ => {}
    }
}
