//! The entity tag that an operation expects.

use std::str::FromStr;

use crate::{
    entity_tag::EntityTag,
    violation::{ErrorCode, Violation},
};

/// An entity tag in double quotes, as a response contains it (RFC 9110, section 13.1.1). A tag that this service never
/// gives, and a weak one, match nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(Option<EntityTag>);

impl IfMatch {
    /// The tag that an item must have; `None` if no item has it.
    #[must_use]
    pub const fn tag(self) -> Option<EntityTag> {
        self.0
    }
}

impl From<EntityTag> for IfMatch {
    fn from(tag: EntityTag) -> Self {
        Self(Some(tag))
    }
}

impl FromStr for IfMatch {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let (is_weak, quoted) = text.strip_prefix("W/").map_or((false, text), |quoted| (true, quoted));
        quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|opaque| opaque.chars().all(is_etag_char))
            .map(|opaque| Self(opaque.parse().ok().filter(|_| !is_weak)))
            .ok_or_else(|| {
                let message = "must be one entity tag in double quotes, such as the etag of a result (omit it to accept any content)";
                Violation::new(ErrorCode::InvalidFormat, message)
            })
    }
}

/// `etagc` of RFC 9110, section 8.8.3, within ASCII.
fn is_etag_char(char: char) -> bool {
    char == '!' || ('#'..='~').contains(&char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_tag_is_the_one_that_it_displays() {
        let tag = EntityTag::from_sha256(&[7; 32]);
        assert_eq!(format!("\"{tag}\"").parse(), Ok(IfMatch::from(tag)));
    }

    #[test]
    fn foreign_and_weak_tags_match_nothing() {
        let weak = format!("W/\"{}\"", EntityTag::from_sha256(&[7; 32]));
        for text in ["\"\"", "\"7\"", weak.as_str()] {
            assert_eq!(text.parse::<IfMatch>().unwrap().tag(), None, "{text}");
        }
    }

    #[test]
    fn text_without_quotes_is_rejected() {
        let bare = EntityTag::from_sha256(&[7; 32]).to_string();
        for text in ["", "*", "\"", bare.as_str(), "\"a\", \"b\"", "\"a b\"", "\"é\"", "'7'"] {
            assert!(text.parse::<IfMatch>().is_err(), "{text}");
        }
    }
}
