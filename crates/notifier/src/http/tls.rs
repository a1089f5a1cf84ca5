//! TLS, which verifies that the host is the one of the URL.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use tenant_core::webhook::Host;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName},
};

use super::error::SendError;

/// Whether the program can encrypt.
pub(super) const IS_BUILT: bool = true;

/// Encrypts connections. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Tls(Arc<OnceLock<TlsConnector>>);

/// There is no second protocol to choose.
const HTTP_1_1: &[u8] = b"http/1.1";

impl Tls {
    /// Trusts these roots instead of the machine's.
    pub(super) fn with_roots(roots: RootCertStore) -> Self {
        Self(Arc::new(OnceLock::from(connector(roots))))
    }

    /// A connection to the host, whose certificate is valid for it.
    pub(super) async fn connect(&self, host: &Host, stream: TcpStream) -> Result<TlsStream<TcpStream>, SendError> {
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| SendError::NoServerName)?,
            Host::Address(address) => ServerName::from(*address),
        };
        // Reading the machine's roots takes milliseconds: once, and only where there is something to encrypt.
        let connector = self.0.get_or_init(|| connector(machine_roots()));
        connector.connect(name, stream).await.map_err(SendError::Tls)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn connector(roots: RootCertStore) -> TlsConnector {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// The bundle of the machine, or that of `SSL_CERT_FILE` (docs/decisions/0102-root-certificates.md).
fn machine_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::error!("there are no root certificates: no host of https can be verified");
    }
    roots
}
