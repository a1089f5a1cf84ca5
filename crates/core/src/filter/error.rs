//! Why a text is not a filter.

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the filter is invalid at character {position}: {problem}")]
pub struct FilterError {
    /// Where the problem begins, in characters. The first one is 1; the end is one more than there are.
    pub position: usize,
    /// What was expected and what was found.
    pub problem: String,
}
