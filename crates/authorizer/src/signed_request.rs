//! The signed request in an event: its signature and everything that the signature covers.

use apigw::authorizer_event::AuthorizerEvent;
use chrono::{DateTime, Utc};
use tenant_core::signature::{BodyDigest, CandidateUris, Method, Signature, SignedRequest, Timestamp};

use crate::{config::Settings, denial::Denial, header::Header};

/// The methods whose bodies change something.
const METHODS_WITH_BODY: [&str; 3] = ["POST", "PUT", "PATCH"];

/// Reads the signed request and checks everything that needs no key.
pub(crate) fn read(
    event: &AuthorizerEvent<'_>,
    settings: Settings,
    now: DateTime<Utc>,
) -> Result<SignedRequest, Denial> {
    let authorization = required(event, Header::Authorization)?;
    let timestamp = required(event, Header::Timestamp)?;
    // Clients of the Python service send an empty header for a request without a body.
    let body_digest = optional(event, Header::BodyDigest)?.filter(|digest| !digest.is_empty());

    let method = Method::parse(event.http_method())?;
    if settings.require_body_digest && is_unbound_write(&method, body_digest.is_some()) {
        return Err(Denial::BodyNotBound);
    }
    let signature = Signature::from_authorization(authorization)?;
    let timestamp = Timestamp::parse(timestamp)?;
    timestamp.check_window(now)?;
    let body_digest = body_digest.map(BodyDigest::parse).transpose()?;
    let uris = CandidateUris::new(event.paths(), event.query())?;
    Ok(SignedRequest {
        method,
        uris,
        timestamp,
        body_digest,
        signature,
    })
}

/// Whether the request has a body that changes something and that its signature does not cover.
pub(crate) fn is_unbound_write(method: &Method, is_body_bound: bool) -> bool {
    !is_body_bound && METHODS_WITH_BODY.contains(&method.as_str())
}

fn required<'e>(event: &'e AuthorizerEvent<'_>, header: Header) -> Result<&'e str, Denial> {
    optional(event, header)?.ok_or(Denial::Missing(header))
}

/// The one value of a header, if it was sent.
fn optional<'e>(event: &'e AuthorizerEvent<'_>, header: Header) -> Result<Option<&'e str>, Denial> {
    let mut values = event.header_values(header.name());
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        Err(Denial::Repeated(header))
    } else if value.contains(',') {
        Err(Denial::HasComma(header))
    } else {
        Ok(Some(value))
    }
}
