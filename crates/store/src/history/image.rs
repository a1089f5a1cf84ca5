//! Between images and the SDK's attributes.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tenant_core::history::Image;

use crate::item::Item;

/// The item as a record of the stream would have it.
pub(super) fn image(item: &Item) -> Image {
    Image::new(item.iter().map(|(name, value)| (name.clone(), dynamodb_json(value))))
}

fn dynamodb_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(bytes) => json!({ "B": BASE64_STANDARD.encode(bytes) }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::Null(value) => json!({ "NULL": value }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(blobs) => {
            let blobs: Vec<_> = blobs.iter().map(|blob| BASE64_STANDARD.encode(blob)).collect();
            json!({ "BS": blobs })
        }
        AttributeValue::L(values) => json!({ "L": values.iter().map(dynamodb_json).collect::<Vec<_>>() }),
        AttributeValue::M(members) => {
            let members: Value = members
                .iter()
                .map(|(name, value)| (name.clone(), dynamodb_json(value)))
                .collect();
            json!({ "M": members })
        }
        // A type that DynamoDB may get one day and that this SDK cannot read.
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use tenant_core::StoredConfig;

    use super::*;
    use crate::{
        item::{number, text},
        json::json_value,
    };

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn every_type() -> Vec<AttributeValue> {
        let flat = vec![
            text("a\"\u{1}\u{e9}"),
            text(""),
            number(-7),
            AttributeValue::N("0.1".to_owned()),
            AttributeValue::N("1E+100".to_owned()),
            AttributeValue::N("9223372036854775809".to_owned()),
            AttributeValue::Bool(true),
            AttributeValue::Bool(false),
            AttributeValue::Null(true),
            AttributeValue::B(Blob::new([1, 2])),
            AttributeValue::Ss(strings(&["b", "a"])),
            AttributeValue::Ns(strings(&["2", "1.5"])),
            AttributeValue::Bs(vec![Blob::new([1]), Blob::new([2])]),
        ];
        let members = flat.iter().enumerate().map(|(n, value)| (n.to_string(), value.clone()));
        let (list, map) = (AttributeValue::L(flat.clone()), AttributeValue::M(members.collect()));
        flat.into_iter().chain([list, map]).collect()
    }

    /// The same item is the same configuration, whether it was read from the table or from the history.
    #[test]
    fn image_shows_what_the_table_shows() {
        for value in every_type() {
            let item = Item::from([("bucket_name".to_owned(), value.clone()), ("version".to_owned(), value)]);
            let image = image(&item);
            let shown = item.into_iter().map(|(name, value)| (name, json_value(value)));
            assert_eq!(image.config(), StoredConfig::from_attributes(shown));
        }
    }

    #[test]
    fn image_is_what_the_stream_has() {
        let item = Item::from([
            ("b".to_owned(), AttributeValue::B(Blob::new([1, 2]))),
            (
                "m".to_owned(),
                AttributeValue::M(Item::from([("s".to_owned(), AttributeValue::Ss(strings(&["b", "a"])))])),
            ),
            ("n".to_owned(), AttributeValue::Null(true)),
        ]);
        let record = json!({"b": {"B": "AQI="}, "m": {"M": {"s": {"SS": ["b", "a"]}}}, "n": {"NULL": true}});
        assert_eq!(Some(image(&item)), Image::from_json(record));
    }
}
