//! TLS: the host is the one of the URL, or nothing is sent.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use notifier::http::{Limits, Resolve, Resolving, Response, SendError, Sender};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use tenant_core::webhook::WebhookUrl;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
        version::{TLS12, TLS13},
    },
};

use crate::subscriber::{Reaction, Subscriber, ok};

const NAME: &str = "hooks.example.com";
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    whole: Duration::from_secs(4),
};

/// Every name is this machine.
#[derive(Debug)]
struct Here;

impl Resolve for Here {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        Box::pin(async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self { issuer, root }
    }

    /// A server with a certificate for these names, in front of another one. Returns its address.
    async fn serve(
        &self,
        subscriber: &Subscriber,
        change: impl FnOnce(&mut CertificateParams),
        is_old: bool,
    ) -> SocketAddr {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let version = if is_old { &TLS12 } else { &TLS13 };
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, upstream) = (listener.local_addr().unwrap(), subscriber.address);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(forward(stream, acceptor.clone(), upstream));
            }
        });
        address
    }
}

/// What fails ends the connection, which its client notices.
async fn forward(stream: TcpStream, acceptor: TlsAcceptor, upstream: SocketAddr) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut upstream = TcpStream::connect(upstream).await?;
    copy_bidirectional(&mut stream, &mut upstream).await?;
    Ok(())
}

async fn post(host: &str, port: u16, trusted: &Authority) -> Result<Response, SendError> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.root.clone()).unwrap();
    let sender = Sender::with_resolver("127.0.0.0/8".parse().unwrap(), Arc::new(Here), LIMITS).with_roots(roots);
    let url = WebhookUrl::parse(
        &format!("https://{host}:{port}/hook?a=b"),
        &"127.0.0.0/8".parse().unwrap(),
    );
    sender.post(&url.unwrap(), &[], r#"{"a":1}"#.to_owned()).await
}

#[tokio::test]
async fn event_is_encrypted_for_the_host_of_the_url() {
    let authority = Authority::new();
    for is_old in [false, true] {
        let subscriber = Subscriber::start(&[ok()]).await;
        let address = authority.serve(&subscriber, |_| (), is_old).await;
        let response = post(NAME, address.port(), &authority).await.unwrap();
        assert_eq!(response.status.as_u16(), 204);
        let [request] = &subscriber.received()[..] else {
            panic!("one request")
        };
        assert_eq!(request.header("host"), Some(&*format!("{NAME}:{}", address.port())));
        assert_eq!(request.body, r#"{"a":1}"#);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_host_that_cannot_be_verified() {
    let (authority, other) = (Authority::new(), Authority::new());
    let subscriber = Subscriber::start(&[ok()]).await;
    let valid = authority.serve(&subscriber, |_| (), false).await;
    let expire = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    };
    let expired = authority.serve(&subscriber, expire, false).await;
    for (host, port, trusted, cause) in [
        (
            "other.example.com",
            valid.port(),
            &authority,
            "certificate not valid for name",
        ),
        ("127.0.0.1", valid.port(), &authority, "certificate not valid for name"),
        // Both authorities have the same name.
        (NAME, valid.port(), &other, "BadSignature"),
        (NAME, expired.port(), &authority, "certificate expired"),
    ] {
        let error = post(host, port, trusted).await.unwrap_err();
        let SendError::Tls(source) = &error else {
            panic!("{host}: {error:?}")
        };
        assert!(source.to_string().contains(cause), "{host}: {source}");
    }
    assert_eq!(subscriber.received().len(), 0);
}

#[tokio::test]
async fn silence_during_the_handshake_is_cut_off_as_a_connection() {
    let authority = Authority::new();
    let subscriber = Subscriber::start(&[Reaction::Hang]).await;
    let error = post(NAME, subscriber.address.port(), &authority).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectTimedOut(_)), "{error:?}");
}
