//! What a request body must be before a handler reads it: small enough, the bytes that the client signed, and JSON.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use http_body_util::LengthLimitError;
use sha2::{Digest, Sha256};

use super::{
    context::GatewayContext,
    rejection::{BodyRejection, DigestError, MediaTypeError},
};
use crate::event::Unrepresentable;

/// 64 KiB. The largest valid configuration has 200 names of 256 characters. That is 51 kB with one byte per character. Names
/// of four-byte characters would take 200 kB, but are not expected.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The routes that take a larger body, and how large it may be.
pub(crate) const LARGER_BODIES: [(&str, usize); 1] = [("/api/v1/delivery-configs/batch", 1024 * 1024)];

/// The header with the digest that the client signed. See the signature scheme.
const BODY_SHA256: &str = "x-body-sha256";

/// Passes a request on only if an event can contain it and its body is small enough, on every route and for every method.
pub(crate) async fn limit_body(
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Result<Response, BodyRejection> {
    let (parts, body) = request.into_parts();
    if let Some(unrepresentable) = parts.extensions.get::<Unrepresentable>() {
        return Err((*unrepresentable).into());
    }
    let body = read(body, max_bytes(route.as_ref())).await?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

fn max_bytes(route: Option<&MatchedPath>) -> usize {
    let larger = LARGER_BODIES
        .iter()
        .find(|(path, _)| route.is_some_and(|route| route.as_str() == *path));
    larger.map_or(MAX_BODY_BYTES, |(_, max_bytes)| *max_bytes)
}

/// Passes a request to its handler only if its body is the one that the client signed, if it signed one.
pub(crate) async fn verify_digest(request: Request, next: Next) -> Result<Response, BodyRejection> {
    let (parts, body) = request.into_parts();
    let body = read_limited(body).await?;
    check_digest(&parts, &body)?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// The bytes of a body that is JSON according to its headers.
pub(crate) struct JsonBody(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = BodyRejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyRejection> {
        let allows_merge_patch = request.method() == Method::PATCH;
        read_json(request, allows_merge_patch).await.map(Self)
    }
}

/// The bytes of a body that is JSON or a JSON Merge Patch according to its headers, whatever the method.
pub(crate) struct MergePatchBody(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for MergePatchBody {
    type Rejection = BodyRejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyRejection> {
        read_json(request, true).await.map(Self)
    }
}

async fn read_json(request: Request, allows_merge_patch: bool) -> Result<Bytes, BodyRejection> {
    let (parts, body) = request.into_parts();
    let body = read_limited(body).await?;
    if !body.is_empty() {
        check_media_type(&parts.headers, allows_merge_patch)?;
    }
    Ok(body)
}

/// The same, of a body that the client signed: without a digest the signature does not cover the body. An empty body needs
/// one, too.
pub(crate) struct DigestedJsonBody(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for DigestedJsonBody {
    type Rejection = BodyRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, BodyRejection> {
        let (parts, body) = request.into_parts();
        // Whether they are right has been checked by the layer of the route.
        if digests(&parts).next().is_none() {
            return Err(DigestError::Required.into());
        }
        let JsonBody(body) = JsonBody::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self(body))
    }
}

/// The body of a request that [`limit_body`] has passed on.
async fn read_limited(body: Body) -> Result<Bytes, BodyRejection> {
    read(body, usize::MAX).await
}

async fn read(body: Body, max_bytes: usize) -> Result<Bytes, BodyRejection> {
    to_bytes(body, max_bytes).await.map_err(|error| {
        if std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            BodyRejection::TooLarge { max_bytes }
        } else {
            BodyRejection::Incomplete(error)
        }
    })
}

/// The digest is in the header and, if the request was authorized with it, in the authorizer's context. Neither can be
/// omitted without invalidating the signature. It is not a secret. An empty header counts as absent, as for the authorizer.
fn digests(parts: &Parts) -> impl Iterator<Item = &[u8]> {
    let signed = parts
        .extensions
        .get::<GatewayContext>()
        .and_then(|context| context.body_sha256.as_deref());
    let sent = parts.headers.get_all(BODY_SHA256).iter().map(HeaderValue::as_bytes);
    let sent = sent.filter(|digest| !digest.is_empty());
    signed.map(str::as_bytes).into_iter().chain(sent)
}

/// Compares each digest with the bytes.
fn check_digest(parts: &Parts, body: &[u8]) -> Result<(), DigestError> {
    for expected in digests(parts) {
        let mut digest = [0; 32];
        hex::decode_to_slice(expected, &mut digest).map_err(|_| DigestError::Malformed)?;
        if Sha256::digest(body)[..] != digest {
            return Err(DigestError::Mismatch);
        }
    }
    Ok(())
}

fn check_media_type(headers: &HeaderMap, allows_merge_patch: bool) -> Result<(), MediaTypeError> {
    let is_identity = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(is_identity) {
        return Err(MediaTypeError::Encoded);
    }
    let mut content_types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = match (content_types.next(), content_types.next()) {
        (None, _) => true,
        (Some(value), None) => value
            .to_str()
            .is_ok_and(|value| is_json_type(value, allows_merge_patch)),
        (Some(_), Some(_)) => false,
    };
    match (is_json, allows_merge_patch) {
        (true, _) => Ok(()),
        (false, true) => Err(MediaTypeError::NotJsonOrMergePatch),
        (false, false) => Err(MediaTypeError::NotJson),
    }
}

/// Parameters are ignored, except for a character set that JSON cannot have: RFC 8259, section 8.1. `utf8` is a label of
/// UTF-8 in the Encoding standard, and what many clients send.
fn is_json_type(value: &str, allows_merge_patch: bool) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let is_json = media_type.eq_ignore_ascii_case("application/json")
        || (allows_merge_patch && media_type.eq_ignore_ascii_case("application/merge-patch+json"));
    is_json
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim_matches('"');
            let is_utf_8 = ["utf-8", "utf8"].iter().any(|label| value.eq_ignore_ascii_case(label));
            !name.eq_ignore_ascii_case("charset") || is_utf_8
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf_8_with_other_parameters_is_json() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; charset=utf8",
            "application/json;charset=\"UTF8\"",
            "application/json ; charset=utf-8; q=1",
            "application/json;",
        ] {
            assert!(is_json_type(value, false), "{value}");
        }
    }

    #[test]
    fn other_type_or_character_set_is_not_json() {
        for value in [
            "",
            "json",
            "text/json",
            "application/jsonp",
            "application/json, application/json",
            "application/json; charset=latin1",
            "application/json; charset=utf-16",
            "application/json; charset=utf",
            "application/json; charset=utf8; charset=latin1",
            "application/json; charset",
            "application/json; charset=utf-8; charset=utf-16",
            "application/merge-patch+json",
        ] {
            assert!(!is_json_type(value, false), "{value}");
        }
    }

    #[test]
    fn merge_patch_is_json_where_it_is_allowed() {
        assert!(is_json_type("application/merge-patch+json; charset=utf-8", true));
        assert!(is_json_type("application/json", true));
        assert!(!is_json_type("application/json-patch+json", true));
    }
}
