//! Entity tags over the content of items.

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest, Sha256};
use tenant_core::EntityTag;

use crate::item::Item;

/// A resource with the tag of the content that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged<T> {
    /// The resource.
    pub value: T,
    /// Changes with every change of the resource, through this service or by hand.
    pub tag: EntityTag,
}

/// The tag over these attributes of an item. It covers names, types and values as they are stored; the order of a set's
/// elements and of a map's members has no meaning and no effect.
pub(crate) fn entity_tag<'a>(item: &Item, attributes: impl IntoIterator<Item = &'a str>) -> EntityTag {
    let mut content = Vec::with_capacity(512);
    for name in attributes {
        if let Some(value) = item.get(name) {
            write_bytes(&mut content, name.as_bytes());
            write_value(&mut content, value);
        }
    }
    EntityTag::from_sha256(&Sha256::digest(&content).into())
}

/// Appends a type and a value. No two values give the same bytes: each part has its length or its count before it.
fn write_value(content: &mut Vec<u8>, value: &AttributeValue) {
    match value {
        AttributeValue::S(text) => write_typed(content, b'S', text.as_bytes()),
        AttributeValue::N(number) => write_typed(content, b'N', number.as_bytes()),
        AttributeValue::B(bytes) => write_typed(content, b'B', bytes.as_ref()),
        AttributeValue::Bool(value) => content.extend([b'T', u8::from(*value)]),
        AttributeValue::Null(_) => content.push(b'0'),
        AttributeValue::Ss(texts) => write_set(content, b's', texts.iter().map(String::as_bytes).collect()),
        AttributeValue::Ns(numbers) => write_set(content, b'n', numbers.iter().map(String::as_bytes).collect()),
        AttributeValue::Bs(blobs) => write_set(content, b'b', blobs.iter().map(AsRef::as_ref).collect()),
        AttributeValue::L(values) => {
            content.push(b'L');
            write_length(content, values.len());
            for value in values {
                write_value(content, value);
            }
        }
        AttributeValue::M(members) => {
            content.push(b'M');
            write_length(content, members.len());
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in members {
                write_bytes(content, name.as_bytes());
                write_value(content, value);
            }
        }
        // A type that DynamoDB may get one day and that this SDK cannot read.
        _ => content.push(b'?'),
    }
}

fn write_typed(content: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    content.push(kind);
    write_bytes(content, bytes);
}

fn write_set(content: &mut Vec<u8>, kind: u8, mut elements: Vec<&[u8]>) {
    elements.sort_unstable();
    content.push(kind);
    write_length(content, elements.len());
    for element in elements {
        write_bytes(content, element);
    }
}

fn write_bytes(content: &mut Vec<u8>, bytes: &[u8]) {
    write_length(content, bytes.len());
    content.extend_from_slice(bytes);
}

fn write_length(content: &mut Vec<u8>, length: usize) {
    content.extend((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;
    use crate::item::{number, text};

    fn tag_of(value: AttributeValue) -> String {
        let item = Item::from([("a".to_owned(), value), ("ignored".to_owned(), number(1))]);
        entity_tag(&item, ["a", "b"]).to_string()
    }

    #[test]
    fn values_that_differ_in_type_or_content_have_different_tags() {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let list = |texts: &[&str]| AttributeValue::L(texts.iter().map(|value| text(value)).collect());
        let map = |name: &str| AttributeValue::M(Item::from([(name.to_owned(), number(1))]));
        let values = [
            text(""),
            text("1"),
            number(1),
            AttributeValue::N("1.5".to_owned()),
            AttributeValue::B(Blob::new(*b"1")),
            AttributeValue::B(Blob::new(*b"2")),
            AttributeValue::Bool(true),
            AttributeValue::Bool(false),
            AttributeValue::Null(true),
            list(&["ab", "c"]),
            list(&["a", "bc"]),
            list(&["c", "ab"]),
            AttributeValue::Ss(strings(&["ab", "c"])),
            AttributeValue::Ss(strings(&["a", "bc"])),
            AttributeValue::Ns(strings(&["1", "2"])),
            AttributeValue::Bs(vec![Blob::new(*b"1"), Blob::new(*b"2")]),
            map("x"),
            map("y"),
        ];
        let tags: BTreeSet<_> = values.iter().map(|value| tag_of(value.clone())).collect();
        assert_eq!(tags.len(), values.len());
    }

    #[test]
    fn the_order_of_a_set_does_not_change_the_tag() {
        let set = |texts: [&str; 2]| AttributeValue::Ss(texts.map(str::to_owned).to_vec());
        assert_eq!(tag_of(set(["a", "b"])), tag_of(set(["b", "a"])));
        let blobs = |blobs: [&[u8]; 2]| AttributeValue::Bs(blobs.map(Blob::new).to_vec());
        assert_eq!(tag_of(blobs([b"a", b"b"])), tag_of(blobs([b"b", b"a"])));
    }

    #[test]
    fn only_the_named_attributes_count() {
        let one = Item::from([("a".to_owned(), number(1))]);
        let mut two = one.clone();
        two.insert("note".to_owned(), text("by hand"));
        assert_eq!(entity_tag(&one, ["a", "b"]), entity_tag(&two, ["a", "b"]));
        two.insert("b".to_owned(), text(""));
        assert_ne!(entity_tag(&one, ["a", "b"]), entity_tag(&two, ["a", "b"]));
    }
}
