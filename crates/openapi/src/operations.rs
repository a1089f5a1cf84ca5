//! The operations of the handlers, with what their attributes leave out: headers, links, examples and second routes.

use serde_json::{Map, Value, json};

use crate::{examples, parameters, responses, webhooks};

/// The body of a response that shows one configuration.
const CONFIG_RESPONSE: &str = "#/components/schemas/DeliveryConfigResponse";

/// The body of a response that shows revisions of one configuration.
const REVISIONS_RESPONSE: &str = "#/components/schemas/RevisionPageResponse";
const RESTORE: &str = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/history/{revision}/restore";
/// The operations whose success can be something else than the stored configuration.
const WITH_OPTIONAL_TAG: [&str; 2] = ["getDeliveryConfig", "restoreDeliveryConfig"];

/// Every path of the API.
pub(crate) fn paths(derived: &Value) -> Value {
    let mut paths = derived.as_object().unwrap().clone();
    for operation in paths
        .values_mut()
        .flat_map(|item| item.as_object_mut().unwrap().values_mut())
    {
        refer_to_parameters(operation);
        complete_successes(operation);
        let operation_id = operation["operationId"].clone();
        if let Some(body) = operation.get_mut("requestBody") {
            let is_optional = ["restoreDeliveryConfig", "rotateWebhookSecret"]
                .map(Value::from)
                .contains(&operation_id);
            body["required"] = (!is_optional).into();
        }
        if operation["security"] == json!([{}]) {
            operation["security"] = json!([]);
        }
    }
    let target = &mut paths["/api/v1/tenants/{tenant_id}/delivery-configs/{type}"];
    target["patch"] = patch(&target["put"]);
    let restore = &mut paths[RESTORE]["post"]["requestBody"]["content"];
    restore["application/merge-patch+json"] = restore["application/json"].clone();
    add_request_examples(&mut paths);
    webhooks::add_routes_of_tenants(&mut paths);
    for (path, operation_id) in [("/health", "getRootHealth"), ("/openapi.json", "getRootOpenApi")] {
        let mut item = paths[&format!("/api/v1{path}")].clone();
        item["get"]["operationId"] = operation_id.into();
        paths.insert(path.to_owned(), item);
    }
    paths.into()
}

/// The handlers name their parameters. The components describe them.
fn refer_to_parameters(operation: &mut Value) {
    let known = parameters::parameters();
    let is_of_deliveries = operation["operationId"] == "listWebhookDeliveries";
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        assert_eq!(parameter["in"], known[name]["in"], "{name}");
        let component = match name {
            "cursor" if is_of_deliveries => "delivery_cursor",
            name => name,
        };
        *parameter = json!({ "$ref": format!("#/components/parameters/{component}") });
    }
    if operation["parameters"].is_null() {
        operation.as_object_mut().unwrap().remove("parameters");
    }
}

/// The handlers name the headers of a success and the type of its body.
fn complete_successes(operation: &mut Value) {
    let operation_id = operation["operationId"].as_str().unwrap().to_owned();
    let responses = operation["responses"].as_object_mut().unwrap();
    for (status, response) in responses
        .iter_mut()
        .filter(|(_, response)| response.get("$ref").is_none())
    {
        let headers: Vec<String> = match &response["headers"] {
            Value::Object(headers) => headers.keys().cloned().collect(),
            _ => Vec::new(),
        };
        response["headers"] = responses::headers(headers.iter().map(String::as_str));
        if status == "200" && WITH_OPTIONAL_TAG.contains(&&*operation_id) {
            response["headers"]["ETag"] = json!({ "$ref": "#/components/headers/OptionalETag" });
        }
        let Some(content) = response.pointer_mut("/content/application~1json") else {
            continue;
        };
        let schema = content["schema"]["$ref"].as_str().unwrap_or_default().to_owned();
        if let Some(example) = examples::success(&schema, &operation_id) {
            content["example"] = example;
        }
        if schema == CONFIG_RESPONSE {
            response["links"] = links();
        }
        if schema == REVISIONS_RESPONSE {
            response["links"] = revision_links();
        }
    }
}

/// What a client can do with a configuration that it has received.
fn links() -> Value {
    let whole = json!({ "tenant_id": "$response.body#/data/tenant_id", "type": "$response.body#/data/type" });
    let mut guarded = whole.clone();
    guarded["If-Match"] = "$response.header.ETag".into();
    json!({
        "history": { "operationId": "listDeliveryConfigRevisions", "parameters": whole, "description": "Read what changed." },
        "read": { "operationId": "getDeliveryConfig", "parameters": whole, "description": "Read it." },
        "validate": { "operationId": "validateDeliveryConfig", "parameters": whole, "description": "Check it." },
        "put": { "operationId": "putDeliveryConfig", "parameters": guarded, "description": "Change it, if nobody else has." },
        "patch": { "operationId": "patchDeliveryConfig", "parameters": whole, "description": "Change it." },
        "delete": { "operationId": "deleteDeliveryConfig", "parameters": whole, "description": "Delete it." },
        "list": {
            "operationId": "listTenantDeliveryConfigs",
            "parameters": { "tenant_id": "$response.body#/data/tenant_id" },
            "description": "Read it among the others of its tenant.",
        },
    })
}

/// What a client can do with the first revision that it has received.
fn revision_links() -> Value {
    let first = |name: &str| format!("$response.body#/data/revisions/0/{name}");
    let revision = json!({ "tenant_id": first("tenant_id"), "type": first("type"), "revision": first("revision") });
    json!({
        "read": { "operationId": "getDeliveryConfigRevision", "parameters": revision, "description": "Read it." },
        "restore": { "operationId": "restoreDeliveryConfig", "parameters": revision, "description": "Restore it." },
    })
}

/// PUT and PATCH are one handler. A PATCH accepts one media type more.
fn patch(put: &Value) -> Value {
    let mut patch = put.clone();
    patch["operationId"] = "patchDeliveryConfig".into();
    patch["summary"] = "Change a configuration in part".into();
    patch["requestBody"]["content"]["application/merge-patch+json"] =
        patch["requestBody"]["content"]["application/json"].clone();
    patch
}

fn add_request_examples(paths: &mut Map<String, Value>) {
    let create = &mut paths["/api/v1/tenants/{tenant_id}/delivery-configs"]["post"]["requestBody"];
    create["content"]["application/json"]["examples"] = examples::creates();
    let search = &mut paths["/api/v1/delivery-configs/search"]["post"]["requestBody"];
    search["content"]["application/json"]["examples"] = examples::searches();
    let batch = &mut paths["/api/v1/delivery-configs/batch"]["post"]["requestBody"];
    batch["content"]["application/json"]["examples"] = examples::batches();
    for (rest, method, examples) in webhooks::request_examples() {
        let body = &mut paths[&format!("{}{rest}", webhooks::path())][method]["requestBody"];
        body["content"]["application/json"]["examples"] = examples;
    }
    let target = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}";
    for (path, method) in [(target, "put"), (target, "patch"), (RESTORE, "post")] {
        let body = &mut paths[path][method]["requestBody"];
        for content in body["content"].as_object_mut().unwrap().values_mut() {
            content["examples"] = examples::updates();
        }
    }
}
