//! What a request claims: its signature and everything that it was made over, taken from the event.

use chrono::{DateTime, Utc};
use tenant_core::signature::{BodyDigest, CandidateUris, Method, Signature, SignedRequest, Timestamp};

use crate::{
    config::Settings,
    denial::Denial,
    event::{Event, Header, HeaderValue},
};

/// The methods whose bodies change something.
const METHODS_WITH_BODY: [&str; 3] = ["POST", "PUT", "PATCH"];

/// Reads the claim and holds it to all that can be judged without a key.
pub(crate) fn read(event: &Event<'_>, settings: Settings, now: DateTime<Utc>) -> Result<SignedRequest, Denial> {
    let authorization = required(event, Header::Authorization)?;
    let timestamp = required(event, Header::Timestamp)?;
    let body_digest = optional(event, Header::BodyDigest)?;

    let method = Method::parse(event.http_method.as_str())?;
    if settings.require_body_digest && body_digest.is_none() && METHODS_WITH_BODY.contains(&method.as_str()) {
        return Err(Denial::BodyNotBound);
    }
    let signature = Signature::from_authorization(authorization)?;
    let timestamp = Timestamp::parse(timestamp)?;
    timestamp.check_window(now)?;
    let body_digest = body_digest.map(BodyDigest::parse).transpose()?;
    let uris = CandidateUris::new(event.path.as_str(), event.context_path(), event.query())?;
    Ok(SignedRequest {
        method,
        uris,
        timestamp,
        body_digest,
        signature,
    })
}

fn required<'e>(event: &'e Event<'_>, header: Header) -> Result<&'e str, Denial> {
    optional(event, header)?.ok_or(Denial::Missing(header))
}

/// The one value of a header, if it was sent.
fn optional<'e>(event: &'e Event<'_>, header: Header) -> Result<Option<&'e str>, Denial> {
    match event.header(header) {
        HeaderValue::Absent => Ok(None),
        HeaderValue::Repeated => Err(Denial::Repeated(header)),
        HeaderValue::Once(value) if value.as_str().contains(',') => Err(Denial::HasComma(header)),
        HeaderValue::Once(value) => Ok(Some(value.as_str())),
    }
}
