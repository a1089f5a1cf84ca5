//! The local server from outside: its gateway over real sockets, and its binary as a process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod by_hand;
mod durability;
mod events;
mod gateway_harness;
mod gateway_responses;
mod history;
mod hostile;
mod process_harness;
mod shutdown;
mod start;
mod stream;
mod stream_cost;
mod stream_harness;
mod stream_restart;
mod table;
mod webhooks;
