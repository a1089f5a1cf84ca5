//! The grammar: `OR` binds tighter than `AND`, and `AND` can be left out, as in AIP-160.
//!
//! Source: the EBNF of AIP-160, <https://google.aip.dev/assets/misc/ebnf-filtering.txt>.

use super::{
    error::FilterError,
    expression::{Expression, Subject, Term},
    resolve::{self, BROKEN, DELIVERS, LABEL, Literal, Mistake, Symbol},
    scanner::{Quoted, Scanner},
};
use crate::unknown_name::shorten_name;

pub(super) const MAX_CHARS: usize = 1024;
pub(super) const MAX_TERMS: usize = 20;
pub(super) const MAX_DEPTH: usize = 8;

const AND: &str = "AND";
const OR: &str = "OR";
const NOT: &str = "NOT";
const KEYWORDS: [&str; 3] = [AND, OR, NOT];
/// `None` if the text is empty or blank.
pub(super) fn parse(text: &str) -> Result<Option<Expression>, FilterError> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        terms: 0,
        depth: 0,
    };
    if text.chars().count() > MAX_CHARS {
        return Err(FilterError {
            position: MAX_CHARS + 1,
            problem: format!("expected at most {MAX_CHARS} characters"),
        });
    }
    parser.scanner.skip_white_space();
    if parser.scanner.peek().is_none() {
        return Ok(None);
    }
    let expression = parser.expression()?;
    if parser.scanner.peek().is_some() {
        return Err(parser
            .scanner
            .expected("AND, OR, another term or the end of the filter"));
    }
    if expression.depth() > MAX_DEPTH {
        return Err(parser.scanner.error(0, too_deep()));
    }
    Ok(Some(expression))
}

fn too_deep() -> String {
    format!("expected at most {MAX_DEPTH} groups within each other")
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    /// How many have begun.
    terms: usize,
    /// How many groups are open.
    depth: usize,
}

