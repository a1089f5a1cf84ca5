//! The signature scheme from outside: the published vectors, and the properties of every request.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod properties;
mod requests;
mod vectors;
