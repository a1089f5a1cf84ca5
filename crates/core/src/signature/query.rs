//! The texts that a decoded query may have been before decoding.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{MAX_QUERY_PAIRS, SignatureError, query_orders::QueryOrders, uri::check_query};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Everything but what the URL standard keeps in `application/x-www-form-urlencoded`, as browsers and Java do.
const FORM_RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
/// The characters that have another meaning unencoded in a query.
const AMBIGUOUS: [char; 5] = ['&', '=', '%', '+', '#'];
/// The one parameter whose value may contain an unencoded `#`: the paging key, `tenant_id#type`.
const PAGING_KEY: &str = "last_key";

/// The pairs of a query in each encoding, and unencoded if that is unambiguous, with the orders in which they may have been
/// sent.
pub(super) struct CandidateQuery {
    forms: Vec<Form>,
    orders: QueryOrders,
}

/// Every pair as `name=value`, sorted by encoded name, all in one encoding.
struct Form {
    pairs: Vec<String>,
}

impl CandidateQuery {
    /// The query of these decoded pairs, in the event's order. `None` if there are none.
    pub(super) fn new<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Result<Option<Self>, SignatureError> {
        match pairs.len() {
            0 => return Ok(None),
            1..=MAX_QUERY_PAIRS => {}
            _ => return Err(SignatureError::TooManyQueryPairs),
        }
        let received: Vec<Pair<'_>> = pairs
            .iter()
            .map(|(name, value)| Pair::new(name.as_ref(), value.as_ref()))
            .collect();
        // The sort is stable: values of one name keep their order.
        let mut sorted: Vec<&Pair<'_>> = received.iter().collect();
        sorted.sort_by(|a, b| a.encoded_name.cmp(&b.encoded_name));

        let mut forms: Vec<Form> = Vec::new();
        for pairs in [
            Some(sorted.iter().map(|pair| pair.encoded()).collect()),
            // `+` is a space in both, and in no other form. Python and Go escape `*` and keep `~`, the URL standard and Java
            // do the opposite.
            Some(sorted.iter().map(|pair| pair.encoded_with_plus()).collect()),
            Some(sorted.iter().map(|pair| pair.form_encoded()).collect()),
            sorted.iter().map(|pair| pair.plain()).collect(),
        ]
        .into_iter()
        .flatten()
        {
            let form = Form { pairs };
            if forms.iter().all(|other| other.pairs != form.pairs) {
                forms.push(form);
            }
        }

        let sorted_names: Vec<&str> = sorted.iter().map(|pair| pair.encoded_name.as_str()).collect();
        let received_names: Vec<&str> = received.iter().map(|pair| pair.encoded_name.as_str()).collect();
        let orders = QueryOrders::new(&sorted_names, &received_names);
        Ok(Some(Self { forms, orders }))
    }

    /// The texts of up to `max_bytes`: the canonical one, then its other orders, then the other forms in the same orders.
    pub(super) fn texts(&self, max_bytes: usize) -> impl Iterator<Item = String> {
        self.forms
            .iter()
            .filter(move |form| form.len() <= max_bytes)
            .flat_map(|form| self.orders.iter().map(|order| form.text(&order)))
    }
}

impl Form {
    /// The length of the query, which is the same in every order.
    fn len(&self) -> usize {
        self.pairs.iter().map(String::len).sum::<usize>() + self.pairs.len() - 1
    }

    fn text(&self, order: &[usize]) -> String {
        let mut text = String::with_capacity(self.len());
        for &position in order {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(&self.pairs[position]);
        }
        text
    }
}

struct Pair<'a> {
    name: &'a str,
    value: &'a str,
    encoded_name: String,
}

impl<'a> Pair<'a> {
    fn new(name: &'a str, value: &'a str) -> Self {
        Self {
            name,
            value,
            encoded_name: utf8_percent_encode(name, RESERVED).to_string(),
        }
    }

    fn encoded(&self) -> String {
        format!("{}={}", self.encoded_name, utf8_percent_encode(self.value, RESERVED))
    }

    /// With `+` for a space, as Python and Go write it.
    fn encoded_with_plus(&self) -> String {
        self.encoded().replace("%20", "+")
    }

    /// `application/x-www-form-urlencoded`, as the URL standard and Java write it.
    fn form_encoded(&self) -> String {
        let encode = |text| utf8_percent_encode(text, FORM_RESERVED);
        format!("{}={}", encode(self.name), encode(self.value)).replace("%20", "+")
    }

    /// The unencoded pair, if it is unambiguous and follows the grammar.
    fn plain(&self) -> Option<String> {
        let ambiguous_value = |c: char| AMBIGUOUS.contains(&c) && !(c == '#' && self.name == PAGING_KEY);
        if self.name.contains(AMBIGUOUS) || self.value.contains(ambiguous_value) {
            return None;
        }
        let text = format!("{}={}", self.name, self.value);
        check_query(&text).ok().map(|()| text)
    }
}
