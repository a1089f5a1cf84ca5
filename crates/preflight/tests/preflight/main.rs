//! The checks against a simulated AWS: the SDK's real clients, and a server that responds as AWS does.

#![expect(
    clippy::unwrap_used,
    reason = "a test may fail by panicking; outside of #[test] clippy does not know that"
)]

mod aws;
mod cloudwatch;
mod emulator;
mod faults;
mod harness;
mod s3;
mod secrecy;
mod sessions;
