//! The store against an embedded DynamoDB: real requests, real expressions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod batch;
mod concurrency;
mod deletes;
mod deletion_races;
mod faults;
mod feeds;
mod hand_written;
mod harness;
mod history;
mod history_cost;
mod history_harness;
mod last_change;
mod paging;
mod reads;
mod resolved;
mod restores;
mod search;
mod transaction_marks;
mod webhook_deliveries;
mod webhook_harness;
mod webhooks;
mod writes;
