//! The recorder as Lambda and the schedule see it: an event in, a response out, and the history that it leaves.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod comparison;
mod fan_out;
mod faults;
mod harness;
mod kills;
mod metrics;
mod records;
