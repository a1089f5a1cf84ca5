//! Why there is no response.

use std::{io, time::Duration};

use tenant_core::webhook::AddressRejection;

/// A request without a response. The text is for the subscriber, who can act on it.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The name cannot be resolved.
    #[error("the name of the host cannot be resolved")]
    Unresolved(#[source] io::Error),
    /// The service does not connect to this host.
    #[error("{0}: no connection was made")]
    Address(#[from] AddressRejection),
    /// No TLS or a port of another protocol, and not in an allowed network.
    #[error("the URL must begin with https:// and have port 443 or one from 1024 to 65535: no connection was made")]
    NotPublicForm,
    /// A program that was built without TLS. Only the local server can be.
    #[error(
        "this program was built without TLS (build it with `cargo run --release --features https`): no connection was made"
    )]
    NoTls,
    /// The connection leads elsewhere.
    #[error("the connection leads to another address")]
    AnotherPeer,
    /// No connection.
    #[error("there is no connection to the host")]
    Unreachable(#[source] io::Error),
    /// A name that no certificate can have.
    #[error("no certificate can be valid for the name of the host")]
    NoServerName,
    /// No connection with TLS, or one to a host that the certificate is not valid for.
    #[error("the host cannot be verified")]
    Tls(#[source] io::Error),
    /// Resolving and connecting took too long.
    #[error("there was no connection within {} seconds", .0.as_secs_f32())]
    ConnectTimedOut(Duration),
    /// The whole attempt took too long.
    #[error("there was no complete response within {} seconds", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The connection ended, or what came is not HTTP.
    #[error("the connection ended before a complete response of HTTP/1.1")]
    Broken(#[from] hyper::Error),
    /// A URL or a header that HTTP cannot represent.
    #[error("the request cannot be made")]
    Unrepresentable(#[from] http::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_without_tls_names_the_build_that_has_it() {
        let text = SendError::NoTls.to_string();
        assert!(text.contains("`cargo run --release --features https`"), "{text}");
    }
}
