//! What a request body must be before anybody reads it: small enough, the bytes that the client signed, and JSON.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use http_body_util::LengthLimitError;
use sha2::{Digest, Sha256};

use crate::{context::GatewayContext, error::ApiError, event::Unrepresentable};

/// 64 KiB. The largest valid configuration has 200 names of 256 characters of four bytes, some 200 kB, but nobody names
/// logs so: in one byte a character it is 51 kB.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Where a client puts the digest that it has signed; see the signature scheme.
const BODY_SHA256: &str = "x-body-sha256";

/// The body is not the one that the client signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DigestError {
    /// Not 64 hex digits.
    #[error("X-Body-SHA256 must be the SHA-256 of the body in 64 hex digits")]
    Malformed,
    /// The digest of other bytes than those that arrived.
    #[error("X-Body-SHA256 is not the SHA-256 of the body that arrived")]
    Mismatch,
}

/// Why a body is not read as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MediaTypeError {
    /// The content type of a body that must be JSON is another one.
    #[error("the body's Content-Type must be application/json in UTF-8")]
    NotJson,
    /// As before, where a merge patch is welcome too.
    #[error("the body's Content-Type must be application/json or application/merge-patch+json in UTF-8")]
    NotJsonOrMergePatch,
    /// The body is compressed.
    #[error("the body must be sent without a Content-Encoding")]
    Encoded,
}

/// Lets a request pass to its handler when all of it has arrived as it was sent: whatever route and method it names.
pub(crate) async fn verify_body(request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    if let Some(unrepresentable) = parts.extensions.get::<Unrepresentable>() {
        return Err((*unrepresentable).into());
    }
    let body = read(body).await?;
    check_digest(&parts, &body)?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// A body to be read as JSON: its bytes, as far as the headers tell.
pub(crate) struct JsonBody(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let body = read(body).await?;
        if !body.is_empty() {
            check_media_type(&parts.headers, &parts.method)?;
        }
        Ok(Self(body))
    }
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        if std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            ApiError::BodyTooLarge
        } else {
            ApiError::BodyBroken(error)
        }
    })
}

/// The digest stands in the header and, where the request was authorized with it, in the authorizer's context. Neither
/// can be left out without breaking the signature, and each is held against the bytes. It is no secret.
fn check_digest(parts: &Parts, body: &[u8]) -> Result<(), DigestError> {
    let signed = parts
        .extensions
        .get::<GatewayContext>()
        .and_then(|context| context.body_sha256.as_deref());
    let sent = parts.headers.get_all(BODY_SHA256).iter().map(HeaderValue::as_bytes);
    for claimed in signed.map(str::as_bytes).into_iter().chain(sent) {
        let mut digest = [0; 32];
        hex::decode_to_slice(claimed, &mut digest).map_err(|_| DigestError::Malformed)?;
        if Sha256::digest(body)[..] != digest {
            return Err(DigestError::Mismatch);
        }
    }
    Ok(())
}

fn check_media_type(headers: &HeaderMap, method: &Method) -> Result<(), MediaTypeError> {
    let is_plain = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return Err(MediaTypeError::Encoded);
    }
    let takes_merge_patch = method == Method::PATCH;
    let mut content_types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = match (content_types.next(), content_types.next()) {
        (None, _) => true,
        (Some(value), None) => value.to_str().is_ok_and(|value| is_json_type(value, takes_merge_patch)),
        (Some(_), Some(_)) => false,
    };
    match (is_json, takes_merge_patch) {
        (true, _) => Ok(()),
        (false, true) => Err(MediaTypeError::NotJsonOrMergePatch),
        (false, false) => Err(MediaTypeError::NotJson),
    }
}

/// Parameters are passed over, except for a character set that JSON cannot have: RFC 8259, section 8.1.
fn is_json_type(value: &str, takes_merge_patch: bool) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let is_json = media_type.eq_ignore_ascii_case("application/json")
        || (takes_merge_patch && media_type.eq_ignore_ascii_case("application/merge-patch+json"));
    is_json
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf_8_is_accepted_with_any_other_parameter() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json ; charset=utf-8; q=1",
            "application/json;",
        ] {
            assert!(is_json_type(value, false), "{value}");
        }
    }

    #[test]
    fn another_type_or_character_set_is_not_json() {
        for value in [
            "",
            "json",
            "text/json",
            "application/jsonp",
            "application/json, application/json",
            "application/json; charset=latin1",
            "application/json; charset",
            "application/json; charset=utf-8; charset=utf-16",
            "application/merge-patch+json",
        ] {
            assert!(!is_json_type(value, false), "{value}");
        }
    }

    #[test]
    fn a_merge_patch_is_json_where_it_is_welcome() {
        assert!(is_json_type("application/merge-patch+json; charset=utf-8", true));
        assert!(is_json_type("application/json", true));
        assert!(!is_json_type("application/json-patch+json", true));
    }
}
