//! What every client of an AWS service needs, once: the SDK's configuration of a function, time-outs and retries, the
//! class of a failed call, and the meter of its use.
//!
//! This crate exists so that a rule about the AWS SDK is written in one place. Its features are clients of services that
//! several functions call in the same way; each function turns on only what it uses. It knows no tenant and no table.

mod environment;
mod error_class;
#[cfg(feature = "events")]
pub mod event_bus;
mod limits;
pub mod parameter;
#[cfg(feature = "sqs")]
pub mod queue;
pub mod usage;

pub use environment::sdk_config;
pub use error_class::{ErrorClass, classify, classify_code};
pub use limits::Limits;
