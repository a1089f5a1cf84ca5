//! Expressions of DynamoDB, built with placeholders: `ttl` and `type` are reserved words there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use tenant_core::Contradiction;

use crate::{
    item::{Item, expired_ttls, number, text},
    json::max_object_bytes,
};

/// Names and values behind the placeholders of one request's expressions.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    names: Names,
    values: Values,
}

type Names = HashMap<String, String>;
type Values = HashMap<String, AttributeValue>;

impl Placeholders {
    /// `None` instead of an empty map, which DynamoDB rejects.
    pub(crate) fn into_maps(self) -> (Option<Names>, Option<Values>) {
        (
            (!self.names.is_empty()).then_some(self.names),
            (!self.values.is_empty()).then_some(self.values),
        )
    }

    /// A bound for the size of the values in a request.
    pub(crate) fn max_bytes(&self) -> usize {
        max_object_bytes(&self.values)
    }

    /// The placeholder of an attribute's name.
    pub(crate) fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.entry(placeholder.clone()).or_insert_with(|| name.to_owned());
        placeholder
    }

    /// The placeholder of a name that cannot be one itself, such as that of a member of a map. The label must be unique within
    /// the request.
    pub(crate) fn alias(&mut self, label: &str, name: &str) -> String {
        let placeholder = format!("#{label}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    /// The placeholder of a value. The label must be unique within the request.
    pub(crate) fn value(&mut self, label: &str, value: AttributeValue) -> String {
        let placeholder = format!(":{label}");
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// "The attribute has this value".
    pub(crate) fn equals(&mut self, name: &str, value: AttributeValue) -> String {
        let value = self.value(&format!("is_{name}"), value);
        format!("{} = {value}", self.name(name))
    }

    /// "The attribute does not have this value, or is absent".
    pub(crate) fn differs(&mut self, name: &str, value: AttributeValue) -> String {
        let value = self.value(&format!("not_{name}"), value);
        format!("NOT ({} = {value})", self.name(name))
    }

    /// "The attribute is a text that begins with a visible ASCII character".
    pub(crate) fn begins_visibly(&mut self, name: &str) -> String {
        let (first, after_last) = (
            self.value("first_visible", text("!")),
            self.value("after_visible", text("\u{7f}")),
        );
        format!("({} BETWEEN {first} AND {after_last})", self.name(name))
    }

    /// "The item exists", by an attribute of its key.
    pub(crate) fn exists(&mut self, key: &str) -> String {
        format!("attribute_exists({})", self.name(key))
    }

    /// "The attribute is absent".
    pub(crate) fn is_absent(&mut self, name: &str) -> String {
        format!("attribute_not_exists({})", self.name(name))
    }

    /// "The attribute is absent, or has this value".
    pub(crate) fn is_absent_or(&mut self, name: &str, value: AttributeValue) -> String {
        format!("({} OR {})", self.is_absent(name), self.equals(name, value))
    }

    /// "The item has not expired". A comparison with another type than a number, or with an absent attribute, is false,
    /// so an item without a proper time to live has not.
    pub(crate) fn is_alive(&mut self, ttl_attribute: &str, now: DateTime<Utc>) -> String {
        format!("NOT ({})", self.is_expired(ttl_attribute, now))
    }

    /// "There is no such item, or only an expired one".
    pub(crate) fn is_free(&mut self, key: &str, ttl_attribute: &str, now: DateTime<Utc>) -> String {
        let key = self.name(key);
        format!(
            "attribute_not_exists({key}) OR ({})",
            self.is_expired(ttl_attribute, now)
        )
    }

    /// "These attributes are as they were in `read`", absent ones included. If the key is among them, this includes that
    /// the item exists.
    pub(crate) fn is_unchanged<'a>(&mut self, read: &Item, attributes: impl IntoIterator<Item = &'a str>) -> String {
        let conditions: Vec<_> = attributes
            .into_iter()
            .map(|name| match read.get(name) {
                Some(value) => self.equals(name, value.clone()),
                None => self.is_absent(name),
            })
            .collect();
        conditions.join(" AND ")
    }

    /// "The attribute is not a text that contradicts".
    pub(crate) fn contradicts_nothing(&mut self, name: &str, contradictions: &[Contradiction]) -> String {
        let mut labels = 0..;
        let mut begins_with = |beginning: &str| {
            let label = format!("{name}_{}", labels.next().unwrap_or_default());
            let value = self.value(&label, AttributeValue::S(beginning.to_owned()));
            format!("begins_with({}, {value})", self.name(name))
        };
        let terms: Vec<_> = contradictions
            .iter()
            .map(|contradiction| {
                let mut term = begins_with(&contradiction.beginning);
                for unless in &contradiction.unless {
                    term = format!("{term} AND NOT {}", begins_with(unless));
                }
                format!("({term})")
            })
            .collect();
        format!("NOT ({})", terms.join(" OR "))
    }

    /// Without parentheses around it: DynamoDB rejects redundant ones.
    fn is_expired(&mut self, ttl_attribute: &str, now: DateTime<Utc>) -> String {
        let (from, below) = expired_ttls(now);
        let (from, below) = (
            self.value("expired_from", number(from)),
            self.value("alive", number(below)),
        );
        let ttl = self.name(ttl_attribute);
        format!("{ttl} >= {from} AND {ttl} < {below}")
    }
}
