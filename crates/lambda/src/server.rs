//! An HTTP/1.1 accept loop with a graceful shutdown: requests in flight are completed.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    time::{sleep, timeout},
};

/// As many connections as clients open.
pub const UNLIMITED: usize = Semaphore::MAX_PERMITS;

/// How long requests in flight may take after the shutdown begins: the process must end within a second.
const GRACE: Duration = Duration::from_millis(800);
/// The pause when no connection can be accepted, which happens when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves every connection that `listener` accepts, each on its own task with the service that `service_for` returns for
/// its peer, until `shutdown` completes.
///
/// A connection whose client takes longer than `http`'s `header_read_timeout` (30 s unless set) to send the head of a
/// request, the next one on an idle connection included, is closed. While there are `max_connections`, others wait to be
/// accepted.
pub async fn serve<S>(
    listener: TcpListener,
    mut http: http1::Builder,
    max_connections: usize,
    service_for: impl Fn(SocketAddr) -> S,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible> + Send + 'static,
    S::Future: Send,
{
    http.timer(TokioTimer::new());
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(max_connections));
    let mut shutdown = pin!(shutdown);
    loop {
        let accept = async {
            // The semaphore is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            listener.accept().await.map(|accepted| (accepted, slot))
        };
        let accepted = tokio::select! {
            accepted = accept => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok(((stream, peer), slot)) => {
                // Responses are written whole: waiting to fill a packet only delays them. A failure has no other effect.
                let _ = stream.set_nodelay(true);
                let connection = http.serve_connection(TokioIo::new(stream), service_for(peer));
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, %peer, "connection failed");
                    }
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("connections were closed before their response");
    }
}

/// Completes on Ctrl-C or `SIGTERM`; from now on neither ends the process by itself.
pub fn termination() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
