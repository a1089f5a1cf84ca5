//! The selected headers of one of the event's two maps.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess},
};

use crate::Text;

/// Names the headers that are kept; all others are skipped.
pub trait HeaderSelection {
    /// The names, in lower case.
    const NAMES: &'static [&'static str];
}

/// The pairs of `headers` or `multiValueHeaders` that `S` selects, under the names of `S`.
pub(super) struct HeaderPairs<'a, S> {
    pairs: Vec<(&'static str, Text<'a>)>,
    selection: PhantomData<S>,
}

/// A string in `headers`, a list in `multiValueHeaders`, or `null`.
enum Values<'a> {
    None,
    One(Text<'a>),
    Many(Vec<Text<'a>>),
}

impl<S> Default for HeaderPairs<'_, S> {
    fn default() -> Self {
        Self {
            pairs: Vec::new(),
            selection: PhantomData,
        }
    }
}

impl<'a, S> HeaderPairs<'a, S> {
    pub(super) fn into_pairs(self) -> Vec<(&'static str, Text<'a>)> {
        self.pairs
    }
}

impl<'de: 'a, 'a, S: HeaderSelection> Deserialize<'de> for HeaderPairs<'a, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = deserializer.deserialize_map(PairsVisitor(S::NAMES))?;
        Ok(Self {
            pairs,
            selection: PhantomData,
        })
    }
}

struct PairsVisitor(&'static [&'static str]);

impl<'de> de::Visitor<'de> for PairsVisitor {
    type Value = Vec<(&'static str, Text<'de>)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            let mut selected = self.0.iter();
            let Some(&name) = selected.find(|selected| name.as_str().eq_ignore_ascii_case(selected)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            match map.next_value()? {
                Values::None => {}
                Values::One(value) => pairs.push((name, value)),
                Values::Many(values) => pairs.extend(values.into_iter().map(|value| (name, value))),
            }
        }
        Ok(pairs)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> de::Visitor<'de> for ValuesVisitor {
    type Value = Values<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a list of strings")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Values<'de>, E> {
        Ok(Values::None)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Values<'de>, E> {
        Ok(Values::One(Text::borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Values<'de>, E> {
        Ok(Values::One(Text::owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Values::Many(values))
    }
}