impl Parser<'_> {
    /// Factors up to the end of the group or of the filter, joined by `AND` or by white space.
    fn expression(&mut self) -> Result<Expression, FilterError> {
        let mut factors = vec![self.factor()?];
        while !matches!(self.scanner.peek(), None | Some(')')) {
            self.take_keyword(AND);
            factors.push(self.factor()?);
        }
        Ok(Expression::all(factors))
    }

    /// Terms joined by `OR`, and the white space behind them.
    fn factor(&mut self) -> Result<Expression, FilterError> {
        let mut terms = vec![self.term()?];
        while self.take_keyword(OR) {
            terms.push(self.term()?);
        }
        Ok(Expression::any(terms))
    }

    /// A term and the white space behind it.
    fn term(&mut self) -> Result<Expression, FilterError> {
        let is_negated = self.take_keyword(NOT) || self.scanner.take("-");
        let term = if self.scanner.peek() == Some('(') {
            self.group()?
        } else {
            Expression::Term(self.restriction()?)
        };
        let is_apart = self.scanner.skip_white_space();
        if !is_apart && !matches!(self.scanner.peek(), None | Some(')')) {
            return Err(self.scanner.expected("white space"));
        }
        Ok(if is_negated { term.negate() } else { term })
    }

    fn group(&mut self) -> Result<Expression, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.scanner.error(self.scanner.offset(), too_deep()));
        }
        self.scanner.take("(");
        self.scanner.skip_white_space();
        let expression = self.expression()?;
        self.close("AND, OR, another term or )")?;
        self.depth -= 1;
        Ok(expression)
    }

    /// A comparison, a function or a word.
    fn restriction(&mut self) -> Result<Term, FilterError> {
        let start = self.scanner.offset();
        self.terms += 1;
        if self.terms > MAX_TERMS {
            let problem = format!("expected at most {MAX_TERMS} terms");
            return Err(self.scanner.error(start, problem));
        }
        if self.scanner.is_at_quote() {
            let word = self.scanner.quoted()?;
            return self.quoted_word(word, start);
        }
        let name = self.scanner.word();
        if name.is_empty() || KEYWORDS.contains(&name) {
            self.scanner.return_to(start);
            return Err(self.scanner.expected("a term"));
        }
        if self.scanner.peek() == Some('(') {
            return self.function(name, start);
        }
        let key = if name == LABEL && self.scanner.is_at_quote() {
            Some(self.scanner.quoted()?)
        } else {
            None
        };
        match self.comparison()? {
            Some(comparison) => {
                let subject = self.subject(name, key, start)?;
                resolve::term(subject, comparison.symbol, comparison.literal).map_err(|mistake| match mistake {
                    Mistake::Symbol(problem) => self.scanner.error(comparison.symbol_offset, problem),
                    Mistake::Literal(problem) => self.scanner.error(comparison.literal_offset, problem),
                })
            }
            None => self.bare(name, start),
        }
    }

    /// An operator and what is behind it, if an operator comes next.
    fn comparison(&mut self) -> Result<Option<Comparison>, FilterError> {
        let end = self.scanner.offset();
        self.scanner.skip_white_space();
        let symbol_offset = self.scanner.offset();
        let symbol = Symbol::ALL
            .into_iter()
            .find(|(text, _)| self.scanner.take(text))
            .map(|(_, symbol)| symbol);
        let Some(symbol) = symbol else {
            self.scanner.return_to(end);
            return Ok(None);
        };
        self.scanner.skip_white_space();
        let literal_offset = self.scanner.offset();
        Ok(Some(Comparison {
            symbol,
            symbol_offset,
            literal: self.literal()?,
            literal_offset,
        }))
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        if self.scanner.is_at_quote() {
            return self.scanner.quoted().map(Literal::Quoted);
        }
        let start = self.scanner.offset();
        let text = self.scanner.value();
        if text.is_empty() || KEYWORDS.contains(&text) {
            self.scanner.return_to(start);
            return Err(self.scanner.expected("a value"));
        }
        match text {
            "*" => Ok(Literal::Anything),
            _ if text.contains('*') => Err(self
                .scanner
                .error(start, "expected quotes around a text with *, as in \"acme-*\"")),
            _ => Ok(Literal::Bare(text.to_owned())),
        }
    }

    /// What the name before an operator means.
    fn subject(&self, name: &str, key: Option<Quoted>, start: usize) -> Result<Subject, FilterError> {
        let error = |problem: String| Err(self.scanner.error(start, problem));
        if let Some(bare_key) = name.strip_prefix(LABEL) {
            let key = match key {
                Some(quoted) => quoted.exact(),
                None => Some(bare_key.to_owned()),
            };
            return resolve::label(key).or_else(error);
        }
        match resolve::subject(name) {
            Some(subject) => Ok(subject),
            None if name == BROKEN => error(format!(
                "expected no comparison with {BROKEN} (NOT {BROKEN} is the opposite)"
            )),
            None => error(resolve::unknown(name)),
        }
    }

    /// A name without a comparison: `broken`, or a word.
    fn bare(&self, name: &str, start: usize) -> Result<Term, FilterError> {
        const AS_WORD: &str = "to search for the word, put it in quotes";
        let error = |problem: String| Err(self.scanner.error(start, problem));
        if name == BROKEN {
            return Ok(Term::Broken);
        }
        if name == DELIVERS {
            return error(format!(
                "expected the name of an application, as in {DELIVERS}(\"payment-service\") ({AS_WORD})"
            ));
        }
        if resolve::subject(name).is_some() || name.starts_with(LABEL) {
            let name = shorten_name(name);
            return error(format!("expected a comparison with {name}, or {name}:* ({AS_WORD})"));
        }
        if KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(name)) {
            return error(format!(
                "expected {} in upper case ({AS_WORD})",
                name.to_ascii_uppercase()
            ));
        }
        if name.contains('*') {
            return error(NO_ASTERISK.to_owned());
        }
        // After another one, or after NOT.
        if name.starts_with('-') {
            return error(format!("expected a term, found - ({AS_WORD})"));
        }
        Ok(Term::Word(name.to_owned()))
    }

    fn quoted_word(&mut self, word: Quoted, start: usize) -> Result<Term, FilterError> {
        if self.comparison()?.is_some() {
            let problem = "expected the name of a field before a comparison, without quotes";
            return Err(self.scanner.error(start, problem));
        }
        match word.exact() {
            None => Err(self.scanner.error(start, NO_ASTERISK)),
            Some(word) if word.is_empty() => Err(self.scanner.error(start, "expected a word that is not empty")),
            Some(word) => Ok(Term::Word(word)),
        }
    }

    fn function(&mut self, name: &str, start: usize) -> Result<Term, FilterError> {
        if name != DELIVERS {
            let name = shorten_name(name);
            let problem = format!("{name} is not a function (the only one is {DELIVERS})");
            return Err(self.scanner.error(start, problem));
        }
        self.scanner.take("(");
        self.scanner.skip_white_space();
        let argument = self.scanner.offset();
        let name = match self.literal()? {
            Literal::Quoted(quoted) => quoted.exact(),
            Literal::Bare(name) => Some(name),
            Literal::Anything => None,
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            let problem = "expected the whole name of an application, without *";
            return Err(self.scanner.error(argument, problem));
        };
        self.scanner.skip_white_space();
        self.close(")")?;
        Ok(Term::Delivers(name))
    }

    fn close(&mut self, expected: &str) -> Result<(), FilterError> {
        if self.scanner.take(")") {
            Ok(())
        } else {
            Err(self.scanner.expected(expected))
        }
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.scanner.take_keyword(keyword);
        if is_next {
            self.scanner.skip_white_space();
        }
        is_next
    }
}

const NO_ASTERISK: &str = "expected a word without *, since a word is found anywhere in a text";

struct Comparison {
    symbol: Symbol,
    symbol_offset: usize,
    literal: Literal,
    literal_offset: usize,
}
