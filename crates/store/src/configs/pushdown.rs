//! What the table can check of a filter, so that it does not send what certainly does not match.
//!
//! The condition is weaker than the filter: every configuration that matches meets it, and some others do, too. What comes
//! back is evaluated by [`Filter::matches`]. DynamoDB reads the same items with it and without it.
//!
//! DynamoDB's comparisons are not those of a filter, so each case says why no match is lost. Where a comparison has no weaker
//! form, or none that is worth it, it counts as true. That is not the opposite of one that counts as true within a `NOT`.
//! So negations are first moved to the terms, and a term and its opposite have a condition each.
//!
//! Source: "Condition and filter expressions, operators, and functions in DynamoDB" and "Service, account, and table quotas"
//! in the Amazon DynamoDB Developer Guide. `contains` finds a part of a text and an entry of a list or a set. `<>` is true where
//! the attribute is missing, like `NOT`. Comparisons between types are false. There is no function for the end of a text.

use std::ops::RangeInclusive;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use tenant_core::{
    Field, Filter,
    filter::{Comparator, Expression, Inequality, Pattern, Subject, Term, TextTest},
};

use crate::{
    item::{number, text},
    placeholders::Placeholders,
};

/// The length of an expression in bytes, at most.
const MAX_EXPRESSION_BYTES: usize = 4096;
/// The texts that conditions compare with. An empty one says nothing. The longest value of a key attribute is that of a sort
/// key, and a longer text compares with nothing there.
const TEXT_BYTES: RangeInclusive<usize> = 1..=1024;

/// "The item has not expired, and its configuration may match", with the placeholders in it.
pub(super) fn condition(filter: &Filter, now: DateTime<Utc>) -> (String, Placeholders) {
    let weaker = filter.expression().and_then(weaken);
    let mut placeholders = Placeholders::default();
    let alive = placeholders.is_alive(Field::Ttl.name(), now);
    let Some(weaker) = weaker else {
        return (alive, placeholders);
    };
    let weaker = Rendering::new(&mut placeholders).part(&weaker);
    let both = format!("{alive} AND {weaker}");
    if both.len() > MAX_EXPRESSION_BYTES {
        let mut placeholders = Placeholders::default();
        return (placeholders.is_alive(Field::Ttl.name(), now), placeholders);
    }
    (both, placeholders)
}

/// A condition on an item.
#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// Two or more.
    All(Vec<Self>),
    /// Two or more.
    Any(Vec<Self>),
    Not(Box<Self>),
    Exists(Path),
    /// Has this type, in the letters of DynamoDB.
    HasType(Path, &'static str),
    Compares(Path, &'static str, AttributeValue),
    BeginsWith(Path, String),
    Contains(Path, String),
}

/// An attribute.
#[derive(Debug, Clone, PartialEq)]
enum Path {
    Field(Field),
    Label(String),
}

impl Condition {
    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }
}

/// What every item meets whose configuration matches. `None` if nothing is known about it.
fn weaken(expression: &Expression) -> Option<Condition> {
    match expression {
        Expression::All(parts) => all(parts.iter().map(weaken)),
        Expression::Any(parts) => any(parts.iter().map(weaken)),
        Expression::Not(opposite) => weaken_opposite(opposite),
        Expression::Term(term) => match_term(term),
    }
}

/// The same of one whose configuration does not match.
fn weaken_opposite(expression: &Expression) -> Option<Condition> {
    match expression {
        Expression::All(parts) => any(parts.iter().map(weaken_opposite)),
        Expression::Any(parts) => all(parts.iter().map(weaken_opposite)),
        Expression::Not(opposite) => weaken(opposite),
        Expression::Term(term) => miss_term(term),
    }
}

fn all(parts: impl Iterator<Item = Option<Condition>>) -> Option<Condition> {
    let mut parts: Vec<_> = parts.flatten().collect();
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Condition::All(parts)),
    }
}

fn any(parts: impl Iterator<Item = Option<Condition>>) -> Option<Condition> {
    let mut parts: Vec<_> = parts.collect::<Option<_>>()?;
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Condition::Any(parts)),
    }
}

