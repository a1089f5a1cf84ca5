//! The context of a request: its ids, its origin and its time.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;
use tenant_core::Actor;

pub(crate) use apigw::proxy_event::GatewayContext;

/// When the request arrived. It is read once, at the edge, so that everything within one request uses the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(pub(crate) DateTime<Utc>);

impl<S: Sync> FromRequestParts<S> for Now {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The edge sets it. A router without the edge reads the clock here.
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
