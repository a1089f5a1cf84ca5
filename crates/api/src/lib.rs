//! The service behind API Gateway: configurations of log delivery, created, read, changed and deleted over HTTP.
//!
//! [`router`] is the whole service as one [`axum::Router`]; [`Api`] is the same as a Lambda function, proxy event in and
//! proxy answer out. This crate alone knows routes, headers and status codes. It must never hold a rule of the domain
//! (`tenant_core` has them), name an attribute of the table (`tenant_store` does), or judge who sent a request (the
//! authorizer has, before the event comes here).

mod audit;
mod body;
mod conditions;
pub mod config;
mod context;
mod cors;
mod deadline;
mod edge;
mod envelope;
mod error;
mod event;
mod external_checks;
mod handlers;
mod log;
pub mod metrics;
mod openapi;
mod path;
mod proxy_response;
mod query;
mod router;
mod state;

use axum::Router;
use lambda::{Handler, HandlerError, Invocation, chain};
use tower::ServiceExt;

pub use context::GatewayContext;
pub use external_checks::{Checking, ExternalChecks};
pub use router::{router, validation_router};
pub use state::AppState;

/// The service as a function: the event of a REST proxy integration in, its answer out.
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

    /// The service over this state with no route but the validation's.
    #[must_use]
    pub fn of_validation(state: AppState) -> Self {
        Self {
            router: validation_router(state.clone()),
            state,
        }
    }

    /// Makes the first use of the store, so that no request has to wait for connections and credentials. Gives up after
    /// two seconds; a function that could not be warmed works all the same, and the log says why it could not.
    pub async fn warm(&self) {
        if let Err(error) = handlers::health::probe(&self.state.store).await {
            tracing::warn!(
                error = chain(&error),
                "the store could not be used ahead of the first request"
            );
        }
    }
}

impl Handler for Api {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let mut request = event::to_request(event)?;
        if let Some(context) = request.extensions_mut().get_mut::<GatewayContext>() {
            // An event that somebody wrote to try the function out may have none.
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
