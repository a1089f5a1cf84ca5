//! The checks against AWS as a test wants it: the SDK's real clients, and a server that answers as AWS does.

#![expect(
    clippy::unwrap_used,
    reason = "a test may fail by panicking; outside of #[test] clippy does not know that"
)]

mod aws;
mod capture;
mod cloudwatch;
mod emulator;
mod faults;
mod harness;
mod s3;
mod secrecy;
mod sessions;
