//! The headers that a signature is made of.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess},
};

use super::Text;

/// A header that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// `Authorization`, with the signature.
    Authorization,
    /// `X-API-Timestamp`, with the moment of signing.
    Timestamp,
    /// `X-Body-SHA256`, with the digest of the body.
    BodyDigest,
}

/// What was sent of one header.
#[derive(Default)]
pub(crate) enum HeaderValue<'a> {
    /// Nothing.
    #[default]
    Absent,
    /// One value.
    Once(Text<'a>),
    /// More than one; which they are does not matter.
    Repeated,
}

/// The headers of one of the event's two maps, names in any case. All others are skipped.
#[derive(Default)]
pub(crate) struct SignedHeaders<'a> {
    authorization: HeaderValue<'a>,
    timestamp: HeaderValue<'a>,
    body_digest: HeaderValue<'a>,
}

impl Header {
    fn with_name(name: &str) -> Option<Self> {
        [
            ("authorization", Self::Authorization),
            ("x-api-timestamp", Self::Timestamp),
            ("x-body-sha256", Self::BodyDigest),
        ]
        .into_iter()
        .find_map(|(known, header)| name.eq_ignore_ascii_case(known).then_some(header))
    }
}

impl HeaderValue<'_> {
    /// What was sent, if both were.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Absent, value) | (value, Self::Absent) => value,
            _ => Self::Repeated,
        }
    }
}

impl<'a> SignedHeaders<'a> {
    pub(crate) fn get(&self, header: Header) -> &HeaderValue<'a> {
        match header {
            Header::Authorization => &self.authorization,
            Header::Timestamp => &self.timestamp,
            Header::BodyDigest => &self.body_digest,
        }
    }

    fn get_mut(&mut self, header: Header) -> &mut HeaderValue<'a> {
        match header {
            Header::Authorization => &mut self.authorization,
            Header::Timestamp => &mut self.timestamp,
            Header::BodyDigest => &mut self.body_digest,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SignedHeaders<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> de::Visitor<'de> for HeadersVisitor {
    type Value = SignedHeaders<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SignedHeaders<'de>, A::Error> {
        let mut headers = SignedHeaders::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            if let Some(header) = Header::with_name(name.as_str()) {
                let seen = headers.get_mut(header);
                *seen = std::mem::take(seen).and(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(headers)
    }
}

/// One string in `headers`, a list in `multiValueHeaders`, `null` for none.
impl<'de: 'a, 'a> Deserialize<'de> for HeaderValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> de::Visitor<'de> for ValueVisitor {
    type Value = HeaderValue<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a list of strings")
    }

    fn visit_unit<E: de::Error>(self) -> Result<HeaderValue<'de>, E> {
        Ok(HeaderValue::Absent)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<HeaderValue<'de>, E> {
        Ok(HeaderValue::Once(Text::borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HeaderValue<'de>, E> {
        Ok(HeaderValue::Once(Text::owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<HeaderValue<'de>, A::Error> {
        let mut seen = HeaderValue::Absent;
        while let Some(value) = list.next_element()? {
            seen = seen.and(HeaderValue::Once(value));
        }
        Ok(seen)
    }
}
