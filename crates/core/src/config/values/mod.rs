//! The values of the fields that every type has, one type each. A value of such a type is valid: `FromStr` (or `parse`)
//! is the validation, and nothing validates again later.

mod desired_logs;
mod labels;
mod region;
pub(super) mod text;
mod ttl;

pub use desired_logs::DesiredLogs;
pub use labels::Labels;
pub(super) use labels::{parse_label, too_many_labels};
pub use region::{Partition, Region};
pub use ttl::Ttl;
