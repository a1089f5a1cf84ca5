//! The service behind API Gateway: create, read, update and delete log delivery configurations over HTTP.
//!
//! [`router`] is the whole service as one [`axum::Router`]. [`Api`] is the same as a Lambda function: proxy event in, proxy
//! response out. Only this crate knows routes, headers and status codes. It must never contain a rule of the domain (see
//! `tenant_core`), name an attribute of the table (see `tenant_store`) or authorize a request: the authorizer has done so
//! before the event arrives here, and a request without its context is rejected.

mod audit;
pub mod config;
#[cfg(feature = "openapi")]
pub mod description;
mod event;
mod facts;
mod http;
mod log;
pub mod metrics;
mod probe;
mod proxy_response;
mod resources;
mod router;
mod state;

use axum::Router;
use lambda::{Handler, HandlerError, Invocation, chain};
use tower::ServiceExt;

use crate::http::context::GatewayContext;

pub use resources::{
    configs::external_checks::{Checking, ExternalChecks},
    webhooks::Webhooks,
};
pub use router::{router, validation_router};
pub use state::{AppState, Stores};

/// The service as a function: the event of a REST proxy integration in, the proxy response out.
pub struct Api {
    state: AppState,
    router: Router,
}

impl Api {
    /// The service over this state.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Self {
            router: router(state.clone()),
            state,
        }
    }

    /// The service over this state with the validation route only.
    #[must_use]
    pub fn for_validation(state: AppState) -> Self {
        Self {
            router: validation_router(state.clone()),
            state,
        }
    }

    /// Uses the store once, so that no request has to wait for connections and credentials. Gives up after two seconds and
    /// logs why. The function works without it.
    pub async fn warm(&self) {
        if let Err(error) = probe::probe(&self.state.stores.configs).await {
            tracing::warn!(error = chain(&error), "warm-up of the store failed");
        }
    }
}

impl Handler for Api {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let mut request = event::to_request(event)?;
        if let Some(context) = request.extensions_mut().get_mut::<GatewayContext>() {
            // An event that was written by hand may have none.
            context.request_id.get_or_insert_with(|| invocation.request_id.clone());
        }
        request.extensions_mut().insert(invocation.clone());
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        proxy_response::from_response(response).await
    }
}
