//! The last check that an authorizer ran: the method of a deployed API that lost its authorizer must not open the table.

use axum::{extract::Request, middleware::Next, response::Response};
use http::Method;

use super::{context::GatewayContext, rejection::NotAuthorized};

/// The routes that everyone may read.
pub(crate) const OPEN_ROUTES: [&str; 4] = ["/health", "/api/v1/health", "/openapi.json", "/api/v1/openapi.json"];

/// Rejects a request without the context that this service's authorizer adds, unless everyone may make it.
pub(crate) async fn require_authorizer(request: Request, next: Next) -> Result<Response, NotAuthorized> {
    let context = request.extensions().get::<GatewayContext>();
    if context.is_some_and(GatewayContext::is_authorized) || is_open(request.method(), request.uri().path()) {
        Ok(next.run(request).await)
    } else {
        Err(NotAuthorized)
    }
}

/// A preflight has no signature, and no handler serves `OPTIONS`. A function without one of the open routes, as the validator
/// is, responds to it with a 404.
fn is_open(method: &Method, path: &str) -> bool {
    match *method {
        Method::OPTIONS => true,
        Method::GET | Method::HEAD => OPEN_ROUTES.contains(&path),
        _ => false,
    }
}
