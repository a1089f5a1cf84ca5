//! A delivery configuration: its fields, the types of their values, what a client may send, what the table may contain
//! and how a stored item is checked.

mod check;
mod delivery_type;
mod external_check;
mod field;
mod field_value;
mod input;
mod stored;
mod values;

pub use check::{Check, CheckStatus, check_stored};
pub use delivery_type::DeliveryType;
pub use external_check::{ExternalCheck, SkipReason, skipped_checks};
pub use field::Field;
pub use field_value::{Change, ConfigUpdate, Destination, FieldValue, NewConfig};
pub use input::{InputError, parse_create, parse_update};
pub use stored::{StoredConfig, VERSION_ATTRIBUTE};
pub use values::{
    BucketName, BucketPrefix, DesiredLogs, LogGroupName, MAX_DESIRED_LOGS, Partition, Region, RoleArn, Ttl,
};
