//! A delivery configuration: its fields, the types of their values, what a client may send, what the table may contain
//! and how a stored item is checked.
//!
//! Fields are data: [`names`] lists them, [`spec`] says what there is to know about one, [`fields`] and [`destination`]
//! know it, and everything else derives from that.

mod check;
mod destination;
mod external_check;
mod field_change;
mod field_value;
mod fields;
mod input;
mod key;
mod merge;
mod names;
mod new_config;
mod partitions;
mod spec;
mod stored;
mod update;
mod values;

pub use check::{Check, CheckStatus, check_siblings, check_stored};
// All of them, so that a new delivery type needs no line here.
pub use destination::*;
pub use external_check::{SkipReason, skipped_checks};
pub use field_change::{Change, LabelChanges};
pub use field_value::{FieldData, FieldValue};
pub use input::{InputError, parse_create, parse_update};
pub(crate) use input::{check_key_field, parse_members, summarize};
pub(crate) use input::{create_from_members, update_from_members};
pub use key::{ConfigKey, InvalidKey};
pub use names::{DeliveryType, ExternalCheck, Field, RETIRED_FIELDS};
pub use new_config::NewConfig;
pub use partitions::{Contradiction, Requirement};
pub use spec::{Absent, DestinationSpec, FieldRole, FieldSpec, FieldTypes, Shape};
pub use stored::{StoredConfig, VERSION_ATTRIBUTE};
pub use update::{Assumption, ConfigUpdate};
pub use values::{DesiredLogs, Labels, Partition, Region, Ttl};
