//! Attributes as JSON, for people and clients to read.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tenant_core::history::number_value;

/// The JSON form of an attribute; that of a set is a sorted array, and the members of a map are sorted, too.
///
/// A value without an exact JSON form (bytes, and numbers that a double cannot hold) has the form of DynamoDB's own JSON:
/// `{"N": "1E+100"}`. So two numbers are never shown as the same one, and nobody can send such a value back as a text or a
/// number that would be stored.
pub(crate) fn json_value(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => text.into(),
        AttributeValue::N(number) => number_value(&number),
        AttributeValue::B(bytes) => blob_value(bytes.as_ref()),
        AttributeValue::Bool(value) => value.into(),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Ss(texts) => sorted(texts).into_iter().map(Value::from).collect(),
        AttributeValue::Ns(numbers) => sorted(numbers).iter().map(|number| number_value(number)).collect(),
        AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob_value(blob.as_ref())).collect(),
        AttributeValue::L(values) => values.into_iter().map(json_value).collect(),
        AttributeValue::M(members) => BTreeMap::from_iter(members)
            .into_iter()
            .map(|(name, value)| (name, json_value(value)))
            .collect(),
        // A type that DynamoDB may get one day and that this SDK cannot read.
        _ => json!({}),
    }
}

/// A bound for the length of the JSON form of an attribute, without making it.
pub(crate) fn max_json_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text_bytes(text),
        AttributeValue::N(number) => number_bytes(number),
        AttributeValue::B(bytes) => blob_bytes(bytes.as_ref()),
        AttributeValue::Ss(texts) => list_bytes(texts, |text| text_bytes(text)),
        AttributeValue::Ns(numbers) => list_bytes(numbers, |number| number_bytes(number)),
        AttributeValue::Bs(blobs) => list_bytes(blobs, |blob| blob_bytes(blob.as_ref())),
        AttributeValue::L(values) => list_bytes(values, max_json_bytes),
        AttributeValue::M(members) => max_object_bytes(members),
        // A Boolean or null.
        _ => "false".len(),
    }
}

/// The same bound for an object with these members, such as a whole item.
pub(crate) fn max_object_bytes(members: &HashMap<String, AttributeValue>) -> usize {
    let bytes = members
        .iter()
        .map(|(name, value)| text_bytes(name) + max_json_bytes(value) + ":,".len());
    bytes.sum::<usize>() + "{}".len()
}

fn blob_value(bytes: &[u8]) -> Value {
    json!({ "B": BASE64_STANDARD.encode(bytes) })
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts
}

/// A control character becomes six bytes (`\u0001`); any other byte at most two.
fn text_bytes(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    });
    escaped.sum::<usize>() + "\"\"".len()
}

fn number_bytes(number: &str) -> usize {
    number.len() + r#"{"N":""}"#.len()
}

fn blob_bytes(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4 + r#"{"B":""}"#.len()
}

fn list_bytes<T>(values: &[T], bytes: impl Fn(&T) -> usize) -> usize {
    values.iter().map(|value| bytes(value) + ",".len()).sum::<usize>() + "[]".len()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;
    use crate::item::{Item, number, text};

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn every_type_has_a_form_within_the_bound() {
        for (value, expected) in [
            (text("a\"\u{1}\u{e9}"), json!("a\"\u{1}\u{e9}")),
            (number(-7), json!(-7)),
            (AttributeValue::N("0.1".to_owned()), json!(0.1)),
            (AttributeValue::Bool(true), json!(true)),
            (AttributeValue::Bool(false), json!(false)),
            (AttributeValue::Null(true), json!(null)),
            (AttributeValue::B(Blob::new([1, 2])), json!({"B": "AQI="})),
            (AttributeValue::Ss(strings(&["b", "a"])), json!(["a", "b"])),
            (AttributeValue::Ns(strings(&["2", "1.5"])), json!([1.5, 2])),
            (AttributeValue::Bs(vec![Blob::new([1])]), json!([{"B": "AQ=="}])),
            (
                AttributeValue::L(vec![text(""), AttributeValue::Null(true)]),
                json!(["", null]),
            ),
            (
                AttributeValue::M(Item::from([("\n".to_owned(), number(1))])),
                json!({"\n": 1}),
            ),
        ] {
            let bound = max_json_bytes(&value);
            let shown = json_value(value);
            assert_eq!(shown, expected);
            assert!(shown.to_string().len() <= bound, "{shown}");
        }
    }

    #[test]
    fn number_that_json_would_change_has_the_form_of_dynamodb() {
        for number in [
            "1E+100",
            "1e100",
            "4102444800.0000000000000000000000000001",
            "99999999999999999999999999999999999999",
            "9223372036854775809",
            "-0",
            "007",
            "NaN",
            "",
        ] {
            let shown = json_value(AttributeValue::N(number.to_owned()));
            assert_eq!(shown, json!({ "N": number }));
        }
    }
}
