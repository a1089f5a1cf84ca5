//! The schemas of bodies: those derived from the types of the api crate, and those made from the fields of each delivery
//! type.

use serde_json::{Map, Value, json};
use tenant_core::{DeliveryType, Field};

use crate::config_fields::{changes, new_config, stored_config};

const SCHEMAS: &str = "#/components/schemas/";
/// How the derived name of a generic body begins.
const GENERIC: &str = "Success_";

/// Puts the names and keywords of a derived document in the form that they have in this one: a body with a type in it is
/// named after that type, as in `DeliveryConfigResponse`, and a single value is a `const`.
pub(crate) fn rename(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| match (name.as_str(), member) {
                ("$ref", Value::String(reference)) => {
                    let renamed = match reference.strip_prefix(SCHEMAS) {
                        Some(name) => refer(&schema_name(name)),
                        None => reference,
                    };
                    (name, renamed.into())
                }
                // A link between items of the code has no meaning for a client.
                ("description", Value::String(text)) => (name, text.replace("[`", "`").replace("`]", "`").into()),
                ("enum", Value::Array(values)) if values.len() == 1 => ("const".to_owned(), values[0].clone()),
                (_, member) => (schema_name(&name), rename(member)),
            })
            .collect(),
        Value::Array(entries) => entries.into_iter().map(rename).collect(),
        scalar => scalar,
    }
}

fn schema_name(derived: &str) -> String {
    match derived.strip_prefix(GENERIC) {
        Some(content) => format!("{content}Response"),
        None => derived.to_owned(),
    }
}

fn refer(name: &str) -> String {
    format!("{SCHEMAS}{name}")
}

/// Every schema, by name.
pub(crate) fn schemas(derived: &Value) -> Value {
    let mut schemas = derived.as_object().unwrap().clone();
    refer_to_contents(&mut schemas);
    schemas.insert("GatewayFailure".to_owned(), gateway_failure(&derived["Failure"]));
    for delivery_type in DeliveryType::ALL {
        schemas.insert(new_config_name(delivery_type), new_config(delivery_type));
        schemas.insert(changes_name(delivery_type), changes(delivery_type));
        schemas.insert(stored_config_name(delivery_type), stored_config(delivery_type));
    }
    schemas.insert(
        "NewDeliveryConfig".to_owned(),
        union(new_config_name, "A configuration to create."),
    );
    schemas.insert(
        "DeliveryConfig".to_owned(),
        union(
            stored_config_name,
            "A configuration as it is stored. One that was written into the table by hand is shown unchanged, even if it breaks \
             these rules. `validate` reports which.",
        ),
    );
    schemas.insert(
        "DeliveryConfigChanges".to_owned(),
        json!({
            "description": "The changes. A field that is left out keeps its value. `null` removes an optional field or resets it to its \
                default. At least one field must change something. The type in the URL determines the shape.",
            "anyOf": references(changes_name),
        }),
    );
    schemas.into()
}

/// The type in a generic body is derived in place, as well as a schema of its name.
fn refer_to_contents(schemas: &mut Map<String, Value>) {
    let names: Vec<String> = schemas.keys().cloned().collect();
    for name in &names {
        if let Some(schema) = schemas.get_mut(&format!("{name}Response")) {
            schema["properties"]["data"] = json!({ "$ref": refer(name) });
        }
    }
}

/// API Gateway sends the members of a failure, but its own form of time.
fn gateway_failure(failure: &Value) -> Value {
    let mut schema = failure.clone();
    schema["description"] = "A request that the gateway rejected.".into();
    schema["properties"]["timestamp"] = json!({
        "type": "string",
        "description": "The time, in the form that API Gateway gives it: `15/Jan/2024:10:30:00 +0000`.",
    });
    schema
}

/// The schemas of all types, distinguished by `type`.
fn union(name: fn(DeliveryType) -> String, description: &str) -> Value {
    let mapping: Map<_, _> = DeliveryType::ALL
        .into_iter()
        .map(|delivery_type| (delivery_type.as_str().to_owned(), refer(&name(delivery_type)).into()))
        .collect();
    json!({
        "description": description,
        "oneOf": references(name),
        "discriminator": { "propertyName": Field::Type.name(), "mapping": mapping },
    })
}

fn references(name: fn(DeliveryType) -> String) -> Value {
    DeliveryType::ALL
        .into_iter()
        .map(|delivery_type| json!({ "$ref": refer(&name(delivery_type)) }))
        .collect()
}

fn new_config_name(delivery_type: DeliveryType) -> String {
    format!("New{}DeliveryConfig", delivery_type.spec().identifier)
}

fn changes_name(delivery_type: DeliveryType) -> String {
    format!("{}Changes", delivery_type.spec().identifier)
}

fn stored_config_name(delivery_type: DeliveryType) -> String {
    format!("{}DeliveryConfig", delivery_type.spec().identifier)
}
