//! What a subscriber responded.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use http_body_util::BodyExt;
use hyper::body::{Buf, Incoming};
use tenant_core::webhook::Attempt;

use super::error::SendError;

/// A response, as far as it is of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// How long the subscriber wants to be left alone.
    pub retry_after: Option<Duration>,
    /// The beginning of the body.
    pub beginning: String,
}

/// A subscriber that sends more has been heard, and the connection is closed.
const MAX_BYTES: usize = 16 * 1024;

pub(super) async fn read(response: http::Response<Incoming>) -> Result<Response, SendError> {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while bytes.len() < MAX_BYTES
        && let Some(frame) = body.frame().await
    {
        if let Ok(mut data) = frame?.into_data() {
            let room = MAX_BYTES - bytes.len();
            bytes.extend_from_slice(&data.copy_to_bytes(data.remaining().min(room)));
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let printable = |character: char| {
        if character.is_control() && character != '\n' {
            ' '
        } else {
            character
        }
    };
    Ok(Response {
        status: head.status,
        retry_after: retry_after(&head.headers, Utc::now()),
        beginning: text.chars().take(Attempt::MAX_RESPONSE_CHARS).map(printable).collect(),
    })
}

/// Seconds, or a date. Source: RFC 9110, section 10.2.3.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    (date.to_utc() - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now).map(|pause| pause.as_secs())
        };
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("Tue, 14 Nov 2023 22:14:20 GMT"), Some(60));
        for text in ["Tue, 14 Nov 2023 22:12:20 GMT", "-1", "soon", ""] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
