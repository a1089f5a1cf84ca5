//! In place of TLS, for a program that was built without it.

use tenant_core::webhook::Host;
use tokio::net::TcpStream;

use super::error::SendError;

/// Whether the program can encrypt.
pub(super) const IS_BUILT: bool = false;

/// Encrypts nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls(());

impl Tls {
    #[expect(clippy::unused_async, reason = "it is a handshake with TLS")]
    pub(super) async fn connect(&self, _: &Host, _: TcpStream) -> Result<TcpStream, SendError> {
        Err(SendError::NoTls)
    }
}
