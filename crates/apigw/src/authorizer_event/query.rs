//! The query, as API Gateway decoded it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess},
};

use crate::Text;

/// The pairs of `multiValueQueryStringParameters`, in the event's order.
#[derive(Default)]
pub(super) struct QueryPairs<'a>(pub(super) Vec<(Text<'a>, Text<'a>)>);

/// The names of `queryStringParameters`; its values are not read.
#[derive(Default)]
pub(super) struct QueryNames<'a>(pub(super) Vec<Text<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for QueryPairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for QueryNames<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct PairsVisitor;

impl<'de> de::Visitor<'de> for PairsVisitor {
    type Value = QueryPairs<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of names to lists of values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<QueryPairs<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some((name, values)) = map.next_entry::<Text<'de>, Vec<Text<'de>>>()? {
            if values.is_empty() {
                return Err(de::Error::custom("a parameter without values"));
            }
            pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
        }
        Ok(QueryPairs(pairs))
    }
}

struct NamesVisitor;

impl<'de> de::Visitor<'de> for NamesVisitor {
    type Value = QueryNames<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of names to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<QueryNames<'de>, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<Text<'de>, IgnoredAny>()? {
            names.push(name);
        }
        Ok(QueryNames(names))
    }
}
