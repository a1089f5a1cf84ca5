//! What is known of a request beside the request itself.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;
use tenant_core::Actor;

/// What API Gateway says of a request. A request without it is served all the same, under an unknown id.
#[derive(Debug, Clone, Default)]
pub struct GatewayContext {
    /// API Gateway's id of the request: the client reads it in `X-Request-Id`, and every log line carries it.
    pub request_id: Option<String>,
    /// The longer id by which AWS itself finds the request.
    pub extended_request_id: Option<String>,
    /// The address the request came from.
    pub source_ip: Option<String>,
    /// The version of the key that signed the request, from the authorizer.
    pub key_version: Option<String>,
    /// The body's SHA-256 in hex as the client signed it, from the authorizer.
    pub body_sha256: Option<String>,
}

/// The moment the request arrived, read once at the edge: everything that depends on time within one request agrees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(pub(crate) DateTime<Utc>);

impl<S: Sync> FromRequestParts<S> for Now {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The edge has put it there; a router without its edge reads the clock here.
        Ok(parts.extensions.get().copied().unwrap_or_else(|| Self(Utc::now())))
    }
}

/// The caller of a request and the request's id, for what the request changes. The edge puts it there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) actor: Actor,
    pub(crate) request_id: String,
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
