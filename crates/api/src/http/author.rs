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
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| NoteError::NotUtf8)?;
    text.parse().map(Some).map_err(NoteError::Invalid)
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
    fn other_values_are_rejected() {
        assert_eq!(note(&[b"one", b"two"]), Err(NoteError::Repeated));
        assert_eq!(note(&[b"\xfc"]), Err(NoteError::NotUtf8));
        for value in [&[b'n'; 257][..], b"a\tb"] {
            assert!(matches!(note(&[value]), Err(NoteError::Invalid(_))));
        }
    }
}
