//! The notifier over an embedded DynamoDB, against subscribers on this machine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod deliveries;
mod endpoints;
mod function;
mod harness;
mod metrics;
mod outage;
mod replays;
mod sender;
mod subscriber;
mod tls;
