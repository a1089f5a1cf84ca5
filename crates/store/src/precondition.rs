//! What must hold of a configuration for a write to happen.

/// A condition on the version of the configuration that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// None: the write happens to whatever is there.
    None,
    /// Any version will do.
    AnyVersion,
    /// One of these versions; an empty list never holds. 0 is an item that this service has never written.
    Versions(Vec<u64>),
}