/// What every item meets that the term holds for.
fn match_term(term: &Term) -> Option<Condition> {
    use Condition::{Compares, Contains, Exists};
    match term {
        Term::Present(subject) => Some(Exists(path(subject))),
        Term::Text {
            subject: Subject::Account,
            test,
        } => Some(match_account(test)),
        Term::Text { subject, test } => Some(match_text(path(subject), test)),
        Term::Boolean { field, value: true } => Some(is_true(*field)),
        // A missing value is false.
        Term::Boolean { field, value: false } => Some(is_true(*field).not()),
        Term::Number {
            field,
            comparator,
            value,
        } => {
            let compares = Compares(Path::Field(*field), operator(*comparator), number(value));
            Some(match comparator {
                Comparator::NotEqual => Exists(Path::Field(*field)).and(compares),
                Comparator::Equal | Comparator::Ordered(_) => compares,
            })
        }
        Term::Time {
            field,
            comparator,
            value,
        } => Some(match_time(Path::Field(*field), *comparator, *value)),
        // Of a text, it finds a part. A text is not a list, so it does not match.
        Term::Contains {
            field,
            name: Pattern::Exact(name),
        } if is_comparable(name) => Some(Contains(Path::Field(*field), name.clone())),
        Term::Contains { field, .. } => Some(Exists(Path::Field(*field))),
        Term::Delivers(_) => Some(is_true(Field::Enabled)),
        Term::Word(word) if is_comparable(word) => {
            let contains = |field| Contains(Path::Field(field), word.clone());
            any(Term::WORD_FIELDS.into_iter().map(contains).map(Some))
        }
        Term::Broken | Term::Word(_) => None,
    }
}

/// What every item meets that the term does not hold for: also one whose value is missing or of another type.
fn miss_term(term: &Term) -> Option<Condition> {
    use Condition::{BeginsWith, Compares, Contains, Exists, HasType};
    match term {
        Term::Present(Subject::Field(field)) => {
            let path = Path::Field(*field);
            Some(Exists(path.clone()).not().or(HasType(path, "NULL")))
        }
        Term::Text {
            subject: Subject::Field(field),
            test: TextTest::Is(pattern),
        } if is_comparable(pattern.text()) => {
            let path = Path::Field(*field);
            match pattern {
                Pattern::Exact(whole) => Some(Compares(path, "=", text(whole)).not()),
                Pattern::Beginning(beginning) => Some(BeginsWith(path, beginning.clone()).not()),
                // A list can have the text as an entry, and is not a text.
                Pattern::Part(part) => Some(HasType(path.clone(), "S").and(Contains(path, part.clone())).not()),
                Pattern::End(_) => None,
            }
        }
        Term::Text {
            subject: Subject::Field(field),
            test: TextTest::Ordered(inequality, other),
        } if is_comparable(other) => Some(Compares(Path::Field(*field), order(*inequality), text(other)).not()),
        Term::Boolean { field, value } => {
            let is_value = Compares(Path::Field(*field), "=", AttributeValue::Bool(*value));
            Some(is_value.not())
        }
        // A text can have the name as a part, and is not a list.
        Term::Contains {
            field,
            name: Pattern::Exact(name),
        } if is_comparable(name) => {
            let path = Path::Field(*field);
            Some(HasType(path.clone(), "S").or(Contains(path, name.clone()).not()))
        }
        // A number that JSON does not show as one compares here and not there, and a time can be any text.
        _ => None,
    }
}

fn is_comparable(text: &str) -> bool {
    TEXT_BYTES.contains(&text.len())
}

fn is_true(field: Field) -> Condition {
    Condition::Compares(Path::Field(field), "=", AttributeValue::Bool(true))
}

fn match_text(path: Path, test: &TextTest) -> Condition {
    use Condition::{BeginsWith, Compares, Contains, Exists};
    match test {
        TextTest::Is(pattern) | TextTest::IsNot(pattern) if !is_comparable(pattern.text()) => Exists(path),
        TextTest::Is(Pattern::Exact(whole)) => Compares(path, "=", text(whole)),
        TextTest::Is(Pattern::Beginning(beginning)) => BeginsWith(path, beginning.clone()),
        TextTest::Is(Pattern::End(part) | Pattern::Part(part)) => Contains(path, part.clone()),
        TextTest::IsNot(Pattern::Exact(whole)) => Exists(path.clone()).and(Compares(path, "<>", text(whole))),
        TextTest::IsNot(Pattern::Beginning(beginning)) => {
            Exists(path.clone()).and(BeginsWith(path, beginning.clone()).not())
        }
        TextTest::IsNot(Pattern::Part(part)) => Exists(path.clone()).and(Contains(path, part.clone()).not()),
        TextTest::Ordered(inequality, other) if is_comparable(other) => Compares(path, order(*inequality), text(other)),
        // A text can have it in the middle and end otherwise.
        TextTest::IsNot(Pattern::End(_)) | TextTest::Ordered(..) => Exists(path),
    }
}

