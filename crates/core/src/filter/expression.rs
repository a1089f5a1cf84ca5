//! What a filter consists of.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::config::Field;

/// A filter without its syntax.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// Each of them holds: two or more, none of them [`Expression::All`].
    All(Vec<Self>),
    /// One of them holds: two or more, none of them [`Expression::Any`].
    Any(Vec<Self>),
    /// It does not hold. It is not [`Expression::Not`].
    Not(Box<Self>),
    /// One condition.
    Term(Term),
}

/// One condition on a configuration. A comparison with a missing value, or with one of another type than the field's, is
/// false; [`Term::Boolean`] has the one exception.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// `field:*`: there is a value, of whatever type, other than null.
    Present(Subject),
    /// A comparison of a text.
    Text {
        /// What is compared.
        subject: Subject,
        /// What it must be like.
        test: TextTest,
    },
    /// `field = true`. A missing `enabled` is false.
    Boolean {
        /// What is compared.
        field: Field,
        /// What it must be.
        value: bool,
    },
    /// A comparison of a number.
    Number {
        /// What is compared.
        field: Field,
        /// How.
        comparator: Comparator,
        /// With what: at most 2^53 in either direction, so that a double has it exactly.
        value: i64,
    },
    /// A comparison of two times, as instants.
    Time {
        /// What is compared.
        field: Field,
        /// How.
        comparator: Comparator,
        /// With what: of the years 0 to 9999.
        value: DateTime<Utc>,
    },
    /// `field:"name"`: the list has an entry like this.
    Contains {
        /// The list.
        field: Field,
        /// The entry.
        name: Pattern,
    },
    /// `delivers("name")`: the logs of this application are delivered. The configuration is enabled and names the application,
    /// or none at all.
    Delivers(String),
    /// `broken`: a check of the stored fields fails.
    Broken,
    /// A word alone: part of one of [`Term::WORD_FIELDS`]. It is not empty.
    Word(String),
}

/// What a term is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A field.
    Field(Field),
    /// The 12 digits of the account in the role's ARN.
    Account,
    /// The label with this key, which is not empty.
    Label(String),
}

/// What a text must be like. Texts compare byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// Like the pattern.
    Is(Pattern),
    /// A text, but not like the pattern.
    IsNot(Pattern),
    /// Before or after this text.
    Ordered(Inequality, String),
}

/// A text, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// `"text"`: the whole text.
    Exact(String),
    /// `"text*"`: how it begins.
    Beginning(String),
    /// `"*text"`: how it ends. Not empty.
    End(String),
    /// `"*text*"`: a part of it. Not empty.
    Part(String),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// One of the other four.
    Ordered(Inequality),
}

/// How two values compare that are in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inequality {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Expression {
    /// "Each of these": groups within it that mean the same are dissolved. There must be at least one.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::All(parts) => parts,
            part => vec![part],
        });
        single_or(flat.collect(), Self::All)
    }

    /// "One of these", likewise.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::Any(parts) => parts,
            part => vec![part],
        });
        single_or(flat.collect(), Self::Any)
    }

    /// The opposite.
    pub(super) fn negate(self) -> Self {
        match self {
            Self::Not(opposite) => *opposite,
            other => Self::Not(Box::new(other)),
        }
    }

    /// How many pairs of parentheses the canonical form has within each other.
    pub(super) fn depth(&self) -> usize {
        let group = |part: &Self| part.depth() + usize::from(!matches!(part, Self::Term(_) | Self::Not(_)));
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(group).max().unwrap_or_default(),
            Self::Not(opposite) => group(opposite),
            Self::Term(_) => 0,
        }
    }
}

fn single_or(mut parts: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => several(parts),
    }
}

impl Term {
    /// Where a word is searched for. So a cluster's id in the middle of a tenant's id finds its tenant.
    pub const WORD_FIELDS: [Field; 4] = [
        Field::TenantId,
        Field::BucketName,
        Field::LogGroupName,
        Field::LogDistributionRoleArn,
    ];
}

impl Pattern {
    /// Whether a text is like it.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(whole) => text == whole,
            Self::Beginning(beginning) => text.starts_with(beginning.as_str()),
            Self::End(end) => text.ends_with(end.as_str()),
            Self::Part(part) => text.contains(part.as_str()),
        }
    }

    /// The text without what it says about the rest.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Beginning(text) | Self::End(text) | Self::Part(text) => text,
        }
    }
}

impl Comparator {
    /// Whether it holds for a value that compares like this with the other one.
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Ordered(inequality) => inequality.holds(ordering),
        }
    }
}

impl Inequality {
    /// Whether it holds for a value that compares like this with the other one.
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
