//! The authorizer as its callers see it: an event in, a policy or an error out.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod events;
mod harness;
mod key_cache;
mod log;
mod metrics;
mod properties;
mod rotation;
mod ssm;
mod ssm_server;
mod start;
