//! The fields of a configuration in a create, in an update and in a response, with every rule that JSON Schema can
//! express. All of it derives from the specs of the domain: no field and no delivery type is described here.

use serde_json::{Map, Value, json};
use tenant_core::{DeliveryType, Field, FieldRole, FieldSpec, FieldTypes, RETIRED_FIELDS, Shape};

/// The body of a create of this type.
pub(crate) fn creation(delivery_type: DeliveryType) -> Value {
    let properties: Map<_, _> = delivery_type
        .fields()
        .map(Field::spec)
        .map(|spec| {
            let schema = match spec.role {
                FieldRole::Managed => ignored(spec),
                _ if spec.shape == Shape::DeliveryType => only_type(delivery_type),
                _ if spec.is_required => rules(spec),
                _ => nullable(with_default(rules(spec), spec)),
            };
            (spec.field.name().to_owned(), schema)
        })
        .chain(retired_fields())
        .collect();
    let required: Vec<_> = delivery_type
        .fields()
        .filter(|field| field.is_required())
        .map(Field::name)
        .collect();
    json!({
        "type": "object",
        "description": format!("A configuration of type `{delivery_type}` to create. {}", delivery_type.spec().description),
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The body of an update, for every type. It has no defaults: an update that leaves a field out keeps its value.
pub(crate) fn changes() -> Value {
    let properties: Map<_, _> = Field::ALL
        .into_iter()
        .map(Field::spec)
        .map(|spec| {
            let schema = match spec.role {
                FieldRole::Managed => ignored(spec),
                FieldRole::Key => repeated_key(spec),
                // `null` removes the field of another type from a configuration that was written by hand.
                FieldRole::Writable => nullable(of_types(rules(spec), spec)),
            };
            (spec.field.name().to_owned(), schema)
        })
        .chain(retired_fields())
        .collect();
    json!({
        "type": "object",
        "description": "The changes. A field that is left out keeps its value. `null` removes an optional field or resets it to its \
            default. At least one field must change something. The type in the URL determines which fields can have a value.",
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": false,
    })
}

/// A configuration of any type in a response. It can break the rules of a create, so the schema has the types alone, and
/// requires what every response has: a client that checks its input must be able to read a list with such a configuration.
pub(crate) fn stored_config() -> Value {
    let properties: Map<_, _> = Field::ALL
        .into_iter()
        .map(Field::spec)
        .map(|spec| {
            let mut schema = of_types(described(stored_type(spec.shape), spec), spec);
            if spec.role == FieldRole::Managed {
                schema["readOnly"] = true.into();
            }
            (spec.field.name().to_owned(), schema)
        })
        .collect();
    json!({
        "type": "object",
        "description": "A configuration as it is stored. One that was written into the table by hand is shown unchanged, even if it \
            breaks the rules of a create: a required field can be absent, the `type` unknown, or a time in another format. `validate` reports it.",
        "properties": properties,
        "required": ALWAYS_PRESENT.map(Field::name),
    })
}

/// Clients of the service before this one still send them.
fn retired_fields() -> impl Iterator<Item = (String, Value)> {
    RETIRED_FIELDS.into_iter().map(|name| {
        let schema = json!({ "deprecated": true, "description": "Retired. A value in a request is ignored." });
        (name.to_owned(), schema)
    })
}

/// The fields that every response with a configuration has.
const ALWAYS_PRESENT: [Field; 3] = [Field::TenantId, Field::Type, Field::Enabled];

/// The schema of a field in a request: its type, its description and what JSON Schema can express of its rules.
fn rules(spec: &FieldSpec) -> Value {
    let mut schema = described(json_type(spec.shape), spec);
    match spec.shape {
        Shape::Text { pattern, max_chars } => {
            schema["pattern"] = pattern.into();
            if let Some(max_chars) = max_chars {
                schema["maxLength"] = max_chars.into();
            }
        }
        // No `uniqueItems`: generated clients make a set of it, which some of them cannot send.
        Shape::Names {
            pattern,
            max_chars,
            max_names,
        } => {
            schema["items"] = json!({ "type": "string", "minLength": 1, "maxLength": max_chars, "pattern": pattern });
            schema["minItems"] = 1.into();
            schema["maxItems"] = max_names.into();
        }
        Shape::Map {
            key_pattern,
            pattern,
            max_members,
        } => {
            schema["propertyNames"] = json!({ "pattern": key_pattern });
            // `null` removes a member.
            schema["additionalProperties"] = json!({ "type": ["string", "null"], "pattern": pattern });
            schema["maxProperties"] = max_members.into();
        }
        Shape::UnixSeconds { below } => schema["exclusiveMaximum"] = below.into(),
        Shape::DeliveryType | Shape::Boolean | Shape::Time => {}
    }
    schema
}

/// The type without any rule.
fn json_type(shape: Shape) -> Value {
    match shape {
        Shape::Text { .. } | Shape::DeliveryType => json!({ "type": "string" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Names { .. } => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::Map { .. } => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Shape::UnixSeconds { .. } => json!({ "type": "integer", "format": "int64" }),
        Shape::Time => json!({ "type": "string", "format": "date-time" }),
    }
}

/// The type of a value that people may have written.
fn stored_type(shape: Shape) -> Value {
    match shape {
        // Not every such text is a time.
        Shape::Time => json!({ "type": "string" }),
        Shape::Names { .. } => json!({ "type": "array", "items": { "type": "string" }, "maxItems": MAX_STORED_NAMES }),
        Shape::UnixSeconds { .. } => {
            json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX })
        }
        other => json_type(other),
    }
}

/// An item of the table has at most 400 kB, and an entry of a list takes two bytes or more.
const MAX_STORED_NAMES: u32 = 204_800;

/// The type in a body that is for this type alone.
fn only_type(delivery_type: DeliveryType) -> Value {
    json!({ "$ref": "#/components/schemas/DeliveryType", "const": delivery_type.as_str() })
}

/// Says which types have the field, unless all do.
fn of_types(mut schema: Value, spec: &FieldSpec) -> Value {
    if let FieldTypes::Only(types) = spec.types {
        let types: Vec<_> = types.iter().map(|delivery_type| format!("`{delivery_type}`")).collect();
        schema["description"] = format!("{} Only for {}.", spec.description, types.join(" and ")).into();
    }
    schema
}

fn described(mut schema: Value, spec: &FieldSpec) -> Value {
    schema["description"] = spec.description.into();
    if let Some(example) = spec.example {
        schema["example"] = serde_json::from_str(example).unwrap();
    }
    schema
}

fn with_default(mut schema: Value, spec: &FieldSpec) -> Value {
    if let Some(default) = spec.default_value() {
        schema["default"] = json!(default.data());
    }
    schema
}

fn nullable(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// A client may send back what it read.
fn ignored(spec: &FieldSpec) -> Value {
    json!({
        "readOnly": true,
        "description": format!("`{}` is set by the service. A value in a request is ignored.", spec.field),
    })
}

/// A part of the key, which the URL of an update contains already.
fn repeated_key(spec: &FieldSpec) -> Value {
    let mut schema = json!({
        "type": ["string", "null"],
        "description": format!("The `{}` of the URL, an empty text, or absent.", spec.field),
    });
    match spec.shape {
        // An `enum` with an empty text in it has no name in most languages.
        Shape::DeliveryType => {}
        Shape::Text { pattern, .. } => schema["pattern"] = or_empty(pattern).into(),
        other => panic!("{} is part of the key and has the shape {other:?}", spec.field),
    }
    schema
}

/// A pattern that also allows the empty text.
fn or_empty(pattern: &str) -> String {
    format!("^(?:{})?$", without_anchors(pattern))
}

/// The part of a pattern between its anchors.
pub(crate) fn without_anchors(pattern: &str) -> &str {
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
    inner.unwrap_or_else(|| panic!("{pattern} does not describe a whole text"))
}

#[cfg(test)]
mod tests {
    use regress::Regex;
    use tenant_core::TenantId;

    use super::*;

    #[test]
    fn pattern_of_a_repeated_key_allows_the_empty_text_and_nothing_else_in_addition() {
        let strict = Regex::with_flags(TenantId::PATTERN, "u").unwrap();
        let lenient = Regex::with_flags(&or_empty(TenantId::PATTERN), "u").unwrap();
        let longest = "a".repeat(TenantId::MAX_CHARS);
        let too_long = "a".repeat(TenantId::MAX_CHARS + 1);
        for text in [
            "acme-corp",
            "a",
            "a b",
            "a.b",
            "\n",
            "acme\n",
            "\u{e9}",
            &longest,
            &too_long,
        ] {
            assert_eq!(lenient.find(text).is_some(), strict.find(text).is_some(), "{text:?}");
        }
        assert!(strict.find("").is_none());
        assert!(lenient.find("").is_some());
    }
}
