//! From names, operators and values to terms, by the type of the field.

use chrono::{DateTime, Datelike, Utc};

use super::{
    expression::{Comparator, Inequality, Pattern, Subject, Term, TextTest},
    scanner::Quoted,
};
use crate::{
    config::{Field, Shape},
    unknown_name::{nearest_name, shorten_name},
};

pub(super) const ACCOUNT: &str = "account";
pub(super) const LABELS: &str = Field::Labels.name();
/// How the name of each label begins.
pub(super) const LABEL: &str = "labels.";
pub(super) const BROKEN: &str = "broken";
pub(super) const DELIVERS: &str = "delivers";

/// An operator.
#[derive(Debug, Clone, Copy)]
pub(super) enum Symbol {
    Comparator(Comparator),
    /// `:`, "has".
    Has,
}

impl Symbol {
    /// The longer of two that begin alike comes first.
    pub(super) const ALL: [(&str, Self); 7] = [
        ("<=", Self::Comparator(Comparator::Ordered(Inequality::LessOrEqual))),
        ("<", Self::Comparator(Comparator::Ordered(Inequality::Less))),
        (">=", Self::Comparator(Comparator::Ordered(Inequality::GreaterOrEqual))),
        (">", Self::Comparator(Comparator::Ordered(Inequality::Greater))),
        ("!=", Self::Comparator(Comparator::NotEqual)),
        ("=", Self::Comparator(Comparator::Equal)),
        (":", Self::Has),
    ];
}

/// What is behind an operator.
#[derive(Debug)]
pub(super) enum Literal {
    /// `*` without quotes.
    Anything,
    /// A text without quotes and without `*`. It is not empty.
    Bare(String),
    /// A text in quotes.
    Quoted(Quoted),
}

impl Literal {
    /// The text, unless it has a `*` for others.
    fn exact(self) -> Option<String> {
        match self {
            Self::Anything => None,
            Self::Bare(text) => Some(text),
            Self::Quoted(quoted) => quoted.exact(),
        }
    }

    /// The text without quotes.
    fn bare(self) -> Option<String> {
        match self {
            Self::Bare(text) => Some(text),
            Self::Anything | Self::Quoted(_) => None,
        }
    }

    fn pattern(self) -> Pattern {
        match self {
            Self::Anything => Pattern::Beginning(String::new()),
            Self::Bare(text) => Pattern::Exact(text),
            Self::Quoted(quoted) => quoted.pattern(),
        }
    }
}

/// What is wrong with a comparison, and which part of it.
#[derive(Debug)]
pub(super) enum Mistake {
    Symbol(String),
    Literal(String),
}

/// What a name means. `None` if it means nothing, and for a single label.
pub(super) fn subject(name: &str) -> Option<Subject> {
    match name {
        ACCOUNT => Some(Subject::Account),
        name => Field::from_name(name).map(Subject::Field),
    }
}

/// The label with this key, if a label can have it.
pub(super) fn label(key: Option<String>) -> Result<Subject, String> {
    /// As for the labels that clients write.
    const MAX_CHARS: usize = 63;
    let key = key.filter(|key| (1..=MAX_CHARS).contains(&key.chars().count()));
    key.map(Subject::Label)
        .ok_or_else(|| format!("expected the key of a label, of 1 to {MAX_CHARS} characters and without *"))
}

/// What to report about an unknown name, with the nearest known one.
pub(super) fn unknown(name: &str) -> String {
    let known = Field::ALL
        .map(Field::name)
        .into_iter()
        .chain([ACCOUNT, BROKEN, DELIVERS]);
    let first = name.split('.').next().unwrap_or_default();
    let suggestion = nearest_name(first, known).map_or_else(
        || "for a word, leave out the comparison or put all of it in quotes".to_owned(),
        |nearest| format!("did you mean {nearest}?"),
    );
    format!("{} is not a field ({suggestion})", shorten_name(name))
}

/// What the values of a subject are.
enum Kind {
    Text,
    Account,
    Boolean(Field),
    Names(Field),
    Seconds(Field),
    Time(Field),
    Labels,
}

fn kind(subject: &Subject) -> Kind {
    match subject {
        Subject::Label(_) => Kind::Text,
        Subject::Account => Kind::Account,
        Subject::Field(field) => match field.spec().shape {
            Shape::Text { .. } | Shape::DeliveryType => Kind::Text,
            Shape::Boolean => Kind::Boolean(*field),
            Shape::Names { .. } => Kind::Names(*field),
            Shape::UnixSeconds { .. } => Kind::Seconds(*field),
            Shape::Time => Kind::Time(*field),
            Shape::Map { .. } => Kind::Labels,
        },
    }
}

