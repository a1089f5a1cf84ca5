//! The REST proxy event as an HTTP request.

use apigw::proxy_event;
use axum::body::Body;
use http::Request;
use lambda::HandlerError;

pub(crate) use apigw::proxy_event::Unrepresentable;

/// The request that `event` describes; see [`proxy_event::to_request`].
pub(crate) fn to_request(event: &[u8]) -> Result<Request<Body>, HandlerError> {
    match proxy_event::to_request(event) {
        Ok(request) => Ok(request.map(Body::from)),
        Err(error) => Err(HandlerError::new("InvalidEvent", error.to_string())),
    }
}
