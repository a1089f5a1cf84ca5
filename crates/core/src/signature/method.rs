//! The method as it is signed.

use super::SignatureError;

/// `[A-Z]+`: the HTTP method in uppercase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(String);

impl Method {
    /// Parses a method in any case.
    pub fn parse(method: &str) -> Result<Self, SignatureError> {
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(SignatureError::MethodMalformed);
        }
        Ok(Self(method.to_ascii_uppercase()))
    }

    /// The method in uppercase.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_is_upper_cased() {
        for method in ["PATCH", "patch", "Patch"] {
            assert_eq!(Method::parse(method).unwrap().as_str(), "PATCH");
        }
    }

    #[test]
    fn method_other_than_letters_is_rejected() {
        for method in ["", "GET ", " GET", "GET/", "GET\n", "M-SEARCH", "G3T", "ſ", "GÉT"] {
            assert_eq!(
                Method::parse(method),
                Err(SignatureError::MethodMalformed),
                "{method:?}"
            );
        }
    }
}
