//! Attributes in DynamoDB's JSON: `{"S": "text"}`, `{"N": "1"}`, `{"SS": ["a"]}`.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

/// The JSON form of a number. A number that a double cannot hold has the form of DynamoDB's own JSON: `{"N":
/// "1E+100"}`. So no two numbers are shown as the same one.
#[must_use]
pub fn number_value(number: &str) -> Value {
    let exact = number
        .parse::<i64>()
        .map(Number::from)
        .ok()
        .or_else(|| number.parse().ok().and_then(Number::from_f64))
        .filter(|exact| exact.to_string() == number);
    exact.map_or_else(|| json!({ "N": number }), Value::Number)
}

/// The JSON form of an attribute for people and clients, as the store shows the attributes of an item.
pub(super) fn plain(attribute: &Value) -> Value {
    let Some((kind, value)) = member(attribute) else {
        return json!({});
    };
    match (kind, value) {
        ("S", Value::String(_)) | ("BOOL", Value::Bool(_)) => value.clone(),
        ("N", Value::String(number)) => number_value(number),
        ("B", Value::String(_)) => json!({ "B": value }),
        ("NULL", _) => Value::Null,
        ("SS", Value::Array(texts)) => texts.clone().into(),
        ("NS", Value::Array(numbers)) => plain_elements(numbers, "N"),
        ("BS", Value::Array(blobs)) => plain_elements(blobs, "B"),
        ("L", Value::Array(values)) => values.iter().map(plain).collect(),
        ("M", Value::Object(members)) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            sorted
                .into_iter()
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        }
        // A type that DynamoDB may get one day.
        _ => json!({}),
    }
}

/// The text of a string attribute.
pub(super) fn text(attribute: &Value) -> Option<&str> {
    attribute.get("S")?.as_str()
}

/// The members of a map attribute.
pub(super) fn members(attribute: &Value) -> Option<&Map<String, Value>> {
    attribute.get("M")?.as_object()
}

/// Sorts the elements of every set: their order means nothing, so two equal attributes are equal values afterwards.
pub(super) fn sort_sets(attribute: &mut Value) {
    let Value::Object(typed) = attribute else { return };
    for (kind, value) in typed {
        match (kind.as_str(), value) {
            ("SS" | "NS" | "BS", Value::Array(elements)) => {
                elements.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            }
            ("L", Value::Array(values)) => values.iter_mut().for_each(sort_sets),
            ("M", Value::Object(members)) => members.values_mut().for_each(sort_sets),
            _ => {}
        }
    }
}

fn member(attribute: &Value) -> Option<(&str, &Value)> {
    let mut members = attribute.as_object()?.iter();
    let (kind, value) = members.next()?;
    members.next().is_none().then_some((kind.as_str(), value))
}

fn plain_elements(elements: &[Value], kind: &str) -> Value {
    elements
        .iter()
        .map(|element| plain(&json!({ kind: element })))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_plain_form() {
        for (attribute, expected) in [
            (json!({"S": "a"}), json!("a")),
            (json!({"N": "-7"}), json!(-7)),
            (json!({"N": "0.1"}), json!(0.1)),
            (json!({"N": "1E+100"}), json!({"N": "1E+100"})),
            (json!({"BOOL": true}), json!(true)),
            (json!({"NULL": true}), json!(null)),
            (json!({"B": "AQI="}), json!({"B": "AQI="})),
            (json!({"SS": ["a", "b"]}), json!(["a", "b"])),
            (json!({"NS": ["1.5", "2"]}), json!([1.5, 2])),
            (json!({"BS": ["AQ=="]}), json!([{"B": "AQ=="}])),
            (json!({"L": [{"S": ""}, {"NULL": true}]}), json!(["", null])),
            (json!({"M": {"\n": {"N": "1"}}}), json!({"\n": 1})),
            (json!({"X": "a"}), json!({})),
            (json!({"S": 1}), json!({})),
            (json!({"S": "a", "N": "1"}), json!({})),
            (json!({}), json!({})),
            (json!("a"), json!({})),
        ] {
            assert_eq!(plain(&attribute), expected, "{attribute}");
        }
    }

    #[test]
    fn order_of_a_set_has_no_meaning_and_that_of_a_list_has() {
        let sorted = |mut attribute: Value| {
            sort_sets(&mut attribute);
            attribute
        };
        let nested = |elements: [&str; 2]| json!({"M": {"a": {"L": [{"SS": elements}]}}});
        assert_eq!(sorted(nested(["b", "a"])), nested(["a", "b"]));
        assert_eq!(sorted(json!({"NS": ["2", "1"]})), json!({"NS": ["1", "2"]}));
        let list = json!({"L": [{"S": "b"}, {"S": "a"}]});
        assert_eq!(sorted(list.clone()), list);
    }
}
