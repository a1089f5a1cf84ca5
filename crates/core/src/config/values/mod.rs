//! The values of the fields that every type has, one type each. A value of such a type is valid: `FromStr` (or `parse`)
//! is the validation, and nothing validates again later.

mod desired_logs;
mod region;
pub(super) mod text;
mod ttl;

pub use desired_logs::DesiredLogs;
pub use region::{Partition, Region};
pub use ttl::Ttl;
