//! The Lambda authorizer: it reads an API Gateway `REQUEST` event, judges the request's signature and answers with an
//! IAM policy for this one request.
//!
//! This crate exists so that nothing behind the gateway ever sees a request that no key holder signed. It must never
//! allow what it has not verified, never deny for a fault of its own (that is an error, which the gateway turns into a
//! 500 that clients retry), and never let a key, a signature or a header's value out of its hands.
//!
//! | case | answer |
//! |---|---|
//! | verified | Allow on exactly this `methodArn`, with `authMethod`, `keyVersion` and, if signed, `bodySha256` |
//! | headers missing, malformed, expired or wrong | Deny; the reason only in the log |
//! | no key can be had | a [`HandlerError`](lambda::HandlerError) of kind `KeysUnavailable` |
//! | an event that is not understood | a [`HandlerError`](lambda::HandlerError) of kind `InvalidEvent` |
//!
//! The scheme itself is [`tenant_core::signature`].

mod answer;
mod authorizer;
mod claim;
mod clock;
pub mod config;
mod denial;
mod event;
pub mod keys;
mod log;
mod method_arn;
pub mod metrics;

pub use authorizer::Authorizer;
pub use clock::{Clock, SystemClock};
