//! Many changes in one request: what they are, and what each of them does to the item that it finds.
//!
//! [`parse_batch`] takes the bytes of a body and returns [`Operation`]s for whose values every rule holds. Whether one can
//! be made depends on the table: [`Operation::plan`] decides it for the item that was found, without writing anything. What
//! a dry run reports and what a write does are both that decision.

mod diff;
mod if_match;
mod input;
mod operation;
mod plan;

pub use diff::{FieldDiff, diff};
pub use if_match::IfMatch;
pub use input::{
    Batch, BatchError, MAX_ATOMIC_OPERATIONS, MAX_CONFIG_BYTES, MAX_OPERATIONS, MAX_RULES_PER_OPERATION, Submitted,
    Work, parse_batch,
};
pub use operation::{Operation, OperationKind, Subject};
pub use plan::{Found, Obstacle, Plan};
