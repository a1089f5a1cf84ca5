//! The events and responses of an API Gateway REST API, read and written.
//!
//! | module | function side | gateway side (the local server) |
//! |---|---|---|
//! | [`authorizer_event`] | reads the `REQUEST` event | |
//! | [`policy`] | writes the IAM policy | evaluates it |
//! | [`proxy_event`] | reads the proxy event as an [`http::Request`] | |
//! | [`proxy_response`] | writes an [`http::Response`] | reads it |
//! | [`gateway_event`] | | writes both events |
//!
//! This crate exists so that each rule of the format is written once. It is free of I/O and must stay cheap to link: the
//! authorizer uses it, so it must never depend on a web framework, an async runtime or the AWS SDK, and it knows no
//! tenant, signature or route.
//!
//! Source: "Input to an API Gateway Lambda authorizer", "Output from an API Gateway Lambda authorizer" and "Lambda proxy
//! integrations in API Gateway" in the Amazon API Gateway Developer Guide.

pub mod authorizer_event;
pub mod gateway_event;
mod merge;
mod method_arn;
pub mod policy;
pub mod proxy_event;
pub mod proxy_response;
mod route_path;
mod text;

pub use method_arn::{InvalidMethodArn, MethodArn, MethodArnParts};
pub use text::Text;
