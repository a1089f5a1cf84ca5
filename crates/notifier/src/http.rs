//! One POST to an endpoint.
//!
//! Each attempt resolves the name anew, checks every address, connects to one of those that were checked, and does not ask
//! again: a name that points elsewhere a moment later changes nothing.

mod connect;
mod error;
mod resolve;
mod response;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "http/no_tls.rs"]
mod tls;

use std::{sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{Request, Version, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tenant_core::webhook::{Networks, WebhookUrl};
use tokio::time::{Instant, timeout_at};
#[cfg(feature = "tls")]
use tokio_rustls::rustls::RootCertStore;

use self::tls::Tls;
pub use self::{
    error::SendError,
    resolve::{Resolve, Resolving, SystemResolver},
    response::Response,
};

/// Sends requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    resolver: Arc<dyn Resolve>,
    networks: Arc<Networks>,
    limits: Limits,
    tls: Tls,
}

/// How long an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Resolving the name and connecting, with TLS.
    pub connect: Duration,
    /// The whole attempt.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            whole: Duration::from_secs(15),
        }
    }
}

const USER_AGENT: &str = concat!("tenant-management-api/", env!("CARGO_PKG_VERSION"));

impl Sender {
    /// Whether the program can send to https URLs.
    pub const HAS_TLS: bool = tls::IS_BUILT;

    /// A sender that also connects to the addresses of these networks, with or without TLS.
    #[must_use]
    pub fn new(networks: Networks) -> Self {
        Self::with_resolver(networks, Arc::new(SystemResolver), Limits::default())
    }

    /// The same with another resolver and other limits, for tests.
    #[must_use]
    pub fn with_resolver(networks: Networks, resolver: Arc<dyn Resolve>, limits: Limits) -> Self {
        Self {
            resolver,
            networks: Arc::new(networks),
            limits,
            tls: Tls::default(),
        }
    }

    /// The same with other roots of certificates than the machine's, for tests.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_roots(self, roots: RootCertStore) -> Self {
        Self {
            tls: Tls::with_roots(roots),
            ..self
        }
    }

    /// Posts JSON, and returns the response whatever its status is.
    pub async fn post(
        &self,
        url: &WebhookUrl,
        headers: &[(String, String)],
        body: String,
    ) -> Result<Response, SendError> {
        let now = Instant::now();
        let deadline = now + self.limits.whole;
        let connecting = connect::connect(url, &*self.resolver, &self.networks, &self.tls);
        let stream = timeout_at(deadline.min(now + self.limits.connect), connecting).await;
        let stream = stream.map_err(|_| SendError::ConnectTimedOut(self.limits.connect))??;
        let exchange = async {
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            let exchange = async {
                let response = sender.send_request(request(url, headers, body)?).await?;
                response::read(response).await
            };
            tokio::pin!(exchange);
            // Not a task of its own: it ends with the attempt.
            tokio::select! {
                response = &mut exchange => response,
                closed = connection => {
                    closed?;
                    exchange.await
                }
            }
        };
        let exchanged = timeout_at(deadline, exchange).await;
        exchanged.map_err(|_| SendError::TimedOut(self.limits.whole))?
    }
}

fn request(url: &WebhookUrl, headers: &[(String, String)], body: String) -> Result<Request<Full<Bytes>>, SendError> {
    let mut request = Request::post(url.target())
        .version(Version::HTTP_11)
        .header("host", url.authority())
        .header("content-type", "application/json")
        .header("user-agent", USER_AGENT)
        .header("accept", "*/*");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    Ok(request.body(Full::new(Bytes::from(body)))?)
}
