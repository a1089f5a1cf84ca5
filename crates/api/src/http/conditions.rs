//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110, sections 8.8.3 and 13): how a client keeps itself from overwriting
//! what another one wrote.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponseParts, ResponseParts},
};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use tenant_store::Precondition;

use crate::http::rejection::PreconditionFailed;

/// The strong entity tag of a configuration: its version in quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ETag(pub(crate) u64);

impl IntoResponseParts for ETag {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let value = HeaderValue::try_from(format!("\"{}\"", self.0)).expect("digits in quotes are a header value");
        parts.headers_mut().insert(header::ETAG, value);
        Ok(parts)
    }
}

/// Entity tags in one header at most. Nobody holds a hundred versions, and the store's conditions are of bounded length.
const MAX_TAGS: usize = 100;

/// A condition that is no list of entity tags. A client that forgets the quotes must not lose its protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} must be * or a comma-separated list of up to {MAX_TAGS} entity tags in double quotes, such as \"3\"")]
pub(crate) struct InvalidCondition(pub(crate) &'static str);

/// The preconditions of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// What a read answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The client does not have this version.
    Modified,
    /// It does: 304.
    NotModified,
}

impl Conditions {
    /// Holds a read against the version that is there.
    pub(crate) fn check_read(&self, version: u64) -> Result<Freshness, PreconditionFailed> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.match_strongly(version)) {
            return Err(PreconditionFailed::VersionMismatch);
        }
        let is_known = self
            .if_none_match
            .as_ref()
            .is_some_and(|tags| tags.match_weakly(version));
        Ok(if is_known {
            Freshness::NotModified
        } else {
            Freshness::Modified
        })
    }

    /// Holds a write against the version that is there.
    pub(crate) fn check_write(&self, version: u64) -> Result<(), PreconditionFailed> {
        match self.check_read(version)? {
            Freshness::Modified => Ok(()),
            Freshness::NotModified => Err(PreconditionFailed::VersionExcluded),
        }
    }

    /// What the store itself must hold an update or a deletion against.
    pub(crate) fn precondition(&self) -> Precondition {
        match &self.if_match {
            // No write but a create happens to what is not there.
            None | Some(Tags::Any) => Precondition::None,
            Some(Tags::Listed(tags)) => Precondition::Versions(tags.iter().filter_map(Tag::strong_version).collect()),
        }
    }

    /// Whether the store cannot decide alone, because the request excludes versions.
    pub(crate) fn exclude_versions(&self) -> bool {
        self.if_none_match.is_some()
    }

    /// Whether the request asks for a version, which what is yet to be created does not have.
    pub(crate) fn require_version(&self) -> bool {
        self.if_match.is_some()
    }

    /// Whether the request says that nothing may be there.
    pub(crate) fn require_absence(&self) -> bool {
        self.if_none_match == Some(Tags::Any)
    }
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = InvalidCondition;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, InvalidCondition> {
        Ok(Self {
            if_match: read_tags(&parts.headers, &header::IF_MATCH, "If-Match")?,
            if_none_match: read_tags(&parts.headers, &header::IF_NONE_MATCH, "If-None-Match")?,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`
    Any,
    Listed(Vec<Tag>),
}

impl Tags {
    fn match_strongly(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.strong_version() == Some(version)),
        }
    }

    fn match_weakly(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.version == Some(version)),
        }
    }
}

/// One entity tag. Of the opaque part only the version it names matters, and a tag that this service did not give
/// names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag {
    is_weak: bool,
    version: Option<u64>,
}

impl Tag {
    fn strong_version(&self) -> Option<u64> {
        self.version.filter(|_| !self.is_weak)
    }
}

fn read_tags(headers: &HeaderMap, name: &HeaderName, told: &'static str) -> Result<Option<Tags>, InvalidCondition> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes).peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    // Lines of one header are one list: RFC 9110, section 5.3.
    let list = lines.collect::<Vec<_>>().join(&b","[..]);
    if list.trim_ascii() == b"*" {
        return Ok(Some(Tags::Any));
    }
    parse_list(&list)
        .filter(|tags| (1..=MAX_TAGS).contains(&tags.len()))
        .map(Tags::Listed)
        .map(Some)
        .ok_or(InvalidCondition(told))
}

/// `None` for what is no list of entity tags. Empty elements are allowed: RFC 9110, section 5.6.1.
fn parse_list(list: &[u8]) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = list.trim_ascii_start();
    while !rest.is_empty() {
        if let Some(after_comma) = rest.strip_prefix(b",") {
            rest = after_comma.trim_ascii_start();
            continue;
        }
        let (is_weak, quoted) = rest.strip_prefix(b"W/").map_or((false, rest), |quoted| (true, quoted));
        let opaque = quoted.strip_prefix(b"\"")?;
        let end = opaque.iter().position(|&byte| byte == b'"')?;
        let (opaque, after_tag) = (&opaque[..end], opaque[end + 1..].trim_ascii_start());
        if !opaque.iter().all(|&byte| is_etag_char(byte)) || !(after_tag.is_empty() || after_tag.starts_with(b",")) {
            return None;
        }
        tags.push(Tag {
            is_weak,
            version: parse_version(opaque),
        });
        rest = after_tag;
    }
    Some(tags)
}

/// `etagc` of RFC 9110, section 8.8.3, less the quote that ends the tag.
fn is_etag_char(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80
}

/// Tags are compared character by character, so `"03"` is not `"3"`.
fn parse_version(opaque: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(opaque).ok()?;
    text.parse::<u64>().ok().filter(|version| version.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(if_match: &[&str], if_none_match: &[&str]) -> Result<Conditions, InvalidCondition> {
        let mut headers = HeaderMap::new();
        for line in if_match {
            headers.append(header::IF_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        for line in if_none_match {
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        Ok(Conditions {
            if_match: read_tags(&headers, &header::IF_MATCH, "If-Match")?,
            if_none_match: read_tags(&headers, &header::IF_NONE_MATCH, "If-None-Match")?,
        })
    }

    fn versions(if_match: &[&str]) -> Vec<u64> {
        match conditions(if_match, &[]).unwrap().precondition() {
            Precondition::Versions(versions) => versions,
            Precondition::None => panic!("{if_match:?} gives no list of versions"),
        }
    }

    #[test]
    fn if_match_takes_a_list_over_any_number_of_lines() {
        assert_eq!(versions(&["\"3\""]), [3]);
        assert_eq!(
            versions(&["\"1\",\"2\" , \"0\"", "", ", \"18446744073709551615\","]),
            [1, 2, 0, u64::MAX]
        );
    }

    #[test]
    fn a_tag_that_this_service_never_gives_matches_no_version() {
        for tag in [
            "\"\"",
            "\"03\"",
            "\"+3\"",
            "\"a,b\"",
            "\"18446744073709551616\"",
            "\"é\"",
            "\"\\\"",
            "W/\"3\"",
        ] {
            assert_eq!(versions(&[tag]), Vec::<u64>::new(), "{tag}");
        }
    }

    #[test]
    fn an_asterisk_matches_every_version() {
        let conditions = conditions(&[" * "], &[]).unwrap();
        assert!(matches!(conditions.precondition(), Precondition::None));
        assert!(conditions.check_write(7).is_ok());
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for line in [
            "3",
            "\"3",
            "3\"",
            "\"3\" \"4\"",
            "w/\"3\"",
            "W/ \"3\"",
            "*, \"3\"",
            "\"3\", *",
            "",
            " ",
            ",",
            "\"a b\"",
            "'3'",
        ] {
            assert!(conditions(&[line], &[]).is_err(), "{line:?}");
            assert!(conditions(&[], &[line]).is_err(), "{line:?}");
        }
        assert!(conditions(&["*", "*"], &[]).is_err());
    }

    #[test]
    fn a_hundred_tags_are_a_list_and_one_more_is_none() {
        let hundred = vec!["\"1\""; 100].join(",");
        assert_eq!(versions(&[&hundred]).len(), 100);
        assert!(conditions(&[&hundred, "\"1\""], &[]).is_err());
    }

    #[test]
    fn if_match_compares_strongly_and_if_none_match_weakly() {
        let strong = conditions(&["W/\"3\""], &[]).unwrap();
        assert!(matches!(strong.check_read(3), Err(PreconditionFailed::VersionMismatch)));
        let weak = conditions(&[], &["W/\"3\""]).unwrap();
        assert_eq!(weak.check_read(3).unwrap(), Freshness::NotModified);
        assert_eq!(weak.check_read(4).unwrap(), Freshness::Modified);
    }

    #[test]
    fn both_conditions_must_hold() {
        let both = conditions(&["\"3\", \"4\""], &["\"3\""]).unwrap();
        assert!(matches!(both.check_write(3), Err(PreconditionFailed::VersionExcluded)));
        assert!(both.check_write(4).is_ok());
        assert!(matches!(both.check_write(5), Err(PreconditionFailed::VersionMismatch)));
    }
}
