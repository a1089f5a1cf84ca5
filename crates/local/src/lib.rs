//! The whole service on one machine.
//!
//! [`gateway`] stands in for API Gateway, and [`database`] for DynamoDB. Between them runs the production code: the
//! authorizer, the api function and the store. Nothing in here may decide what those decide.

pub mod banner;
pub mod cli;
pub mod data_dir;
pub mod database;
mod docs;
pub mod gateway;
pub mod keys;
pub mod psk;
pub mod service;
