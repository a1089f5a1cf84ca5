//! The local server from outside: its gateway over real sockets, and its binary as a process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod durability;
mod events;
mod gateway_harness;
mod hostile;
mod process_harness;
mod refusals;
mod shutdown;
mod start;
