//! The whole service on one machine.
//!
//! [`gateway`] stands in for API Gateway; the authorizer and the api function behind it are the production ones, and so
//! is the code that reads and writes the table.

pub mod gateway;
