//! Versions: each write assigns a new one, so that a write recognises its own work and no version ever comes back.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::{error::StoreError, item::Item, table::Rejection};

/// Gives a version that no write has had.
pub type NewVersion = fn() -> Result<String, StoreError>;

/// 128 random bits in hexadecimal. The clock has no part in it, so a clock that goes back repeats nothing.
pub(crate) fn random() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unexpected(error.into()))?;
    Ok(hex::encode(bytes))
}

impl Rejection {
    /// The item that an earlier attempt of the same write left: its response was lost, and so the next attempt failed.
    pub(crate) fn own_work(&self, version_attribute: &str, version: &str) -> Option<&Item> {
        let found = self.found.as_ref().filter(|_| self.may_have_been_applied)?;
        let is_own = matches!(found.get(version_attribute), Some(AttributeValue::S(found)) if found == version);
        is_own.then_some(found)
    }
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
