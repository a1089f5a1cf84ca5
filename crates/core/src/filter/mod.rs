//! Filters of the list of configurations: a subset of Google's AIP-160 (<https://google.aip.dev/160>).
//!
//! A filter is parsed into an [`Expression`], which [`Filter::matches`] evaluates. The store pushes a weaker condition down
//! to the table, and what comes back is evaluated here: this module alone decides what matches. `docs/filters.md` has the
//! grammar and the meaning of every comparison.
//!
//! `parser` reads the grammar and `scanner` the characters below it. `resolve` makes a term of a comparison, by the type of
//! the field. `display` writes the canonical form, which parses to the same filter.

mod display;
mod error;
mod evaluate;
mod expression;
mod parser;
mod resolve;
mod scanner;

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use chrono::{DateTime, Utc};

use crate::config::StoredConfig;

pub use error::FilterError;
pub use expression::{Comparator, Expression, Inequality, Pattern, Subject, Term, TextTest};

/// Which configurations a list has. An empty filter matches every one. Its `Display` is the canonical form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter(Option<Expression>);

impl Filter {
    /// The maximum length of a filter in characters.
    pub const MAX_CHARS: usize = parser::MAX_CHARS;
    /// The maximum number of terms: comparisons, words and functions.
    pub const MAX_TERMS: usize = parser::MAX_TERMS;
    /// The maximum number of groups within each other, as parentheses make them. An `OR` among several terms that are joined
    /// by `AND` is such a group with or without parentheses.
    pub const MAX_DEPTH: usize = parser::MAX_DEPTH;

    /// What a configuration must be like; `None` if every one matches.
    #[must_use]
    pub const fn expression(&self) -> Option<&Expression> {
        self.0.as_ref()
    }

    /// Whether a configuration that has not expired at `now` is in the list.
    #[must_use]
    pub fn matches(&self, config: &StoredConfig, now: DateTime<Utc>) -> bool {
        self.0.as_ref().is_none_or(|expression| expression.matches(config, now))
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parser::parse(text).map(Self)
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |expression| expression.fmt(f))
    }
}

#[cfg(test)]
mod tests;
