//! Who makes a change, and what they say about it in `X-Change-Note`.

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use tenant_core::history::{ChangeKind, ChangeNote, LastChange};

use super::{
    context::{Now, Origin},
    rejection::NoteError,
};

const CHANGE_NOTE: &str = "x-change-note";

/// The author of a change. Every handler that writes takes one.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    /// The request.
    pub(crate) origin: Origin,
    note: Option<ChangeNote>,
    now: Now,
}

impl Author {
    /// The change that this request makes.
    pub(crate) fn change(&self, kind: ChangeKind) -> LastChange {
        LastChange {
            request_id: self.origin.request_id.clone(),
            kind,
            key: self.origin.actor.key_version.clone(),
            at: self.now.0,
            note: self.note.clone(),
            cause: None,
            restored_from: None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Author {
    type Rejection = NoteError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoteError> {
        let note = read_note(&parts.headers)?;
        let Ok(origin) = Origin::from_request_parts(parts, state).await;
        let Ok(now) = Now::from_request_parts(parts, state).await;
        Ok(Self { origin, note, now })
    }
}

/// An empty header counts as absent: typed clients send one.
fn read_note(headers: &HeaderMap) -> Result<Option<ChangeNote>, NoteError> {
    let mut values = headers.get_all(CHANGE_NOTE).iter();
    let Some(value) = values.next().filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(NoteError::Repeated);
    }
    decode(value.as_bytes()).parse().map(Some).map_err(NoteError::Invalid)
}

/// API Gateway reads a header as Latin-1, a character for each byte, and events are UTF-8: what a client sends as UTF-8
/// arrives encoded twice. Clients that send Latin-1, such as browsers, are read as they mean it, too.
fn decode(value: &[u8]) -> String {
    let text = String::from_utf8(value.to_vec()).unwrap_or_else(|_| value.iter().copied().map(char::from).collect());
    let sent: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    sent.and_then(|sent| String::from_utf8(sent).ok()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn note(values: &[&[u8]]) -> Result<Option<String>, NoteError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CHANGE_NOTE, HeaderValue::from_bytes(value).unwrap());
        }
        let note = read_note(&headers)?;
        Ok(note.map(|note| note.as_str().to_owned()))
    }

    #[test]
    fn note_is_one_line_of_text() {
        assert_eq!(note(&[]).unwrap(), None);
        assert_eq!(note(&[b""]).unwrap(), None);
        assert_eq!(note(&[b"see CHG-1"]).unwrap().as_deref(), Some("see CHG-1"));
        let text = "\u{fc}".repeat(256);
        assert_eq!(note(&[text.as_bytes()]).unwrap(), Some(text));
    }

    #[test]
    fn note_is_read_as_its_client_means_it() {
        let text = "Stra\u{df}e f\u{fc}r \u{4e2d}";
        let as_latin1: String = text.bytes().map(char::from).collect();
        for sent in [text.as_bytes(), as_latin1.as_bytes()] {
            assert_eq!(note(&[sent]).unwrap().as_deref(), Some(text));
        }
        for sent in [&b"f\xfcr"[..], "f\u{fc}r".as_bytes(), "f\u{c3}\u{bc}r".as_bytes()] {
            assert_eq!(note(&[sent]).unwrap().as_deref(), Some("f\u{fc}r"));
        }
    }

    #[test]
    fn other_values_are_rejected() {
        assert_eq!(note(&[b"one", b"two"]), Err(NoteError::Repeated));
        for value in [&[b'n'; 257][..], b"a\tb"] {
            assert!(matches!(note(&[value]), Err(NoteError::Invalid(_))));
        }
    }
}
