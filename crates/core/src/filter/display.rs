//! The canonical form of a filter: every operator written out, texts in quotes, and parentheses around an `OR` among terms
//! that are joined by `AND`, although it binds tighter there.

use std::fmt::{self, Display, Formatter, Write};

use chrono::SecondsFormat;

use super::{
    expression::{Comparator, Expression, Inequality, Pattern, Subject, Term, TextTest},
    resolve::{ACCOUNT, BROKEN, DELIVERS, LABELS},
};

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => join(f, parts, " AND "),
            Self::Any(parts) => join(f, parts, " OR "),
            Self::Not(opposite) => {
                f.write_str("NOT ")?;
                write_part(f, opposite)
            }
            Self::Term(term) => term.fmt(f),
        }
    }
}

fn join(f: &mut Formatter<'_>, parts: &[Expression], operator: &str) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(operator)?;
        }
        write_part(f, part)?;
    }
    Ok(())
}

fn write_part(f: &mut Formatter<'_>, part: &Expression) -> fmt::Result {
    match part {
        Expression::All(_) | Expression::Any(_) => write!(f, "({part})"),
        Expression::Not(_) | Expression::Term(_) => part.fmt(f),
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(subject) => write!(f, "{subject}:*"),
            Self::Text { subject, test } => match test {
                TextTest::Is(pattern) => write!(f, "{subject} = {pattern}"),
                TextTest::IsNot(pattern) => write!(f, "{subject} != {pattern}"),
                TextTest::Ordered(inequality, text) => write!(f, "{subject} {inequality} {}", Quoted(text)),
            },
            Self::Boolean { field, value } => write!(f, "{field} = {value}"),
            Self::Number {
                field,
                comparator,
                value,
            } => write!(f, "{field} {comparator} {value}"),
            Self::Time {
                field,
                comparator,
                value,
            } => {
                let value = value.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                write!(f, "{field} {comparator} \"{value}\"")
            }
            Self::Contains { field, name } => write!(f, "{field}:{name}"),
            Self::Delivers(name) => write!(f, "{DELIVERS}({})", Quoted(name)),
            Self::Broken => f.write_str(BROKEN),
            Self::Word(word) => Quoted(word).fmt(f),
        }
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Account => f.write_str(ACCOUNT),
            Self::Label(key) if key.bytes().all(is_plain) => write!(f, "{LABELS}.{key}"),
            Self::Label(key) => write!(f, "{LABELS}.{}", Quoted(key)),
        }
    }
}

/// The characters of the key of a valid label.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'/' | b'-')
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (before, after) = match self {
            Self::Exact(_) => ("", ""),
            Self::Beginning(_) => ("", "*"),
            Self::End(_) => ("*", ""),
            Self::Part(_) => ("*", "*"),
        };
        write!(f, "\"{before}{}{after}\"", Escaped(self.text()))
    }
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0))
    }
}

struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if matches!(character, '"' | '\\' | '*') {
                f.write_char('\\')?;
            }
            f.write_char(character)
        })
    }
}

impl Display for Comparator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal => f.write_str("="),
            Self::NotEqual => f.write_str("!="),
            Self::Ordered(inequality) => inequality.fmt(f),
        }
    }
}

impl Display for Inequality {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}
