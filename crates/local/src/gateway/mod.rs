//! API Gateway on this machine: HTTP requests become the events of a REST API with a `REQUEST` authorizer, go through
//! two functions, and the functions' responses become HTTP.
//!
//! It serves both as an `execute-api` host, with the stage in front of the path, and as a custom domain, without it. Its
//! own error responses have the contract's envelope. For a request head beyond 64 KB, or one that is not HTTP, the HTTP
//! library responds: a status without a body, and the connection closes.

mod call;
mod event;
mod gateway_response;
mod hop_by_hop;
mod invoker;
mod methods;
mod preflight;
mod proxy_response;
mod route;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use api::config::AllowedOrigins;
use apigw::{
    gateway_event::Event,
    policy::{self, Decision},
};
use http::{
    HeaderValue, Request, Response,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN, VARY},
};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use lambda::{Handler, server};
use serde_json::{Map, Value};
use tokio::{net::TcpListener, time::timeout};

use self::{
    call::{Call, RequestBody},
    event::Deployment,
    gateway_response::GatewayResponse,
    invoker::{InvokeError, Invoker},
    route::{Access, Route},
};
use crate::{docs, stage::Stage};

/// The limit on the request head that is read at all. Below it, the gateway's own limit gives a better response.
const MAX_READ_HEAD_BYTES: usize = 64 * 1024;
/// More than fit into the size limit with headers of usual length.
const MAX_HEADERS: usize = 512;

/// How many requests use the api function, and with it the table, at the same time. The others wait: more would only wait
/// inside, with a connection to the table each.
const API_CONCURRENCY: usize = 64;

/// The headers that a request must have before the authorizer is invoked.
const IDENTITY_SOURCES: [&str; 2] = ["authorization", "x-api-timestamp"];

/// The settings of a gateway.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The stage that is deployed.
    pub stage: Stage,
    /// The region in ARNs.
    pub region: String,
    /// Origins whose pages may also read the gateway's own responses.
    pub allowed_origins: AllowedOrigins,
    /// The time limits.
    pub limits: Limits,
    /// How many connections of clients there may be. Further ones wait to be accepted.
    pub max_connections: usize,
}

/// The time limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the head of a request, and between two requests of a connection.
    pub head: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// For the authorizer, as deployed.
    pub authorizer: Duration,
    /// For the api function, as deployed.
    pub api: Duration,
    /// For the api function, as API Gateway limits every integration.
    pub integration: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(20),
            authorizer: Duration::from_secs(5),
            api: Duration::from_secs(10),
            integration: Duration::from_secs(29),
        }
    }
}

/// A gateway in front of an authorizer and an api function.
pub struct Gateway<A, B> {
    authorizer: Invoker<A>,
    api: Invoker<B>,
    settings: Settings,
}

impl<A: Handler, B: Handler> Gateway<A, B> {
    /// Creates a gateway in front of two functions.
    pub fn new(authorizer: A, api: B, settings: Settings) -> Self {
        let limits = settings.limits;
        Self {
            authorizer: Invoker::new(authorizer, limits.authorizer, server::UNLIMITED),
            api: Invoker::new(api, limits.api, API_CONCURRENCY),
            settings,
        }
    }

