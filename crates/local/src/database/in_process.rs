//! The store's way to the embedded database: calls instead of connections, so that there is nothing for anyone else to
//! connect to, and no file descriptor for each call.

use std::fmt;

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tokio::task::spawn_blocking;

use super::engine::Engine;

/// An HTTP client of the AWS SDK that calls the database.
#[derive(Clone)]
pub(super) struct InProcess(pub(super) Engine);

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.0.clone();
        HttpConnectorFuture::new(async move {
            // Like a request that has left, it is completed even if the caller gives up.
            let called = spawn_blocking(move || {
                let target = request.headers().get("x-amz-target").unwrap_or_default();
                engine.run(target, request.body().bytes().unwrap_or_default())
            });
            let reply = called
                .await
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            let status =
                StatusCode::try_from(reply.status).map_err(|error| ConnectorError::other(error.into(), None))?;
            Ok(HttpResponse::new(status, SdkBody::from(reply.body)))
        })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
