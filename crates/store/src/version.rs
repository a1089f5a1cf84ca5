//! Versions: each write assigns a new one, so that no version ever comes back.

use crate::error::StoreError;

/// Gives a version that no write has had.
pub type NewVersion = fn() -> Result<String, StoreError>;

/// 128 random bits in hexadecimal. The clock has no part in it, so a clock that goes back repeats nothing.
pub(crate) fn random() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unexpected(error.into()))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_versions_are_equal() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
