//! The characters of a filter, read from left to right.

use super::{error::FilterError, expression::Pattern};
use crate::unknown_name::shorten_name;

/// A place in a filter. It counts bytes, so that reading on is cheap; an error counts characters.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    offset: usize,
}

/// What is between two quotes.
#[derive(Debug, Default)]
pub(super) struct Quoted {
    text: String,
    begins_open: bool,
    ends_open: bool,
}

impl Quoted {
    /// The text, unless it has a `*` for others.
    pub(super) fn exact(self) -> Option<String> {
        (!self.begins_open && !self.ends_open).then_some(self.text)
    }

    pub(super) fn pattern(self) -> Pattern {
        let Self {
            text,
            begins_open,
            ends_open,
        } = self;
        match (begins_open, ends_open) {
            (false, false) => Pattern::Exact(text),
            (true, false) => Pattern::End(text),
            // `**`
            (true, true) if !text.is_empty() => Pattern::Part(text),
            (_, true) => Pattern::Beginning(text),
        }
    }
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    /// Goes back to where the scanner has been.
    pub(super) const fn return_to(&mut self, offset: usize) {
        self.offset = offset;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_at_quote(&self) -> bool {
        matches!(self.peek(), Some('"' | '\''))
    }

    fn advance(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.offset += character.len_utf8();
        Some(character)
    }

    /// Whether there was any.
    pub(super) fn skip_white_space(&mut self) -> bool {
        !self.take_while(char::is_whitespace).is_empty()
    }

    /// Reads on behind `expected`, if that comes next.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let is_next = self.rest().starts_with(expected);
        if is_next {
            self.offset += expected.len();
        }
        is_next
    }

    /// The same, if the text does not go on with a character of a word.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let after = self.rest().strip_prefix(keyword);
        after.is_some_and(|after| !after.starts_with(is_in_word)) && self.take(keyword)
    }

    /// A text without quotes, up to white space or a character of the grammar. It may be empty.
    pub(super) fn word(&mut self) -> &'a str {
        self.take_while(is_in_word)
    }

    /// The same where a comparison can no longer begin: ARNs and times have colons.
    pub(super) fn value(&mut self) -> &'a str {
        self.take_while(|character| is_in_word(character) || character == ':')
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        self.offset += length;
        &rest[..length]
    }

    /// A text in quotes, of which the first comes next.
    pub(super) fn quoted(&mut self) -> Result<Quoted, FilterError> {
        let start = self.offset;
        let quote = self.advance();
        let mut quoted = Quoted::default();
        loop {
            let offset = self.offset;
            match self.advance() {
                None => return Err(self.error(start, "expected a closing quote, found the end of the filter")),
                character if character == quote => return Ok(quoted),
                Some('*') if self.peek() == quote => quoted.ends_open = true,
                Some('*') if quoted.text.is_empty() && !quoted.begins_open => quoted.begins_open = true,
                Some('*') => {
                    let problem = "expected * only as the first or the last character of a text (write \\* for the character itself)";
                    return Err(self.error(offset, problem));
                }
                Some('\\') => match self.advance() {
                    Some(character @ ('"' | '\'' | '\\' | '*')) => quoted.text.push(character),
                    _ => return Err(self.error(offset, "expected a quote, \\ or * after \\ in a text")),
                },
                Some(character) => quoted.text.push(character),
            }
        }
    }

    /// An error about what begins at `offset`.
    pub(super) fn error(&self, offset: usize, problem: impl Into<String>) -> FilterError {
        FilterError {
            position: self.text[..offset].chars().count() + 1,
            problem: problem.into(),
        }
    }

    /// An error about what comes next.
    pub(super) fn expected(&self, expected: &str) -> FilterError {
        let rest = self.rest();
        let next = rest.split(char::is_whitespace).next().unwrap_or_default();
        let found = match rest {
            "" => "the end of the filter".to_owned(),
            _ if next.is_empty() => "white space".to_owned(),
            _ => shorten_name(next),
        };
        self.error(self.offset, format!("expected {expected}, found {found}"))
    }
}

fn is_in_word(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(
            character,
            '(' | ')' | ',' | '"' | '\'' | '\\' | ':' | '=' | '!' | '<' | '>'
        )
}
