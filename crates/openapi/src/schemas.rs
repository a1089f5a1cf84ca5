//! The schemas of bodies: those derived from the types of the api crate, and those made from the fields of each delivery
//! type.

use serde_json::{Map, Value, json};
use tenant_core::{DeliveryType, Filter, PageLimit};

use crate::{
    batch,
    config_fields::{changes, creation, stored_config},
    parameters, webhooks,
};

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

/// Every schema, by name. No name begins with `New`: generators for Go give constructors such names.
pub(crate) fn schemas(derived: &Value) -> Value {
    let mut schemas = derived.as_object().unwrap().clone();
    refer_to_contents(&mut schemas);
    for delivery_type in DeliveryType::ALL {
        schemas.insert(creation_name(delivery_type), creation(delivery_type));
    }
    schemas.insert(
        "DeliveryConfigCreation".to_owned(),
        json!({ "description": "A configuration to create.", "oneOf": creations() }),
    );
    schemas.insert("DeliveryConfigChanges".to_owned(), changes());
    schemas.insert("DeliveryConfigSearch".to_owned(), search());
    schemas.insert("DeliveryConfig".to_owned(), stored_config());
    schemas.extend(batch::schemas());
    schemas.extend(webhooks::schemas());
    schemas.into()
}

/// The parameters of the list, as members of a body. `null` is the same as absent.
fn search() -> Value {
    json!({
        "type": "object",
        "description": "What is searched for. Every member is optional: without a filter, every configuration is found.",
        "properties": {
            "filter": { "type": ["string", "null"], "maxLength": Filter::MAX_CHARS, "description": parameters::FILTER },
            "limit": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": PageLimit::MAX,
                "default": PageLimit::default().get(),
                "description": parameters::LIMIT,
            },
            "last_key": {
                "type": ["string", "null"],
                "pattern": parameters::last_key_pattern(),
                "description": "The `last_key` of the previous page. If absent or empty, the first page.",
            },
        },
        "additionalProperties": false,
    })
}

/// No `discriminator`: the `const` of each `type` says the same, and generators fail on both.
fn creations() -> Value {
    DeliveryType::ALL
        .into_iter()
        .map(|delivery_type| json!({ "$ref": refer(&creation_name(delivery_type)) }))
        .collect()
}

fn creation_name(delivery_type: DeliveryType) -> String {
    format!("{}Creation", delivery_type.spec().identifier)
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
