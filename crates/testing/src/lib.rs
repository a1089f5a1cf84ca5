//! What the tests of several crates need: an embedded DynamoDB, a proxy that injects faults, other services of AWS, and
//! captured logs.
//!
//! For development only: no other crate may have this one among its `[dependencies]`, only among its
//! `[dev-dependencies]`. It must hold no assertion about the service. Everything here panics on a failure, since a failure
//! of the set-up is a failure of the test.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test fails by panicking, and the crate's doc states it once"
)]

mod aws_server;
mod captured_log;
mod dynamodb;
mod fault_proxy;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

pub use aws_server::{AwsCall, AwsReply, AwsServer};
pub use captured_log::{CapturedLog, LogBuffer, json_format, text_format};
pub use dynamodb::{EmbeddedDynamoDb, StreamRecord};
pub use fault_proxy::{Fault, FaultProxy, REJECTION_MESSAGE};

/// A loopback address at which nothing listens: it was free a moment ago.
#[must_use]
pub fn closed_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a loopback port is free")
}
