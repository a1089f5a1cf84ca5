//! The document against the service, and against itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use api::{AppState, Stores, config::Settings, description};
use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use http::{Method, Request};
use openapi::document;
use serde_json::Value;
use tenant_store::configs::ConfigStore;
use tower::ServiceExt;

#[tokio::test]
async fn document_and_router_have_the_same_routes_and_methods() {
    let document = document();
    let documented: BTreeSet<(String, String)> = operations(&document)
        .map(|(path, method, _)| (path.to_owned(), method.to_uppercase()))
        .collect();
    let mut routed = BTreeSet::new();
    for path in description::routes() {
        for method in allowed(path).await.split(',').filter(|method| *method != "HEAD") {
            routed.insert((path.to_owned(), method.to_owned()));
        }
    }
    assert_eq!(routed, documented);
}

/// The methods that the service itself reports for a route.
async fn allowed(path: &str) -> String {
    let url = path
        .replace("{tenant_id}", "acme")
        .replace("{type}", "s3")
        .replace("{revision}", "0");
    // The only method that needs no authorizer everywhere.
    let response = call(Method::OPTIONS, &url).await;
    assert_eq!(response.status(), 405, "{path}");
    response.headers()["allow"].to_str().unwrap().to_owned()
}

async fn call(method: Method, url: &str) -> Response {
    let client = tenant_store::client::connect_embedded("http://127.0.0.1:9");
    let state = AppState::new(
        Stores {
            configs: ConfigStore::new(client, "unused"),
        },
        Settings::default(),
    );
    let request = Request::builder().method(method).uri(url).body(Body::empty()).unwrap();
    api::router(state).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn document_is_served_at_both_paths_and_can_be_cached() {
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
fn every_reference_resolves_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    visit(&document, &mut |members| {
        if let Some(Value::String(reference)) = members.get("$ref") {
            used.insert(reference.clone());
        }
    });
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

#[test]
fn every_example_of_a_body_matches_its_schema() {
    let document = document();
    let mut checked = 0;
    visit(&document, &mut |content| {
        let single = content.get("example").into_iter();
        let several = content.get("examples").and_then(Value::as_object);
        let several = several.into_iter().flat_map(|examples| examples.values());
        let several = several.map(|example| &example["value"]);
        let Some(schema) = content.get("schema") else { return };
        for example in single.chain(several) {
            validate(&document, schema, example);
            checked += 1;
        }
    });
    assert!(checked > 30, "{checked}");
}

fn validate(document: &Value, schema: &Value, instance: &Value) {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let errors: Vec<_> = validator.iter_errors(instance).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {instance:#}");
}

#[test]
fn every_failure_is_listed_with_its_status() {
    let document = document();
    let failures = description::failures();
    for (path, method, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(reference) = response["$ref"].as_str() else {
                assert!(status.starts_with(['2', '3']), "{method} {path} {status}");
                continue;
            };
            let name = reference.rsplit('/').next().unwrap();
            if let Some(failure) = failures.iter().find(|failure| failure.name == name) {
                assert_eq!(*status, failure.status.to_string(), "{method} {path} {name}");
            }
        }
    }
}

/// Every operation, with its path and method.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Calls `inspect` for every object.
fn visit(value: &Value, inspect: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            inspect(members);
            members.values().for_each(|member| visit(member, inspect));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| visit(entry, inspect)),
        _ => {}
    }
}
