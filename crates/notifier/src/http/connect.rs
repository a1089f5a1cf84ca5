//! Connecting to an address that was checked.

use std::net::SocketAddr;

use tenant_core::webhook::{Host, Networks, Scheme, WebhookUrl, check_addresses};
use tokio::net::TcpStream;

use super::{error::SendError, resolve::Resolve};

/// Connects to the host of the URL, if all of its addresses are ones that the service may connect to.
pub(super) async fn connect(
    url: &WebhookUrl,
    resolver: &dyn Resolve,
    networks: &Networks,
) -> Result<TcpStream, SendError> {
    let found = match url.host() {
        Host::Address(address) => vec![*address],
        Host::Name(name) => resolver.resolve(name).await.map_err(SendError::Unresolved)?,
    };
    let addresses = check_addresses(found, networks)?;
    // A name of the allowed networks that leads elsewhere is one of elsewhere.
    let is_elsewhere = !addresses.iter().all(|address| networks.contains(*address));
    if is_elsewhere && !url.is_public_form() {
        return Err(SendError::NotPublicForm);
    }
    if url.scheme() == Scheme::Https {
        return Err(SendError::NoTls);
    }
    let mut failure = None;
    for address in addresses {
        let address = SocketAddr::new(address, url.port());
        match TcpStream::connect(address).await {
            // The peer is the address that was checked.
            Ok(stream) if stream.peer_addr().is_ok_and(|peer| peer == address) => return Ok(stream),
            Ok(_) => return Err(SendError::AnotherPeer),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.map_or(SendError::AnotherPeer, SendError::Unreachable))
}
