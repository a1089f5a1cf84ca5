//! The history of configurations from outside: what becomes of a record of the stream, and what follows from the
//! entries.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod harness;
mod histories;
mod records;
