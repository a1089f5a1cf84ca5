//! What every client of an AWS service needs, once: the SDK's configuration of a function, time-outs and retries, the
//! class of a failed call, and the meter of its use.
//!
//! This crate exists so that a rule about the AWS SDK is written in one place. It must never depend on the client of a
//! service, since each function links only the clients that it uses, and it knows no tenant, table or parameter.

mod environment;
mod error_class;
mod limits;
pub mod usage;

pub use environment::sdk_config;
pub use error_class::{ErrorClass, classify, classify_code};
pub use limits::Limits;
