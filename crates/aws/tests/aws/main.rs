//! The clients of services, against servers on loopback ports.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod event_bus;
mod parameter;
mod queue;
