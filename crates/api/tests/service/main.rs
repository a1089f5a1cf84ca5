//! The service as a function: events of API Gateway in, responses out, over a real store on an embedded DynamoDB. Each
//! module tests one part of the contract as a client sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authorized;
mod batch;
mod batch_dry_run;
mod batch_faults;
mod batch_log;
mod batch_requests;
mod bodies;
mod by_hand;
mod change_notes;
mod concurrency;
mod conditions;
mod cors;
mod create;
mod delete;
mod description;
mod events;
mod failures;
mod harness;
mod health;
mod history;
mod history_feeds;
mod history_harness;
mod history_restore;
mod hostile;
mod labels;
mod lists;
mod logs;
mod metrics;
mod properties;
mod query;
mod read;
mod routes;
mod search;
mod search_oracle;
mod start;
mod update;
mod validation;
mod webhook_log;
mod webhooks;
