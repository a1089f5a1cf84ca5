//! A DynamoDB proxy that observes every request, and can inject faults of networks and services.

use std::{net::SocketAddr, sync::Arc};

use http::{Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1::SendRequest,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

use crate::{aws::Aws, error::BenchError};

/// A request of a DynamoDB client.
#[derive(Debug, Clone)]
pub(crate) struct DynamoRequest {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// It is forwarded, and its response returned.
    Pass,
    /// The response has this status and this error code, and the request is not forwarded.
    Reject { status: u16, code: &'static str },
    /// It is not forwarded, and the connection is reset.
    Reset,
    /// It is forwarded, but the connection is reset before the response.
    LoseResponse,
    /// It is not forwarded, and gets no response.
    Hang,
}

/// Starts a proxy in front of the embedded DynamoDB. `decide` returns the fate of each request.
pub(crate) fn start(
    aws: &Aws,
    decide: impl Fn(&DynamoRequest) -> Fate + Send + Sync + 'static,
) -> Result<SocketAddr, BenchError> {
    let upstream = aws.dynamodb();
    let decide = Arc::new(decide);
    aws.serve(move |listener| serve(listener, upstream, decide))
}

async fn serve<J>(listener: TcpListener, upstream: SocketAddr, decide: Arc<J>)
where
    J: Fn(&DynamoRequest) -> Fate + Send + Sync + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        // Closing the connection then sends a reset, whatever was read or written before.
        let _ = stream.set_zero_linger();
        let passage = Arc::new(Passage {
            upstream,
            connection: Mutex::new(None),
        });
        let decide = Arc::clone(&decide);
        let service = service_fn(move |request| {
            let (passage, decide) = (Arc::clone(&passage), Arc::clone(&decide));
            async move { passage.handle(request, &*decide).await }
        });
        tokio::spawn(async move {
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
        });
    }
}

/// The connection is closed without a response.
#[derive(Debug, thiserror::Error)]
#[error("closed as planned")]
struct Closed;

/// One connection of a client, and the one that belongs to it on the other side.
struct Passage {
    upstream: SocketAddr,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Passage {
    async fn handle(
        &self,
        request: Request<Incoming>,
        decide: &impl Fn(&DynamoRequest) -> Fate,
    ) -> Result<Response<Full<Bytes>>, Closed> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
        let request = DynamoRequest { head, body };
        match decide(&request) {
            Fate::Pass => self.forward(request).await,
            Fate::Reject { status, code } => Ok(rejection(status, code)),
            Fate::Reset => Err(Closed),
            Fate::LoseResponse => {
                self.forward(request).await?;
                Err(Closed)
            }
            Fate::Hang => std::future::pending().await,
        }
    }

    async fn forward(&self, request: DynamoRequest) -> Result<Response<Full<Bytes>>, Closed> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            *connection = Some(connect(self.upstream).await.map_err(|_| Closed)?);
        }
        let sender = connection.as_mut().ok_or(Closed)?;
        let request = Request::from_parts(request.head, Full::new(request.body));
        let (head, body) = sender.send_request(request).await.map_err(|_| Closed)?.into_parts();
        let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
        Ok(Response::from_parts(head, Full::new(body)))
    }
}

/// Opens a connection, which lives until its sender is dropped.
pub(crate) async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, BenchError> {
    use crate::error::During;
    let stream = TcpStream::connect(address)
        .await
        .during(format!("connect to {address}"))?;
    stream.set_nodelay(true).during(format!("connect to {address}"))?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn rejection(status: u16, code: &str) -> Response<Full<Bytes>> {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"as planned"}}"#);
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
