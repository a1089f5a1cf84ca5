//! From names to addresses.

use std::{fmt, future::Future, io, net::IpAddr, pin::Pin};

/// What a resolver returns.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a name.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// Every address, in the order in which they are to be tried.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            // With a dot at the end, it is not completed by the domains of the machine. One without any dot is the machine's.
            let name = if name.contains('.') {
                format!("{name}.")
            } else {
                name.to_owned()
            };
            let addresses = tokio::net::lookup_host((name, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}
