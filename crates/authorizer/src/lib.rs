//! The Lambda authorizer: it reads an API Gateway `REQUEST` event, verifies the request's signature and returns an IAM
//! policy for this one request.
//!
//! This crate exists so that nothing behind API Gateway ever sees a request that no key holder signed. It must never
//! allow what it has not verified, never deny because of its own failure (that is an error, which API Gateway turns into
//! a 500 that clients retry), and never disclose a key, a signature or a header's value.
//!
//! | case | response |
//! |---|---|
//! | verified | Allow on exactly this `methodArn`, with `authMethod`, `keyVersion` and, if signed, `bodySha256` |
//! | headers missing, malformed, expired or wrong | Deny; the reason only in the log |
//! | no key is available | a [`HandlerError`](lambda::HandlerError) of kind `KeysUnavailable` |
//! | an event of another kind | a [`HandlerError`](lambda::HandlerError) of kind `InvalidEvent` |
//!
//! The scheme itself is [`tenant_core::signature`].

mod authorizer;
mod clock;
pub mod config;
mod denial;
mod header;
pub mod keys;
mod log;
pub mod metrics;
mod policy;
mod signed_request;

pub use authorizer::Authorizer;
pub use clock::{Clock, SystemClock};