/// The account is in the middle of the role's ARN, after a colon.
fn match_account(test: &TextTest) -> Condition {
    use Condition::{Contains, Exists};
    let role = Path::Field(Field::LogDistributionRoleArn);
    match test {
        TextTest::Is(Pattern::Exact(digits) | Pattern::Beginning(digits)) => Contains(role, format!(":{digits}")),
        TextTest::Is(Pattern::End(digits) | Pattern::Part(digits)) => Contains(role, digits.clone()),
        TextTest::IsNot(_) | TextTest::Ordered(..) => Exists(role),
    }
}

/// Stored times can have any offset, of less than a day, so their texts are not in the order of the instants. The dates in
/// front are, give or take one day.
fn match_time(path: Path, comparator: Comparator, time: DateTime<Utc>) -> Condition {
    use Condition::{Compares, Exists};
    const SLACK: TimeDelta = TimeDelta::days(2);
    let date = |time: Option<DateTime<Utc>>| {
        let date = time?.format("%Y-%m-%d").to_string();
        // The years from 0 to 9999 have four digits, and others a sign.
        date.starts_with(|first: char| first.is_ascii_digit())
            .then(|| text(&date))
    };
    let after = || {
        let first = date(time.checked_sub_signed(SLACK))?;
        Some(Compares(path.clone(), ">=", first))
    };
    let before = || {
        let last = date(time.checked_add_signed(SLACK))?;
        Some(Compares(path.clone(), "<=", last))
    };
    let within = match comparator {
        Comparator::Equal => all([after(), before()].into_iter()),
        Comparator::NotEqual => None,
        Comparator::Ordered(Inequality::Greater | Inequality::GreaterOrEqual) => after(),
        Comparator::Ordered(Inequality::Less | Inequality::LessOrEqual) => before(),
    };
    within.unwrap_or(Exists(path))
}

fn path(subject: &Subject) -> Path {
    match subject {
        Subject::Field(field) => Path::Field(*field),
        Subject::Account => Path::Field(Field::LogDistributionRoleArn),
        Subject::Label(key) => Path::Label(key.clone()),
    }
}

fn operator(comparator: Comparator) -> &'static str {
    match comparator {
        Comparator::Equal => "=",
        Comparator::NotEqual => "<>",
        Comparator::Ordered(inequality) => order(inequality),
    }
}

fn order(inequality: Inequality) -> &'static str {
    match inequality {
        Inequality::Less => "<",
        Inequality::LessOrEqual => "<=",
        Inequality::Greater => ">",
        Inequality::GreaterOrEqual => ">=",
    }
}

/// Writes a condition, with placeholders for its names and values.
struct Rendering<'a> {
    placeholders: &'a mut Placeholders,
    count: usize,
}

impl<'a> Rendering<'a> {
    fn new(placeholders: &'a mut Placeholders) -> Self {
        Self { placeholders, count: 0 }
    }

    fn whole(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::All(parts) => self.join(parts, " AND "),
            Condition::Any(parts) => self.join(parts, " OR "),
            Condition::Not(opposite) => format!("NOT {}", self.operand(opposite)),
            Condition::Exists(path) => format!("attribute_exists({})", self.path(path)),
            Condition::HasType(path, letters) => {
                let letters = self.placeholders.value(&format!("type_{letters}"), text(letters));
                format!("attribute_type({}, {letters})", self.path(path))
            }
            Condition::Compares(path, operator, value) => {
                format!("{} {operator} {}", self.path(path), self.value(value.clone()))
            }
            Condition::BeginsWith(path, beginning) => {
                format!("begins_with({}, {})", self.path(path), self.value(text(beginning)))
            }
            Condition::Contains(path, part) => format!("contains({}, {})", self.path(path), self.value(text(part))),
        }
    }

    fn join(&mut self, parts: &[Condition], operator: &str) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.part(part)).collect();
        parts.join(operator)
    }

    /// As a part of others. DynamoDB rejects redundant parentheses, so a condition has at most one pair.
    fn part(&mut self, condition: &Condition) -> String {
        let whole = self.whole(condition);
        match condition {
            Condition::All(_) | Condition::Any(_) => format!("({whole})"),
            _ => whole,
        }
    }

    /// After a `NOT`.
    fn operand(&mut self, condition: &Condition) -> String {
        let whole = self.whole(condition);
        match condition {
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) | Condition::Compares(..) => format!("({whole})"),
            _ => whole,
        }
    }

    fn path(&mut self, path: &Path) -> String {
        match path {
            Path::Field(field) => self.placeholders.name(field.name()),
            Path::Label(key) => {
                let labels = self.placeholders.name(Field::Labels.name());
                let label = format!("l{}", self.next());
                format!("{labels}.{}", self.placeholders.alias(&label, key))
            }
        }
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let label = format!("v{}", self.next());
        self.placeholders.value(&label, value)
    }

    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }
}

#[cfg(test)]
mod tests;
