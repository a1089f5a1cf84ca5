//! Checks responses against the published description of the API.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value, json};

use crate::harness::Response;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap());

/// The operation whose failures are used for those of a URL or a method that the description does not have.
const ANY: (&str, &str) = ("/api/v1/delivery-configs", "get");

/// What the description leaves to HTTP and CORS.
const UNDESCRIBED_HEADERS: [&str; 9] = [
    "strict-transport-security",
    "x-content-type-options",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "content-type",
    "vary",
];

/// Which configurations a response can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Configurations {
    /// Those that the service has written.
    Valid,
    /// Some that were written into the table by hand, too. The description exempts them from its rules.
    WrittenByHand,
}

/// Fails unless the description of the operation has this response: its status, its headers and its body.
pub(crate) fn check(method: &str, path: &str, response: &Response, configurations: Configurations) {
    if response.headers.contains_key("access-control-allow-methods") {
        return; // A preflight is CORS, and no operation.
    }
    let request = format!("{method} {path}");
    let described = find_response(method, path, response.status)
        .unwrap_or_else(|| panic!("the description of {request} has no {}", response.status));
    check_headers(&request, described, &response.headers);
    match described.pointer("/content/application~1json/schema") {
        Some(schema) if method != "HEAD" => validate(&request, schema, &response.body, configurations),
        Some(_) => assert!(response.body.is_null()),
        None => assert!(response.body.is_null(), "{request} has an undescribed body"),
    }
}

/// An operation of the description.
pub(crate) struct Operation {
    pub(crate) method: String,
    /// With names in braces.
    pub(crate) path: &'static str,
    /// The names of its parameters in the query, in alphabetical order.
    pub(crate) query: Vec<&'static str>,
    /// Whether everyone may call it.
    pub(crate) is_open: bool,
}

pub(crate) fn operations() -> impl Iterator<Item = Operation> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, operation)| {
            let parameters = operation["parameters"].as_array().into_iter().flatten().map(resolve);
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            let mut query: Vec<_> = query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            query.sort_unstable();
            Operation {
                method: method.to_uppercase(),
                path,
                query,
                is_open: operation["security"] == json!([]),
            }
        })
    })
}

fn find_response(method: &str, path: &str, status: u16) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let item = paths.iter().find(|(template, _)| is_match(template, path));
    let method = if method == "HEAD" { "GET" } else { method };
    let operation = item.and_then(|(_, item)| item.get(method.to_lowercase()).filter(|_| is_upper_case(method)));
    let operation = operation.unwrap_or_else(|| {
        assert!(status >= 400, "an undescribed operation succeeds: {method} {path}");
        &paths[ANY.0][ANY.1]
    });
    operation["responses"].get(status.to_string()).map(resolve)
}

/// Methods are case-sensitive: RFC 9110, section 9.1.
fn is_upper_case(method: &str) -> bool {
    method.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_match(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(name), Some(segment)) if name == segment || (name.starts_with('{') && !segment.is_empty()) => {}
            _ => return false,
        }
    }
}

fn resolve(value: &'static Value) -> &'static Value {
    value["$ref"].as_str().map_or(value, |reference| {
        DOCUMENT.pointer(reference.strip_prefix('#').unwrap()).unwrap()
    })
}

fn check_headers(request: &str, response: &'static Value, headers: &BTreeMap<String, String>) {
    let described: BTreeMap<String, &Value> = response["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, header)| (name.to_lowercase(), resolve(header)))
        .collect();
    for (name, value) in headers {
        if UNDESCRIBED_HEADERS.contains(&name.as_str()) {
            continue;
        }
        let header = described
            .get(name)
            .unwrap_or_else(|| panic!("the description of {request} has no header {name}"));
        let is_number = header["schema"]["type"] == "integer";
        let value = if is_number {
            serde_json::from_str(value).unwrap()
        } else {
            json!(value)
        };
        validate(request, &header["schema"], &value, Configurations::Valid);
    }
    for (name, header) in described {
        assert!(
            header["required"] != true || headers.contains_key(&name),
            "{request}: the response has no {name}"
        );
    }
}

pub(crate) fn validate(request: &str, schema: &Value, instance: &Value, configurations: Configurations) {
    let mut schema = schema.clone();
    schema["components"] = json!({ "schemas": DOCUMENT["components"]["schemas"] });
    if configurations == Configurations::WrittenByHand {
        schema["components"]["schemas"]["DeliveryConfig"] = json!({ "type": "object" });
    }
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let errors: Vec<_> = validator
        .iter_errors(instance)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{request}: {errors:?} in {instance:#}");
}

#[test]
fn body_that_breaks_its_schema_is_found() {
    let schema = json!({ "$ref": "#/components/schemas/Failure" });
    let instance = json!({ "timestamp": "2024-01-15T10:30:00Z", "status": "success", "error": "It failed." });
    let check = || validate("a test", &schema, &instance, Configurations::Valid);
    assert!(std::panic::catch_unwind(check).is_err());
}

#[test]
fn undescribed_status_is_found() {
    assert!(find_response("GET", "/api/v1/tenants/acme/delivery-configs", 200).is_some());
    assert!(find_response("GET", "/api/v1/tenants/acme/delivery-configs", 409).is_none());
    assert!(find_response("POST", "/api/v1/tenants/acme/delivery-configs", 409).is_some());
}
