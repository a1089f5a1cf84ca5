//! What must hold of a configuration for a write to happen.

/// A condition on the version of the configuration that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// None: the write happens to whatever is there.
    None,
    /// One of these versions; an empty list never holds. 0 is an item without a version to count on from: this service
    /// has never written it, or a hand has changed its version since.
    Versions(Vec<u64>),
}

impl Precondition {
    /// Whether this version is one that it names.
    pub(crate) fn names(&self, version: u64) -> bool {
        matches!(self, Self::Versions(versions) if versions.contains(&version))
    }
}