/// The term of a comparison.
pub(super) fn term(subject: Subject, symbol: Symbol, literal: Literal) -> Result<Term, Mistake> {
    if let Literal::Anything = literal {
        return match symbol {
            Symbol::Has => Ok(Term::Present(subject)),
            Symbol::Comparator(_) => Err(Mistake::Literal(format!(
                "expected a value, since * alone follows only a colon, as in {subject}:*"
            ))),
        };
    }
    match (kind(&subject), symbol) {
        (Kind::Text, Symbol::Comparator(comparator)) => text(subject, comparator, literal),
        (Kind::Account, Symbol::Comparator(comparator)) => account(comparator, literal),
        (Kind::Boolean(field), Symbol::Comparator(comparator)) => boolean(field, comparator, literal),
        (Kind::Seconds(field), Symbol::Comparator(comparator)) => seconds(field, comparator, literal),
        (Kind::Time(field), Symbol::Comparator(comparator)) => time(field, comparator, literal),
        (Kind::Names(field), Symbol::Has) => Ok(Term::Contains {
            field,
            name: literal.pattern(),
        }),
        (Kind::Labels, Symbol::Has) => label(literal.exact()).map(Term::Present).map_err(Mistake::Literal),
        (Kind::Names(field), Symbol::Comparator(_)) => Err(Mistake::Symbol(format!(
            "expected : after {field}, as in {field}:\"payment-service\""
        ))),
        (Kind::Labels, Symbol::Comparator(_)) => Err(Mistake::Symbol(format!(
            "expected the key of a label before a comparison, as in {LABELS}.env = \"production\""
        ))),
        (_, Symbol::Has) => Err(Mistake::Symbol(format!(
            "expected = or another comparison with {subject}, since only * can follow {subject}:"
        ))),
    }
}

fn text(subject: Subject, comparator: Comparator, literal: Literal) -> Result<Term, Mistake> {
    let test = match comparator {
        Comparator::Equal => TextTest::Is(literal.pattern()),
        Comparator::NotEqual => TextTest::IsNot(literal.pattern()),
        Comparator::Ordered(inequality) => {
            let whole = literal.exact().ok_or_else(|| {
                Mistake::Literal(format!(
                    "expected a text without * after {inequality} (= and != take one with it)"
                ))
            })?;
            TextTest::Ordered(inequality, whole)
        }
    };
    Ok(Term::Text { subject, test })
}

fn account(comparator: Comparator, literal: Literal) -> Result<Term, Mistake> {
    const DIGITS: usize = 12;
    let term = text(Subject::Account, comparator, literal)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_valid = match &term {
        Term::Text {
            test:
                TextTest::Is(Pattern::Exact(whole)) | TextTest::IsNot(Pattern::Exact(whole)) | TextTest::Ordered(_, whole),
            ..
        } => whole.len() == DIGITS && is_number(whole),
        Term::Text {
            test: TextTest::Is(part) | TextTest::IsNot(part),
            ..
        } => part.text().len() <= DIGITS && is_number(part.text()),
        _ => false,
    };
    if is_valid {
        Ok(term)
    } else {
        let problem = "expected the 12 digits of an account, or some of them and *, as in \"1234*\"";
        Err(Mistake::Literal(problem.to_owned()))
    }
}

fn boolean(field: Field, comparator: Comparator, literal: Literal) -> Result<Term, Mistake> {
    let is_equal = match comparator {
        Comparator::Equal => true,
        Comparator::NotEqual => false,
        Comparator::Ordered(_) => return Err(Mistake::Symbol(format!("expected = or != after {field}"))),
    };
    let value = match literal.bare().as_deref() {
        Some("true") => true,
        Some("false") => false,
        _ => {
            return Err(Mistake::Literal(format!(
                "expected true or false for {field}, without quotes"
            )));
        }
    };
    Ok(Term::Boolean {
        field,
        // What is neither true nor false compares with neither.
        value: value == is_equal,
    })
}

fn seconds(field: Field, comparator: Comparator, literal: Literal) -> Result<Term, Mistake> {
    /// Up to which a double has every whole number.
    const LARGEST: u64 = 1 << 53;
    let text = literal.bare().filter(|text| !text.starts_with('+'));
    let value = text.and_then(|text| text.parse::<i64>().ok());
    match value.filter(|value| value.unsigned_abs() <= LARGEST) {
        Some(value) => Ok(Term::Number {
            field,
            comparator,
            value,
        }),
        None => Err(Mistake::Literal(format!(
            "expected whole Unix seconds for {field}, without quotes, such as 4102444800"
        ))),
    }
}

fn time(field: Field, comparator: Comparator, literal: Literal) -> Result<Term, Mistake> {
    let time = literal
        .exact()
        .and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    // An offset can move a time out of the years that the format has.
    match time.map(|time| time.to_utc()).filter(has_four_digit_year) {
        Some(value) => Ok(Term::Time {
            field,
            comparator,
            value,
        }),
        None => Err(Mistake::Literal(format!(
            "expected an RFC 3339 time for {field}, such as 2024-01-15T10:30:00Z"
        ))),
    }
}

fn has_four_digit_year(time: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year())
}
