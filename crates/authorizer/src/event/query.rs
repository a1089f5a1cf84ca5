//! The query, as API Gateway decoded it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess},
};
use tenant_core::signature::MAX_QUERY_PAIRS;

use super::Text;

/// The pairs of `multiValueQueryStringParameters`, in the event's order.
///
/// One more than the scheme allows are kept, so that too many are seen to be too many; the rest is skipped.
pub(super) struct QueryPairs<'a>(Vec<(Text<'a>, Text<'a>)>);

/// What is read of `queryStringParameters`: the names.
pub(super) struct SingleQuery<'a>(Vec<Text<'a>>);

impl<'a> QueryPairs<'a> {
    pub(super) fn as_slice(&self) -> &[(Text<'a>, Text<'a>)] {
        &self.0
    }
}

impl SingleQuery<'_> {
    /// Whether a name is in none of the pairs.
    pub(super) fn has_more_names_than(&self, pairs: &[(Text<'_>, Text<'_>)]) -> bool {
        // Of too many pairs not all were kept. The request is refused for their number.
        pairs.len() <= MAX_QUERY_PAIRS
            && self
                .0
                .iter()
                .any(|name| pairs.iter().all(|(listed, _)| listed.as_str() != name.as_str()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for QueryPairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SingleQuery<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SingleVisitor)
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
        while pairs.len() <= MAX_QUERY_PAIRS {
            let Some((name, values)) = map.next_entry::<Text<'de>, Vec<Text<'de>>>()? else {
                return Ok(QueryPairs(pairs));
            };
            if values.is_empty() {
                return Err(de::Error::custom("a parameter without values"));
            }
            pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(QueryPairs(pairs))
    }
}

struct SingleVisitor;

impl<'de> de::Visitor<'de> for SingleVisitor {
    type Value = SingleQuery<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of names to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SingleQuery<'de>, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<Text<'de>, IgnoredAny>()? {
            names.push(name);
        }
        Ok(SingleQuery(names))
    }
}
