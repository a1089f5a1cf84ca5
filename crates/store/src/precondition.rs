//! The condition under which a write happens.

use tenant_core::EntityTag;

/// A condition on the content of the resource that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// None: the write happens to any content.
    None,
    /// The content has one of these tags; an empty list is never met.
    Tags(Vec<EntityTag>),
}
