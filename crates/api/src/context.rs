//! What is known of a request beside the request itself.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;

pub use apigw::proxy_event::GatewayContext;

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
