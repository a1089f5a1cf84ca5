//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110, sections 8.8.3 and 13): they keep a client from overwriting what
//! another one wrote.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponseParts, ResponseParts},
};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use tenant_core::EntityTag;
use tenant_store::Precondition;

use crate::http::rejection::PreconditionFailed;

/// The `ETag` header with the entity tag of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ETag(pub(crate) EntityTag);

impl IntoResponseParts for ETag {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let value =
            HeaderValue::try_from(format!("\"{}\"", self.0)).expect("hexadecimal digits in quotes are a header value");
        parts.headers_mut().insert(header::ETAG, value);
        Ok(parts)
    }
}

/// Entity tags in one header at most. No client has a hundred versions of one resource.
const MAX_TAGS: usize = 100;

/// A condition that is not a list of entity tags. A client that forgets the quotes must not lose its protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} must be * or a comma-separated list of up to {MAX_TAGS} entity tags in double quotes")]
pub(crate) struct InvalidCondition(pub(crate) &'static str);

/// The preconditions of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// Whether a read returns the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The client does not have this content.
    Modified,
    /// It does: 304.
    NotModified,
}

impl Conditions {
    /// Evaluates the conditions of a read against the current tag.
    pub(crate) fn check_read(&self, current: EntityTag) -> Result<Freshness, PreconditionFailed> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.match_strongly(current)) {
            return Err(PreconditionFailed::VersionMismatch);
        }
        let is_known = self
            .if_none_match
            .as_ref()
            .is_some_and(|tags| tags.match_weakly(current));
        Ok(if is_known {
            Freshness::NotModified
        } else {
            Freshness::Modified
        })
    }

    /// Evaluates the conditions of a write against the current tag.
    pub(crate) fn check_write(&self, current: EntityTag) -> Result<(), PreconditionFailed> {
        match self.check_read(current)? {
            Freshness::Modified => Ok(()),
            Freshness::NotModified => Err(PreconditionFailed::VersionExcluded),
        }
    }

    /// The condition that the store must evaluate for an update or a deletion.
    pub(crate) fn precondition(&self) -> Precondition {
        match &self.if_match {
            // Only a creation writes what does not exist.
            None | Some(Tags::Any) => Precondition::None,
            Some(Tags::Listed(tags)) => Precondition::Tags(tags.iter().filter_map(Tag::strong).collect()),
        }
    }

    /// Whether the request excludes contents, which the store's precondition cannot express.
    pub(crate) fn exclude_contents(&self) -> bool {
        self.if_none_match.is_some()
    }

    /// Whether the request requires a content, which a resource does not have before its creation.
    pub(crate) fn require_content(&self) -> bool {
        self.if_match.is_some()
    }

    /// Whether the request requires that the resource does not exist.
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
    fn match_strongly(&self, current: EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.strong() == Some(current)),
        }
    }

    fn match_weakly(&self, current: EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.opaque == Some(current)),
        }
    }
}

/// One entity tag of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag {
    is_weak: bool,
    /// `None` for a tag that this service never gives, which matches nothing.
    opaque: Option<EntityTag>,
}

impl Tag {
    fn strong(&self) -> Option<EntityTag> {
        self.opaque.filter(|_| !self.is_weak)
    }
}

fn read_tags(headers: &HeaderMap, name: &HeaderName, shown: &'static str) -> Result<Option<Tags>, InvalidCondition> {
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
        .ok_or(InvalidCondition(shown))
}

/// `None` for a malformed list. Empty elements are allowed: RFC 9110, section 5.6.1.
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
            opaque: std::str::from_utf8(opaque).ok().and_then(|text| text.parse().ok()),
        });
        rest = after_tag;
    }
    Some(tags)
}

/// `etagc` of RFC 9110, section 8.8.3. The quote that ends the tag is not one.
fn is_etag_char(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80
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

    /// The tag whose digits are all `digit`.
    fn tag(digit: u8) -> EntityTag {
        EntityTag::from_sha256(&[digit << 4 | digit; 32])
    }

    fn quoted(digit: u8) -> String {
        format!("\"{}\"", tag(digit))
    }

    fn tags(if_match: &[&str]) -> Vec<EntityTag> {
        match conditions(if_match, &[]).unwrap().precondition() {
            Precondition::Tags(tags) => tags,
            Precondition::None => panic!("{if_match:?} gives no list of tags"),
        }
    }

    #[test]
    fn if_match_takes_a_list_over_any_number_of_lines() {
        let [one, two, three, four] = [1, 2, 3, 4].map(quoted);
        assert_eq!(tags(&[&three]), [tag(3)]);
        assert_eq!(
            tags(&[&format!("{one},{two} , {three}"), "", &format!(", {four},")]),
            [1, 2, 3, 4].map(tag)
        );
    }

    #[test]
    fn foreign_tag_matches_nothing() {
        let upper_case = quoted(10).to_uppercase();
        let weak = format!("W/{}", quoted(3));
        let padded = quoted(3).replacen('"', "\"0", 1);
        for tag in [
            "\"\"",
            "\"3\"",
            "\"1795560353477317\"",
            "\"a,b\"",
            "\"é\"",
            "\"\\\"",
            &upper_case,
            &weak,
            &padded,
        ] {
            assert_eq!(tags(&[tag]), [], "{tag}");
        }
    }

    #[test]
    fn asterisk_matches_every_tag() {
        let conditions = conditions(&[" * "], &[]).unwrap();
        assert!(matches!(conditions.precondition(), Precondition::None));
        assert!(conditions.check_write(tag(7)).is_ok());
    }

    #[test]
    fn malformed_list_is_rejected() {
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
    fn a_hundred_tags_are_accepted_and_one_more_is_rejected() {
        let one = quoted(1);
        let hundred = vec![one.as_str(); 100].join(",");
        assert_eq!(tags(&[&hundred]).len(), 100);
        assert!(conditions(&[&hundred, &one], &[]).is_err());
    }

    #[test]
    fn if_match_compares_strongly_and_if_none_match_weakly() {
        let weak = format!("W/{}", quoted(3));
        let strong = conditions(&[&weak], &[]).unwrap();
        assert!(matches!(
            strong.check_read(tag(3)),
            Err(PreconditionFailed::VersionMismatch)
        ));
        let weak = conditions(&[], &[&weak]).unwrap();
        assert_eq!(weak.check_read(tag(3)).unwrap(), Freshness::NotModified);
        assert_eq!(weak.check_read(tag(4)).unwrap(), Freshness::Modified);
    }

    #[test]
    fn both_conditions_must_be_met() {
        let either = format!("{}, {}", quoted(3), quoted(4));
        let both = conditions(&[&either], &[&quoted(3)]).unwrap();
        assert!(matches!(
            both.check_write(tag(3)),
            Err(PreconditionFailed::VersionExcluded)
        ));
        assert!(both.check_write(tag(4)).is_ok());
        assert!(matches!(
            both.check_write(tag(5)),
            Err(PreconditionFailed::VersionMismatch)
        ));
    }
}
