//! TLS in front of the stand-ins for AWS: production pays for a handshake and for reading the trusted roots.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
};

use crate::error::{BenchError, During};

/// Where systems keep the roots they trust; Amazon Linux is the second.
const SYSTEM_BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// A certificate for `localhost`, and a file with the roots that a function is to trust.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    bundle: PathBuf,
    _directory: TempDir,
}

impl Tls {
    /// Makes a new authority. Its root is written behind those of the system, so that reading the file takes a function
    /// as long as reading the system's would.
    pub(crate) fn new() -> Result<Self, BenchError> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;

        let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let directory = tempfile::tempdir().during("make a temporary directory")?;
        let bundle = directory.path().join("roots.pem");
        let roots = system_roots() + "\n" + &root.pem();
        fs::write(&bundle, roots).during("write the trusted roots")?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            bundle,
            _directory: directory,
        })
    }

    /// The value of `SSL_CERT_FILE`.
    pub(crate) fn bundle(&self) -> &Path {
        &self.bundle
    }

    /// A server that decrypts and forwards connections to `upstream`.
    pub(crate) fn front(
        &self,
        upstream: SocketAddr,
    ) -> impl FnOnce(TcpListener) -> Pin<Box<dyn Future<Output = ()> + Send>> + use<> {
        let acceptor = self.acceptor.clone();
        move |listener| {
            Box::pin(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let acceptor = acceptor.clone();
                    // The function reports a broken connection itself.
                    tokio::spawn(async move { forward(acceptor, stream, upstream).await });
                }
            })
        }
    }
}

async fn forward(acceptor: TlsAcceptor, stream: TcpStream, upstream: SocketAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut downstream = acceptor.accept(stream).await?;
    let mut upstream = TcpStream::connect(upstream).await?;
    upstream.set_nodelay(true)?;
    copy_bidirectional(&mut downstream, &mut upstream).await.map(drop)
}

/// Empty on a system that keeps them elsewhere; then reading them is not measured.
fn system_roots() -> String {
    SYSTEM_BUNDLES
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .unwrap_or_default()
}
