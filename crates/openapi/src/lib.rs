//! Makes the OpenAPI description of the API. For development only: the api function contains the finished document.
//!
//! [`document`] derives it from the attributes of the handlers, from the types of their responses and from the rules of
//! the domain. What is left to write here is what neither has: the parameters in prose, the signature scheme, examples and
//! the responses of API Gateway. [`copies`] compares it with the copies in the repository, and writes them.

#![expect(
    clippy::unwrap_used,
    reason = "everything that this tool reads is part of this repository, and it fails by panicking"
)]

mod batch;
mod config_fields;
pub mod copies;
mod document;
mod examples;
mod names;
mod operations;
mod parameters;
mod responses;
mod schemas;
mod security;
mod webhooks;

pub use document::document;
