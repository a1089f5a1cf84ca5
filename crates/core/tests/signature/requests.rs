//! A client, a gateway and the verification between them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use tenant_core::signature::{
    BodyDigest, CandidateUris, Message, Method, Signature, SignatureError, SignedRequest, SigningKey, Timestamp, Uri,
    sign,
};

/// Decoded query pairs.
pub(crate) type Pairs = Vec<(String, String)>;

/// The stage in the request line of an `execute-api` host.
pub(crate) const STAGE: &str = "/development";

const UNRESERVED_KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request as it arrives: the path after the stage, and the query as the gateway decoded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Pairs,
    pub(crate) timestamp: String,
    pub(crate) digest: Option<String>,
}

impl Arrived {
    /// Verifies the request as the authorizer does, except for the clock.
    pub(crate) fn verify(&self, key: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let context_path = format!("{STAGE}{}", self.path);
        let request = SignedRequest {
            method: Method::parse(&self.method)?,
            uris: CandidateUris::new([self.path.as_str(), &context_path], &self.query)?,
            timestamp: Timestamp::parse(&self.timestamp)?,
            body_digest: self.digest.as_deref().map(BodyDigest::parse).transpose()?,
            signature: signature.clone(),
        };
        let key = SigningKey::new(key).map_err(|_| SignatureError::WrongSignature)?;
        request.verify(&key)
    }

    /// Signs the request with this URI, as a client does that does not know the gateway.
    pub(crate) fn sign(&self, key: &[u8], uri: &str) -> Signature {
        let digest = self.digest.as_deref().map(|digest| BodyDigest::parse(digest).unwrap());
        let message = Message {
            method: &Method::parse(&self.method).unwrap(),
            uri: &Uri::parse(uri).unwrap(),
            timestamp: &Timestamp::parse(&self.timestamp).unwrap(),
            body_digest: digest.as_ref(),
        };
        sign(&SigningKey::new(key).unwrap(), &message)
    }

    /// The canonical URI.
    pub(crate) fn canonical_uri(&self) -> String {
        let mut sorted = self.query.clone();
        sorted.sort_by_key(|(name, _)| encode(name));
        uri(&self.path, &sorted, Form::Encoded)
    }
}

/// How a client writes the pairs of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Percent-encoded.
    Encoded,
    /// Percent-encoded, with `+` for a space.
    EncodedWithPlus,
    /// As the URL standard encodes forms.
    UrlEncoded,
    /// Unencoded.
    Plain,
}

/// Every form.
pub(crate) const FORMS: [Form; 4] = [Form::Encoded, Form::EncodedWithPlus, Form::UrlEncoded, Form::Plain];

impl Form {
    /// A form that is unambiguous for any query.
    pub(crate) fn or_encoded(self) -> Self {
        if self == Self::Plain { Self::Encoded } else { self }
    }

    fn write(self, text: &str) -> String {
        match self {
            Self::Encoded => encode(text),
            Self::EncodedWithPlus => encode(text).replace("%20", "+"),
            Self::UrlEncoded => encode(text).replace("%20", "+").replace('~', "%7E").replace("%2A", "*"),
            Self::Plain => text.to_owned(),
        }
    }
}

/// A path and the pairs in this order.
pub(crate) fn uri(path: &str, pairs: &Pairs, form: Form) -> String {
    let texts: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", form.write(name), form.write(value)))
        .collect();
    if texts.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", texts.join("&"))
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED_KEPT).to_string()
}

/// The pairs as a gateway passes them on: names in any order, the values of one name in the order of the wire.
pub(crate) fn gathered_by_name(wire: &Pairs, names: &[String]) -> Pairs {
    let is_first = |at: usize| names[..at].iter().all(|name| *name != names[at]);
    (0..names.len())
        .filter(|at| is_first(*at))
        .flat_map(|at| wire.iter().filter(move |pair| pair.0 == names[at]).cloned())
        .collect()
}

pub(crate) fn methods() -> impl Strategy<Value = String> {
    "[A-Z]{1,8}"
}

pub(crate) fn paths() -> impl Strategy<Value = String> {
    "(/[a-zA-Z0-9_~-]{1,12}){1,5}"
}

/// Timestamps of every form. The days exist in every month.
pub(crate) fn timestamps() -> impl Strategy<Value = String> {
    "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?"
}

pub(crate) fn digests() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[0-9a-f]{64}|[0-9A-F]{64}")
}

pub(crate) fn keys() -> impl Strategy<Value = Vec<u8>> {
    // Of at least 16 bytes after a change of the last one to a line end, and no longer than a block of SHA-256.
    proptest::collection::vec(any::<u8>(), 20..64).prop_filter("a line end at the end is not part of the key", |key| {
        !matches!(key.last(), Some(b'\r' | b'\n'))
    })
}

/// Up to `most` pairs of any text; few names, so that some repeat.
pub(crate) fn queries(most: usize) -> impl Strategy<Value = Pairs> {
    let name = prop_oneof![
        Just("limit".to_owned()),
        Just("last_key".to_owned()),
        "[a-z]{0,3}",
        any::<String>()
    ];
    let value = prop_oneof!["[a-zA-Z0-9_-]{0,12}", "[a-z]{1,8}#(s3|cloudwatch)", any::<String>()];
    proptest::collection::vec((name, value), 0..=most).prop_filter("the URI must not be too long", |pairs| {
        uri("", pairs, Form::Encoded).len() < 1_900
    })
}

pub(crate) fn arrived(most_pairs: usize) -> impl Strategy<Value = Arrived> {
    (methods(), paths(), queries(most_pairs), timestamps(), digests()).prop_map(
        |(method, path, query, timestamp, digest)| Arrived {
            method,
            path,
            query,
            timestamp,
            digest,
        },
    )
}
