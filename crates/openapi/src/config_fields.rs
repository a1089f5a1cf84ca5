//! The fields of a configuration in a create, in an update and in a response, with every rule that JSON Schema can
//! express. All of it derives from the specs of the domain: no field and no delivery type is described here.

use serde_json::{Map, Value, json};
use tenant_core::{DeliveryType, Field, FieldRole, FieldSpec, RETIRED_FIELDS, Shape};

/// The body of a create.
pub(crate) fn new_config(delivery_type: DeliveryType) -> Value {
    let properties: Map<_, _> = delivery_type
        .fields()
        .map(Field::spec)
        .map(|spec| {
            let schema = match spec.role {
                FieldRole::Managed => ignored(spec),
                _ if spec.is_required => rules(spec, delivery_type),
                _ => nullable(with_default(rules(spec, delivery_type), spec)),
            };
            (spec.field.name().to_owned(), schema)
        })
        .chain(foreign_fields(
            delivery_type,
            "Belongs to another type: `null` is ignored.",
        ))
        .chain(retired_fields())
        .collect();
    json!({
        "type": "object",
        "description": format!("A configuration of type `{delivery_type}` to create. {}", delivery_type.spec().description),
        "properties": properties,
        "required": required_fields(delivery_type),
        "additionalProperties": false,
    })
}

/// The body of an update. It has no defaults: an update that leaves a field out keeps its value.
pub(crate) fn changes(delivery_type: DeliveryType) -> Value {
    let properties: Map<_, _> = delivery_type
        .fields()
        .map(Field::spec)
        .map(|spec| {
            let schema = match spec.role {
                FieldRole::Managed => ignored(spec),
                FieldRole::Key => repeated_key(spec, delivery_type),
                FieldRole::Writable if spec.is_required => rules(spec, delivery_type),
                FieldRole::Writable => nullable(rules(spec, delivery_type)),
            };
            (spec.field.name().to_owned(), schema)
        })
        .chain(foreign_fields(
            delivery_type,
            "Belongs to another type: `null` removes it from a configuration that was written by hand.",
        ))
        .chain(retired_fields())
        .collect();
    json!({
        "type": "object",
        "description": format!("Changes of a configuration of type `{delivery_type}`."),
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": false,
    })
}

/// A configuration in a response. It can break the rules of a create, so the schema has the types alone.
pub(crate) fn stored_config(delivery_type: DeliveryType) -> Value {
    let properties: Map<_, _> = delivery_type
        .fields()
        .map(Field::spec)
        .map(|spec| {
            let mut schema = described(json_type(spec.shape, delivery_type), spec);
            if spec.role == FieldRole::Managed {
                schema["readOnly"] = true.into();
            }
            (spec.field.name().to_owned(), schema)
        })
        .collect();
    let mut required = required_fields(delivery_type);
    required.push(Field::Enabled.name());
    json!({
        "type": "object",
        "description": format!("A configuration of type `{delivery_type}`. {}", delivery_type.spec().description),
        "properties": properties,
        "required": required,
    })
}

/// Clients that write every field they know also send those of the other types, without a value.
fn foreign_fields(delivery_type: DeliveryType, description: &'static str) -> impl Iterator<Item = (String, Value)> {
    Field::ALL
        .into_iter()
        .filter(move |field| !field.applies_to(delivery_type))
        .map(move |field| {
            (
                field.name().to_owned(),
                json!({ "type": "null", "description": description }),
            )
        })
}

/// Clients of the service before this one still send them.
fn retired_fields() -> impl Iterator<Item = (String, Value)> {
    RETIRED_FIELDS.into_iter().map(|name| {
        let schema = json!({ "deprecated": true, "description": "Retired. A value in a request is ignored." });
        (name.to_owned(), schema)
    })
}

fn required_fields(delivery_type: DeliveryType) -> Vec<&'static str> {
    delivery_type
        .fields()
        .filter(|field| field.is_required())
        .map(Field::name)
        .collect()
}

/// The schema of a field in a request: its type, its description and what JSON Schema can express of its rules.
fn rules(spec: &FieldSpec, delivery_type: DeliveryType) -> Value {
    let mut schema = described(json_type(spec.shape, delivery_type), spec);
    match spec.shape {
        Shape::Text { pattern, max_chars } => {
            schema["pattern"] = pattern.into();
            if let Some(max_chars) = max_chars {
                schema["maxLength"] = max_chars.into();
            }
        }
        Shape::Names {
            pattern,
            max_chars,
            max_names,
        } => {
            schema["items"] = json!({ "type": "string", "minLength": 1, "maxLength": max_chars, "pattern": pattern });
            schema["minItems"] = 1.into();
            schema["maxItems"] = max_names.into();
            schema["uniqueItems"] = true.into();
        }
        Shape::UnixSeconds { below } => schema["exclusiveMaximum"] = below.into(),
        Shape::DeliveryType | Shape::Boolean | Shape::Time => {}
    }
    schema
}

/// The type without any rule.
fn json_type(shape: Shape, delivery_type: DeliveryType) -> Value {
    match shape {
        Shape::Text { .. } => json!({ "type": "string" }),
        Shape::DeliveryType => json!({ "type": "string", "const": delivery_type.as_str() }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Names { .. } => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::UnixSeconds { .. } => json!({ "type": "integer", "format": "int64" }),
        Shape::Time => json!({ "type": "string", "format": "date-time" }),
    }
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
fn repeated_key(spec: &FieldSpec, delivery_type: DeliveryType) -> Value {
    let mut schema = json!({
        "type": ["string", "null"],
        "description": format!("The `{}` of the URL, an empty text, or absent.", spec.field),
    });
    match spec.shape {
        Shape::DeliveryType => schema["enum"] = json!([delivery_type.as_str(), "", null]),
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
