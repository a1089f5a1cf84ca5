//! Filters as trees, and their evaluation on the attributes of an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::DateTime;

pub(crate) type Item = HashMap<String, AttributeValue>;

#[derive(Debug, Clone)]
pub(super) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Leaf(Leaf),
}

#[derive(Debug, Clone)]
pub(super) enum Leaf {
    Present(&'static str),
    /// `=` or `!=` with a text that can have an asterisk at its ends.
    Like(&'static str, bool, Like),
    /// One of `<`, `<=`, `>`, `>=`.
    Order(&'static str, &'static str, String),
    Enabled(bool),
    /// Any operator and seconds.
    Ttl(&'static str, i64),
    /// Any operator and a time.
    Time(&'static str, &'static str, String),
    Listed(Like),
    Delivers(String),
    Broken,
    Word(String),
}

/// A text with an asterisk before it, or after it.
#[derive(Debug, Clone)]
pub(super) struct Like {
    pub(super) before: bool,
    pub(super) text: String,
    pub(super) after: bool,
}

/// The name for the account of a role. No attribute has it.
pub(super) const ACCOUNT: &str = "account";

impl Tree {
    pub(super) fn holds(&self, item: &Item, is_broken: bool) -> bool {
        match self {
            Self::And(trees) => !trees.iter().any(|tree| !tree.holds(item, is_broken)),
            Self::Or(trees) => !trees.iter().all(|tree| !tree.holds(item, is_broken)),
            Self::Not(tree) => !tree.holds(item, is_broken),
            Self::Leaf(leaf) => leaf.holds(item, is_broken),
        }
    }
}

impl Leaf {
    fn holds(&self, item: &Item, is_broken: bool) -> bool {
        match self {
            Self::Present(ACCOUNT) => text_in(item, ACCOUNT).is_some(),
            Self::Present(name) => !is_missing(item.get(*name)),
            Self::Like(name, is_equal, like) => text_in(item, name).is_some_and(|text| like.fits(text) == *is_equal),
            Self::Order(name, operator, other) => {
                text_in(item, name).is_some_and(|text| ordered(text.as_bytes(), operator, other.as_bytes()))
            }
            Self::Enabled(wanted) => match item.get("enabled") {
                Some(AttributeValue::Bool(stored)) => stored == wanted,
                stored => is_missing(stored) && !wanted,
            },
            Self::Ttl(operator, seconds) => item
                .get("ttl")
                .and_then(shown_number)
                .is_some_and(|stored| ordered(&stored, operator, &as_double(*seconds))),
            Self::Time(name, operator, time) => {
                let stored = text_in(item, name).and_then(nanoseconds);
                stored.is_some_and(|stored| ordered(&stored, operator, &nanoseconds(time).unwrap()))
            }
            Self::Listed(like) => entries(item).is_some_and(|entries| entries.iter().any(|entry| like.fits(entry))),
            Self::Delivers(name) => is_delivering(item) && wants(item, name),
            Self::Broken => is_broken,
            Self::Word(word) => [
                "tenant_id",
                "bucket_name",
                "log_group_name",
                "log_distribution_role_arn",
            ]
            .iter()
            .filter_map(|name| text_in(item, name))
            .any(|text| has_part(text, word)),
        }
    }
}

impl Like {
    fn fits(&self, text: &str) -> bool {
        let (text, part) = (text.as_bytes(), self.text.as_bytes());
        match (self.before, self.after) {
            (false, false) => text == part,
            (false, true) => text.get(..part.len()) == Some(part),
            (true, false) => text.len() >= part.len() && &text[text.len() - part.len()..] == part,
            (true, true) => part.is_empty() || text.windows(part.len()).any(|window| window == part),
        }
    }
}

fn has_part(text: &str, part: &str) -> bool {
    text.as_bytes()
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

fn is_missing(value: Option<&AttributeValue>) -> bool {
    matches!(value, None | Some(AttributeValue::Null(_)))
}

fn text_in<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    if name == ACCOUNT {
        let role = text_in(item, "log_distribution_role_arn")?;
        // The colons before and after it.
        let colons: Vec<_> = role.match_indices(':').map(|(place, _)| place).collect();
        let (begin, end) = (colons.get(3)? + 1, colons.get(4).copied().unwrap_or(role.len()));
        let digits = &role[begin..end];
        let is_account =
            role.starts_with("arn:") && end - begin == 12 && digits.chars().all(|digit| digit.is_ascii_digit());
        return is_account.then_some(digits);
    }
    match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

fn ordered<T: PartialOrd + ?Sized>(one: &T, operator: &str, other: &T) -> bool {
    match operator {
        "=" => one == other,
        "!=" => one != other,
        "<" => one < other,
        "<=" => one <= other,
        ">" => one > other,
        ">=" => one >= other,
        _ => unreachable!("{operator}"),
    }
}

/// A number that JSON shows as it is stored. Those of the test have at most 15 digits, so that doubles compare exactly.
fn shown_number(value: &AttributeValue) -> Option<f64> {
    let number = value.as_n().ok()?;
    let shown: f64 = number.parse().ok()?;
    let is_plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte))
        && number.len() < 16;
    is_plain.then_some(shown)
}

#[expect(clippy::cast_precision_loss, reason = "the seconds of the test stay far below 2^52")]
fn as_double(seconds: i64) -> f64 {
    seconds as f64
}

fn nanoseconds(time: &str) -> Option<i128> {
    let time = DateTime::parse_from_rfc3339(time).ok()?;
    Some(i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos()))
}

/// The texts in a list or a set of texts.
fn entries(item: &Item) -> Option<Vec<&str>> {
    match item.get("desired_logs")? {
        AttributeValue::L(values) => Some(
            values
                .iter()
                .filter_map(|value| value.as_s().ok().map(String::as_str))
                .collect(),
        ),
        AttributeValue::Ss(texts) => Some(texts.iter().map(String::as_str).collect()),
        _ => None,
    }
}

fn is_delivering(item: &Item) -> bool {
    matches!(item.get("enabled"), Some(AttributeValue::Bool(true)))
}

fn wants(item: &Item, name: &str) -> bool {
    let stored = item.get("desired_logs");
    let names_nothing = match stored {
        Some(AttributeValue::L(values)) => values.iter().all(|value| value.as_s().is_ok_and(String::is_empty)),
        Some(AttributeValue::Ss(texts)) => texts.iter().all(String::is_empty),
        stored => is_missing(stored),
    };
    names_nothing || entries(item).is_some_and(|entries| entries.contains(&name))
}

/// Five years less a day: no item of the test expires near the limit.
pub(super) fn is_expired(item: &Item, now: i64) -> bool {
    let ttl = item.get("ttl").and_then(|ttl| ttl.as_n().ok());
    let seconds = ttl.and_then(|ttl| ttl.parse::<f64>().ok());
    seconds.is_some_and(|seconds| seconds <= as_double(now) && seconds > as_double(now - 5 * 365 * 86_400))
}
