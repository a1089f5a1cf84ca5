//! What text values share.

use std::fmt;

use crate::violation::{ErrorCode, Violation};

/// Implements what every text value shares.
macro_rules! text_value {
    ($name:ident) => {
        impl $name {
            /// The value as it is stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for crate::config::field_value::FieldData {
            fn from(value: $name) -> Self {
                Self::Text(value.0)
            }
        }
    };
}
pub(in crate::config) use text_value;

/// Whether a text is the result of a lossy conversion: U+FFFD replaces bytes that were not UTF-8. API Gateway converts
/// bodies that way, and a value that lost bytes must not be stored as if the client had sent it.
pub(in crate::config) fn lost_bytes(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

/// Whether a reader cannot see the character, or sees others in another order because of it: two texts that look the same
/// would be different values. These are Unicode's default-ignorable code points and format controls, the bidirectional ones
/// among them, the separators of lines and paragraphs, and annotation marks.
pub(in crate::config) const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The same characters up to U+FFFF, control characters and U+FFFD as the inside of an ECMAScript character class, in escapes
/// of four digits, which most dialects read. The characters above are missing: without the flag `u`, which validators do not
/// agree on, an ECMAScript class cannot have a range of them. The service rejects them nevertheless.
macro_rules! unprintable {
    () => {
        concat!(
            r"\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f",
            r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffd",
        )
    };
}
pub(in crate::config) use unprintable;

/// Rejects characters that people cannot see, and what replaces bytes that were lost.
pub(in crate::config) fn check_printable(text: &str) -> Result<(), Violation> {
    let message = if text.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else if let Some(found) = text.chars().find(|character| is_invisible(*character)) {
        format!(
            "must not contain U+{:04X}, which is invisible or changes the direction of the text",
            u32::from(found)
        )
    } else if lost_bytes(text) {
        "must not contain U+FFFD, which replaces bytes that are not valid UTF-8".to_owned()
    } else {
        return Ok(());
    };
    Err(Violation::new(ErrorCode::InvalidFormat, message))
}

/// Adds the value that the client probably meant, if it is valid.
pub(in crate::config) fn suggest<T: fmt::Display>(
    violation: Violation,
    meant: &str,
    parse: impl FnOnce(&str) -> Result<T, Violation>,
) -> Violation {
    match parse(meant) {
        Ok(value) => violation.suggesting(value),
        Err(_) => violation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_and_bidirectional_characters_are_named() {
        for character in [
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{fff9}',
            '\u{e0041}',
        ] {
            let violation = check_printable(&format!("a{character}b")).unwrap_err();
            let name = format!("U+{:04X}", u32::from(character));
            assert!(violation.message.contains(&name), "{violation}");
        }
        for text in [
            "a b",
            "\u{e9}",
            "\u{5d0}\u{5d1}",
            "\u{628}",
            "\u{1f600}",
            "\u{a0}",
            "\u{2003}",
        ] {
            assert_eq!(check_printable(text), Ok(()), "{text:?}");
        }
    }
}
