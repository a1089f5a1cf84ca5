//! What text values share.

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
