//! What generators of clients cannot handle does not occur in the document, and what a client receives has bounds. The stage
//! `generated` makes such clients and runs them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use openapi::document;
use serde_json::{Map, Value, json};

#[test]
fn no_property_has_the_type_null_only() {
    visit(&document(), &mut |schema| {
        assert_ne!(schema.get("type"), Some(&json!("null")), "{schema:?}");
    });
}

#[test]
fn no_schema_has_the_name_of_a_constructor() {
    let document = document();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(!name.starts_with("New"), "{name}");
    }
}

#[test]
fn no_schema_has_a_keyword_that_generated_clients_fail_on() {
    visit(&document(), &mut |schema| {
        for keyword in ["discriminator", "uniqueItems", "anyOf"] {
            assert!(!schema.contains_key(keyword), "{keyword} in {schema:?}");
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            assert!(
                values
                    .iter()
                    .all(|value| value.as_str().is_some_and(|text| !text.is_empty())),
                "{values:?}"
            );
        }
    });
}

#[test]
fn delivery_types_have_one_schema() {
    let document = document();
    let mut lists = Vec::new();
    visit(&document, &mut |schema| {
        lists.extend(
            schema
                .get("enum")
                .filter(|values| **values == json!(["cloudwatch", "s3"]))
                .cloned(),
        );
    });
    assert_eq!(lists.len(), 1);
    let named = json!({ "$ref": "#/components/schemas/DeliveryType" });
    assert_eq!(document["components"]["parameters"]["type"]["schema"], named);
    for creation in ["CloudWatchCreation", "S3Creation"] {
        assert_eq!(
            document["components"]["schemas"][creation]["properties"]["type"]["$ref"],
            named["$ref"]
        );
    }
}

#[test]
fn configuration_in_a_response_requires_only_what_every_item_has() {
    let document = document();
    let stored = &document["components"]["schemas"]["DeliveryConfig"];
    assert_eq!(stored["required"], json!(["tenant_id", "type", "enabled"]));
    // What people write instead of a known type or a time is a text, too.
    for field in ["type", "created_at", "updated_at"] {
        assert_eq!(stored["properties"][field]["type"], "string");
        for keyword in ["enum", "const", "format", "pattern"] {
            assert!(stored["properties"][field].get(keyword).is_none(), "{field}: {keyword}");
        }
    }
}

#[test]
fn time_of_a_failure_has_no_format() {
    let document = document();
    for failure in ["Failure", "BrokenRules", "UnhealthyResponse"] {
        let timestamp = &document["components"]["schemas"][failure]["properties"]["timestamp"];
        assert_eq!(timestamp["type"], "string");
        assert!(timestamp.get("format").is_none(), "{failure}");
    }
}

#[test]
fn arrays_and_integers_of_responses_have_bounds() {
    let document = document();
    let mut bodies = Vec::new();
    visit(&document["paths"], &mut |object| {
        bodies.extend(object.get("responses").cloned());
    });
    bodies.push(document["components"]["responses"].clone());
    let mut schemas = BTreeSet::new();
    for body in &bodies {
        collect(&document, body, &mut schemas);
    }
    assert!(schemas.contains("#/components/schemas/DeliveryConfig"), "{schemas:?}");
    for reference in &schemas {
        let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        visit(schema, &mut |schema| match schema.get("type").and_then(Value::as_str) {
            Some("array") => assert!(schema.contains_key("maxItems"), "{reference}: {schema:?}"),
            Some("integer") => {
                for bound in ["minimum", "maximum"] {
                    assert!(schema.contains_key(bound), "{reference}: {schema:?}");
                }
            }
            _ => {}
        });
    }
}

/// Adds every schema that a value refers to, directly or through others.
fn collect(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
    let mut references = Vec::new();
    visit(value, &mut |object| {
        references.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
    });
    for reference in references.into_iter().filter(|name| name.contains("/schemas/")) {
        if found.insert(reference.clone()) {
            collect(
                document,
                document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
                found,
            );
        }
    }
}

/// Every failure that API Gateway can respond with in front of an operation is described, whether the operation needs a
/// signature or only the other methods of its URL do.
#[test]
fn every_operation_describes_the_responses_of_the_gateway() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for status in ["401", "403", "405", "413", "429", "504"] {
                assert!(
                    operation["responses"].get(status).is_some(),
                    "{method} {path}: {status}"
                );
            }
        }
    }
}

/// Calls `inspect` for every object.
fn visit(value: &Value, inspect: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            inspect(members);
            members.values().for_each(|member| visit(member, inspect));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| visit(entry, inspect)),
        _ => {}
    }
}
