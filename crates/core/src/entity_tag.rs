//! Entity tags (RFC 9110, section 8.8.3).

use std::{fmt, str::FromStr};

/// Bytes of a tag: 128 bits leave no room for two contents that share one by chance.
const BYTES: usize = 16;

/// A strong entity tag: it changes with every change of a resource's content. On the wire it is 32 lower-case hexadecimal
/// digits, to be put in double quotes; clients must not read anything from them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntityTag([u8; BYTES]);

/// A text that is not an entity tag of this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an entity tag of this service")]
pub struct ForeignTag;

impl EntityTag {
    /// The tag of a content with this SHA-256 digest: its first 128 bits.
    #[must_use]
    pub fn from_sha256(digest: &[u8; 32]) -> Self {
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&digest[..BYTES]);
        Self(bytes)
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntityTag({self})")
    }
}

/// Tags are compared character by character, so only the form that [`EntityTag`] displays is accepted.
impl FromStr for EntityTag {
    type Err = ForeignTag;

    fn from_str(text: &str) -> Result<Self, ForeignTag> {
        let mut bytes = [0; BYTES];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ForeignTag)?;
        Some(Self(bytes))
            .filter(|tag| tag.to_string() == text)
            .ok_or(ForeignTag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displayed_tag_parses_to_itself() {
        let mut digest = [0; 32];
        digest[0] = 0xab;
        let tag = EntityTag::from_sha256(&digest);
        assert_eq!(tag.to_string(), "ab000000000000000000000000000000");
        assert_eq!(tag.to_string().parse(), Ok(tag));
    }

    #[test]
    fn any_other_form_is_foreign() {
        for text in [
            "",
            "7",
            "AB000000000000000000000000000000",
            "ab0000000000000000000000000000",
            "ab00000000000000000000000000000000",
            "zz000000000000000000000000000000",
            " ab00000000000000000000000000000",
        ] {
            assert_eq!(text.parse::<EntityTag>(), Err(ForeignTag), "{text:?}");
        }
    }
}