    /// Serves requests until `shutdown` completes, then finishes those in flight within a second.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let local_port = listener.local_addr()?.port();
        let mut http = http1::Builder::new();
        http.max_header_size(MAX_READ_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .header_read_timeout(self.settings.limits.head)
            // A client may close its side of the connection after its request.
            .half_close(true);
        let max_connections = self.settings.max_connections;
        let gateway = Arc::new(self);
        let service_for = |peer| {
            let gateway = Arc::clone(&gateway);
            service_fn(move |request| {
                let gateway = Arc::clone(&gateway);
                async move { Ok::<_, Infallible>(gateway.handle(request, peer, local_port).await) }
            })
        };
        server::serve(listener, http, max_connections, service_for, shutdown).await;
        Ok(())
    }

    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr, local_port: u16) -> Response<Full<Bytes>> {
        let (head, incoming) = request.into_parts();
        let mut body = RequestBody::new(&head, incoming, self.settings.limits.body);
        let call = Call::new(head, peer, local_port);
        let response = match self.respond(&call, &mut body).await {
            Ok(response) => response,
            Err(error) => self.error_response(&call, error),
        };
        body.discard().await;
        tracing::info!(
            request_id = call.request_id,
            method = %call.method,
            path = call.path(),
            status = response.status().as_u16(),
            duration_ms = (chrono::Utc::now() - call.time).num_milliseconds(),
            "gateway request"
        );
        response
    }

    async fn respond(&self, call: &Call, body: &mut RequestBody) -> Result<Response<Full<Bytes>>, GatewayResponse> {
        call.check_host()?;
        if let Some(page) = docs::find(&call.method, call.path(), &self.settings.stage) {
            return Ok(page);
        }
        call.check_size()?;
        let route = route::find(&call.method, call.path(), &self.settings.stage)?;
        if route.access == Access::Preflight
            && let Some(response) = preflight::response(&self.settings.allowed_origins)
        {
            return Ok(response);
        }
        let is_identified = IDENTITY_SOURCES.iter().all(|name| call.has_header(name));
        if route.access == Access::Authorized && !is_identified {
            return Err(GatewayResponse::Unauthorized);
        }
        body.check_size()?;
        let deployment = Deployment {
            region: &self.settings.region,
            stage: self.settings.stage.as_str(),
        };
        let mut event = event::new(call, &route, &deployment);
        let context = match route.access {
            Access::Open | Access::Preflight => None,
            Access::Authorized => Some(self.authorize(call, &route, &deployment, &event).await?),
        };
        // Only now: nobody without a key makes this process keep a body.
        let body = body.read().await?;
        self.integrate(call, event.for_integration(context.as_ref(), &body))
            .await
    }

    /// Invokes the authorizer. If it allows the call, returns what it adds to the request's context.
    async fn authorize(
        &self,
        call: &Call,
        route: &Route<'_>,
        deployment: &Deployment<'_>,
        event: &Event<'_>,
    ) -> Result<Map<String, Value>, GatewayResponse> {
        let method_arn = event::method_arn(call, route, deployment);
        let response = self
            .authorizer
            .invoke(event.for_authorizer(&method_arn), &call.trace_id)
            .await;
        let response = response.map_err(|error| {
            tracing::error!(request_id = call.request_id, %error, "the authorizer failed");
            GatewayResponse::AuthorizerFailed
        })?;
        match policy::evaluate(&response, &method_arn) {
            Ok(Decision::Allow(context)) => Ok(context),
            Ok(Decision::Deny) => Err(GatewayResponse::Forbidden),
            Err(error) => {
                tracing::error!(request_id = call.request_id, %error, "the authorizer's response is malformed");
                Err(GatewayResponse::AuthorizerFailed)
            }
        }
    }

    /// Invokes the api function.
    async fn integrate(&self, call: &Call, event: Vec<u8>) -> Result<Response<Full<Bytes>>, GatewayResponse> {
        let invoked = timeout(self.settings.limits.integration, self.api.invoke(event, &call.trace_id)).await;
        let response = match invoked {
            Ok(Ok(response)) => response,
            Ok(Err(InvokeError::EventTooLarge)) => return Err(GatewayResponse::BodyTooLarge),
            Ok(Err(error)) => {
                tracing::error!(request_id = call.request_id, %error, "the api function failed");
                return Err(GatewayResponse::IntegrationFailed);
            }
            Err(_) => return Err(GatewayResponse::IntegrationTimeout),
        };
        proxy_response::read(&response).map_err(|error| {
            tracing::error!(request_id = call.request_id, %error, "the api function's response is malformed");
            GatewayResponse::IntegrationFailed
        })
    }

    fn error_response(&self, call: &Call, error: GatewayResponse) -> Response<Full<Bytes>> {
        let mut response = error.into_response(&call.request_id, call.time);
        if let Some(origin) = call.headers.get(ORIGIN).filter(|origin| self.is_allowed(origin)) {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("retry-after,x-request-id"),
            );
            headers.insert(VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    fn is_allowed(&self, origin: &HeaderValue) -> bool {
        match &self.settings.allowed_origins {
            AllowedOrigins::None => false,
            AllowedOrigins::List(origins) => origins.contains(origin),
            AllowedOrigins::Any => true,
        }
    }
}
