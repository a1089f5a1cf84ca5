//! API Gateway on this machine: HTTP requests become the events of a REST API with a `REQUEST` authorizer, go through
//! two functions, and the functions' answers become HTTP.
//!
//! It answers as an `execute-api` host does, with the stage in front of the path, and as a custom domain does, without
//! it. What it refuses by itself has the contract's envelope. A head beyond 64 KB, or one that is not HTTP, is answered
//! by the HTTP library: a status without a body, and the connection closes.

mod call;
mod deployed;
mod event;
mod hop_by_hop;
mod id;
mod proxy_response;
mod refusal;
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
    call::Call,
    deployed::{Deployed, InvokeError},
    event::Deployment,
    refusal::Refusal,
    route::{Access, Route},
};
use crate::docs;

pub use route::{InvalidStage, Stage};

/// The most of a request's head that is read at all; up to here the gateway's own bound gives a better answer.
const MAX_READ_HEAD_BYTES: usize = 64 * 1024;
/// More than fit into the bound on a head's size with headers of a usual length.
const MAX_HEADERS: usize = 512;

/// The headers that a request must have before the authorizer is asked.
const IDENTITY_SOURCES: [&str; 2] = ["authorization", "x-api-timestamp"];

/// What a gateway is set up with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The stage that is deployed.
    pub stage: Stage,
    /// The region that ARNs name.
    pub region: String,
    /// Origins whose pages may read the gateway's own answers too.
    pub allowed_origins: AllowedOrigins,
    /// How long things may take.
    pub limits: Limits,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The head of a request, and a pause between two requests of a connection.
    pub head: Duration,
    /// The body of a request.
    pub body: Duration,
    /// The authorizer, as it is deployed.
    pub authorizer: Duration,
    /// The api function, as it is deployed.
    pub api: Duration,
    /// The api function, as API Gateway bounds every integration.
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
    authorizer: Deployed<A>,
    api: Deployed<B>,
    settings: Settings,
}

impl<A: Handler, B: Handler> Gateway<A, B> {
    /// Puts a gateway in front of two functions.
    pub fn new(authorizer: A, api: B, settings: Settings) -> Self {
        let limits = settings.limits;
        Self {
            authorizer: Deployed::new(authorizer, limits.authorizer),
            api: Deployed::new(api, limits.api),
            settings,
        }
    }

    /// Answers requests until `shutdown` completes, then those in flight, within a second.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let local_port = listener.local_addr()?.port();
        let mut http = http1::Builder::new();
        http.max_header_size(MAX_READ_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .header_read_timeout(self.settings.limits.head)
            // A client may close its side once it has asked.
            .half_close(true);
        let gateway = Arc::new(self);
        let service_for = |peer| {
            let gateway = Arc::clone(&gateway);
            service_fn(move |request| {
                let gateway = Arc::clone(&gateway);
                async move { Ok::<_, Infallible>(gateway.handle(request, peer, local_port).await) }
            })
        };
        server::serve(listener, http, service_for, shutdown).await;
        Ok(())
    }

    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr, local_port: u16) -> Response<Full<Bytes>> {
        // The body is read first, whatever the answer: a client that is still sending would not read it.
        let (head, body) = call::read_body(request, self.settings.limits.body).await;
        let call = Call::new(head, peer, local_port);
        let response = match docs::find(&call.method, call.path(), &self.settings.stage) {
            Some(page) => page,
            None => match self.answer(&call, body).await {
                Ok(response) => response,
                Err(refusal) => self.refuse(&call, refusal),
            },
        };
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

    async fn answer(&self, call: &Call, body: Result<Bytes, Refusal>) -> Result<Response<Full<Bytes>>, Refusal> {
        call.check_size()?;
        let route = route::find(&call.method, call.path(), &self.settings.stage)?;
        let is_identified = IDENTITY_SOURCES.iter().all(|name| call.has_header(name));
        if route.access == Access::Authorized && !is_identified {
            return Err(Refusal::Unauthorized);
        }
        let body = body?;
        let deployment = Deployment {
            region: &self.settings.region,
            stage: self.settings.stage.as_str(),
        };
        let mut event = event::new(call, &route, &deployment);
        let context = match route.access {
            Access::Open => None,
            Access::Authorized => Some(self.authorize(call, &route, &deployment, &event).await?),
        };
        self.integrate(call, event.for_integration(context.as_ref(), &body))
            .await
    }

    /// Asks the authorizer; what it adds to the request's context is returned if it allows the call.
    async fn authorize(
        &self,
        call: &Call,
        route: &Route<'_>,
        deployment: &Deployment<'_>,
        event: &Event<'_>,
    ) -> Result<Map<String, Value>, Refusal> {
        let method_arn = event::method_arn(call, route, deployment);
        let answer = self
            .authorizer
            .invoke(event.for_authorizer(&method_arn), &call.trace_id)
            .await;
        let answer = answer.map_err(|error| {
            tracing::error!(request_id = call.request_id, %error, "the authorizer failed");
            Refusal::AuthorizerFailed
        })?;
        match policy::evaluate(&answer, &method_arn) {
            Ok(Decision::Allow(context)) => Ok(context),
            Ok(Decision::Deny) => Err(Refusal::Forbidden),
            Err(error) => {
                tracing::error!(request_id = call.request_id, %error, "the authorizer's answer is malformed");
                Err(Refusal::AuthorizerFailed)
            }
        }
    }

    /// Asks the api function.
    async fn integrate(&self, call: &Call, event: Vec<u8>) -> Result<Response<Full<Bytes>>, Refusal> {
        let invoked = timeout(self.settings.limits.integration, self.api.invoke(event, &call.trace_id)).await;
        let answer = match invoked {
            Ok(Ok(answer)) => answer,
            Ok(Err(InvokeError::EventTooLarge)) => return Err(Refusal::BodyTooLarge),
            Ok(Err(error)) => {
                tracing::error!(request_id = call.request_id, %error, "the api function failed");
                return Err(Refusal::IntegrationFailed);
            }
            Err(_) => return Err(Refusal::IntegrationTimeout),
        };
        proxy_response::read(&answer).map_err(|error| {
            tracing::error!(request_id = call.request_id, %error, "the api function's answer is malformed");
            Refusal::IntegrationFailed
        })
    }

    fn refuse(&self, call: &Call, refusal: Refusal) -> Response<Full<Bytes>> {
        let mut response = refusal.response(&call.request_id, call.time);
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
