//! An item as a stream record has it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::attribute;
use crate::config::{Field, StoredConfig, VERSION_ATTRIBUTE};

/// The attributes of an item by name, in DynamoDB's JSON, whatever they are.
///
/// The JSON of an image is what `aws dynamodb put-item --item` takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Image(BTreeMap<String, Value>);

impl Image {
    /// An item with these attributes, each in DynamoDB's JSON.
    pub fn new(attributes: impl IntoIterator<Item = (String, Value)>) -> Self {
        let sorted = attributes.into_iter().map(|(name, mut value)| {
            attribute::sort_sets(&mut value);
            (name, value)
        });
        Self(sorted.collect())
    }

    /// Reads an object. `None` for any other JSON.
    #[must_use]
    pub fn from_json(json: Value) -> Option<Self> {
        match json {
            Value::Object(attributes) => Some(Self::new(attributes)),
            _ => None,
        }
    }

    /// The attribute, in DynamoDB's JSON.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The text of a string attribute.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(attribute::text)
    }

    /// Names and attributes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The item as a client sees it.
    #[must_use]
    pub fn config(&self) -> StoredConfig {
        let modelled = self.iter().filter(|(name, _)| is_modelled(name));
        StoredConfig::from_attributes(modelled.map(|(name, value)| (name, attribute::plain(value))))
    }

    /// The same item as far as the model knows it.
    #[must_use]
    pub fn modelled(&self) -> Self {
        let modelled = self.0.iter().filter(|(name, _)| is_modelled(name));
        Self(modelled.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Whether the two items have the same attributes except this one.
    pub(super) fn is_equal_without(&self, other: &Self, name: &str) -> bool {
        let one = self.0.iter().filter(|(found, _)| *found != name);
        one.eq(other.0.iter().filter(|(found, _)| *found != name))
    }

    /// Sets or removes attributes.
    pub(super) fn apply(&mut self, values: &BTreeMap<String, Option<Value>>) {
        for (name, value) in values {
            match value {
                Some(value) => self.0.insert(name.clone(), value.clone()),
                None => self.0.remove(name),
            };
        }
    }

    /// The attributes that must be set or removed to make this item from the other one.
    pub(super) fn difference_from(&self, other: &Self) -> BTreeMap<String, Option<Value>> {
        let changed = self.0.iter().filter(|(name, value)| other.0.get(*name) != Some(*value));
        let removed = other.0.keys().filter(|name| !self.0.contains_key(*name));
        changed
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .chain(removed.map(|name| (name.clone(), None)))
            .collect()
    }
}

impl From<Image> for Map<String, Value> {
    fn from(image: Image) -> Self {
        image.0.into_iter().collect()
    }
}

/// Whether clients see the attribute, or a version in it.
pub(super) fn is_modelled(name: &str) -> bool {
    name == VERSION_ATTRIBUTE || Field::from_name(name).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(json: Value) -> Image {
        Image::from_json(json).unwrap()
    }

    #[test]
    fn configuration_has_the_modelled_attributes_in_their_plain_form() {
        let image = image(json!({
            "tenant_id": {"S": "acme"}, "type": {"S": "s3"}, "ttl": {"N": "1700000000"}, "desired_logs": {"SS": ["b", "a"]},
            "version": {"S": "v1"}, "note": {"S": "by hand"}
        }));
        let config = image.config();
        assert_eq!(config.version(), Some("v1"));
        assert_eq!(
            serde_json::to_value(config).unwrap(),
            json!({"tenant_id": "acme", "type": "s3", "enabled": false, "desired_logs": ["a", "b"], "ttl": 1_700_000_000})
        );
        assert_eq!(image.modelled().get("note"), None);
        assert_eq!(image.modelled().config(), image.config());
    }

    #[test]
    fn difference_makes_one_item_from_the_other() {
        let one = image(json!({"a": {"S": "1"}, "b": {"S": "2"}, "c": {"NULL": true}}));
        let other = image(json!({"b": {"N": "2"}, "c": {"NULL": true}, "d": {"M": {}}}));
        let difference = one.difference_from(&other);
        let names: Vec<_> = difference.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "b", "d"]);
        let mut made = other.clone();
        made.apply(&difference);
        assert_eq!(made, one);
        assert_eq!(one.difference_from(&one), BTreeMap::new());
    }

    #[test]
    fn json_other_than_an_object_is_not_an_item() {
        for json in [json!(null), json!([]), json!("a"), json!(1)] {
            assert_eq!(Image::from_json(json), None);
        }
    }
}
