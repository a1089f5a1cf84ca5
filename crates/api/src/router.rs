//! Every route of the service.

use std::any::Any;

use axum::{
    Router, middleware,
    response::IntoResponse,
    routing::{MethodRouter, get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    config::Settings,
    http::{
        authorized::require_authorizer,
        body::{limit_body, verify_digest},
        cors, deadline,
        edge::edge,
        error::ApiError,
    },
    resources::{
        configs::{batch, handlers as configs, lists, search, validation},
        description,
        health::handlers as health,
        history::{feeds, restore, revisions},
        webhooks::{deliveries, endpoints, event_types, replays, secrets},
    },
    state::AppState,
};

/// The whole service.
pub fn router(state: AppState) -> Router {
    serve(routes(), state)
}

/// The service with the validation route only, for a function that receives no other requests.
pub fn validation_router(state: AppState) -> Router {
    serve([validation_route()], state)
}

fn serve(routes: impl IntoIterator<Item = (&'static str, MethodRouter<AppState>)>, state: AppState) -> Router {
    let settings = state.settings.clone();
    let routes = routes
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            // Not around the fallbacks: a request that is a 404 or a 405 is that with any digest.
            router.route(path, methods.route_layer(middleware::from_fn(verify_digest)))
        })
        .with_state(state);
    with_middleware(routes, &settings)
}

fn validation_route() -> (&'static str, MethodRouter<AppState>) {
    (
        "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/validate",
        get(validation::validate),
    )
}

/// The routes, as the API's description must name them: a test of crate `openapi` compares the two.
pub(crate) fn routes() -> [(&'static str, MethodRouter<AppState>); 36] {
    [
        ("/health", get(health::check)),
        ("/api/v1/health", get(health::check)),
        ("/openapi.json", get(description::document)),
        ("/api/v1/openapi.json", get(description::document)),
        ("/api/v1/delivery-configs", get(lists::list_all)),
        ("/api/v1/delivery-configs/search", post(search::search)),
        ("/api/v1/delivery-configs/batch", post(batch::change_many)),
        (
            "/api/v1/tenants/{tenant_id}/delivery-configs",
            get(lists::list_for_tenant).post(configs::create),
        ),
        (
            "/api/v1/tenants/{tenant_id}/delivery-configs/{type}",
            get(configs::read)
                .put(configs::update)
                .patch(configs::update)
                .delete(configs::delete),
        ),
        validation_route(),
        (
            "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/history",
            get(revisions::list),
        ),
        (
            "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/history/{revision}",
            get(revisions::read),
        ),
        (
            "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/history/{revision}/restore",
            post(restore::restore),
        ),
        ("/api/v1/tenants/{tenant_id}/history", get(feeds::follow_tenant)),
        ("/api/v1/history", get(feeds::follow_all)),
        ("/api/v1/event-types", get(event_types::list)),
        ("/api/v1/webhooks", get(endpoints::list).post(endpoints::create)),
        (
            "/api/v1/webhooks/{webhook_id}",
            get(endpoints::read).patch(endpoints::update).delete(endpoints::delete),
        ),
        ("/api/v1/webhooks/{webhook_id}/secret", get(secrets::read)),
        ("/api/v1/webhooks/{webhook_id}/secret/rotate", post(secrets::rotate)),
        ("/api/v1/webhooks/{webhook_id}/test", post(secrets::test)),
        ("/api/v1/webhooks/{webhook_id}/deliveries", get(deliveries::list)),
        (
            "/api/v1/webhooks/{webhook_id}/deliveries/{event_id}",
            get(deliveries::read),
        ),
        (
            "/api/v1/webhooks/{webhook_id}/deliveries/{event_id}/redeliver",
            post(deliveries::redeliver),
        ),
        ("/api/v1/webhooks/{webhook_id}/replay", post(replays::start)),
        ("/api/v1/webhooks/{webhook_id}/replays/{replay_id}", get(replays::read)),
        (
            "/api/v1/tenants/{tenant_id}/webhooks",
            get(endpoints::list).post(endpoints::create),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}",
            get(endpoints::read).patch(endpoints::update).delete(endpoints::delete),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/secret",
            get(secrets::read),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/secret/rotate",
            post(secrets::rotate),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/test",
            post(secrets::test),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/deliveries",
            get(deliveries::list),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/deliveries/{event_id}",
            get(deliveries::read),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/deliveries/{event_id}/redeliver",
            post(deliveries::redeliver),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/replay",
            post(replays::start),
        ),
        (
            "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/replays/{replay_id}",
            get(replays::read),
        ),
    ]
}

/// Wraps the routes in the layers that every request passes through.
fn with_middleware(routes: Router, settings: &Settings) -> Router {
    routes
        .fallback(async || ApiError::NoSuchRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        // The last layer is the outermost: every failure inside leaves through the edge.
        .layer(middleware::from_fn(limit_body))
        .layer(middleware::from_fn_with_state(settings.time_limit.0, deadline::enforce))
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| ApiError::Panicked.into_response()))
        .layer(middleware::from_fn(require_authorizer))
        .layer(cors::layer(&settings.allowed_origins))
        .layer(middleware::from_fn(edge))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::http::{authorized::OPEN_ROUTES, body::LARGER_BODIES, context::GatewayContext};

    #[test]
    fn open_routes_exist() {
        for open in OPEN_ROUTES {
            assert!(routes().iter().any(|(path, _)| *path == open), "{open}");
        }
    }

    #[test]
    fn routes_with_larger_bodies_exist() {
        for (larger, _) in LARGER_BODIES {
            assert!(routes().iter().any(|(path, _)| *path == larger), "{larger}");
        }
    }

    #[tokio::test]
    async fn panic_returns_500_without_its_message() {
        let routes = Router::new().route("/panic", get(async || -> () { panic!("secret") }));
        let context = GatewayContext {
            key_version: Some("current:1".to_owned()),
            ..GatewayContext::default()
        };
        let request = Request::get("/panic").extension(context).body(Body::empty()).unwrap();
        let response = with_middleware(routes, &Settings::default())
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-request-id"], "unknown");
        let body: serde_json::Value =
            serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap();
        assert_eq!(body["status"], "error");
        assert!(!body.to_string().contains("secret"));
    }
}
