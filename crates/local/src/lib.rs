//! The whole service on one machine.
//!
//! [`gateway`] replaces API Gateway, and [`database`] DynamoDB, its streams and what Lambda does with a stream. Between them
//! runs the production code: the authorizer, the api function and the store. This crate must not decide anything that those
//! decide.

pub mod aws;
pub mod banner;
pub mod cli;
pub mod data_dir;
pub mod database;
mod descriptors;
mod docs;
pub mod gateway;
mod history;
mod id;
pub mod keys;
pub mod psk;
pub mod service;
pub mod stage;
mod stream;
mod webhooks;
