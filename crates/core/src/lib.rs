//! The domain of the tenant management service: what a delivery configuration is, which ones are valid, how an update
//! changes one, how a list is paged and how a request is signed.
//!
//! This crate decides; others act. It must never do I/O, read a clock or the environment, nor know AWS, HTTP or async:
//! `now` is an argument wherever time matters.
//!
//! Input goes in two steps. [`parse_create`] and [`parse_update`] take the bytes of a request body and give either a
//! value for which every rule holds ([`NewConfig`], [`ConfigUpdate`]) or an [`InputError`] that names every broken
//! rule. What is read from the table is a [`StoredConfig`]: people write items by hand, so a read is lenient, and
//! [`check_stored`] says what is wrong with one.

mod change;
mod check;
mod config;
mod delivery_type;
mod entity_tag;
mod external_check;
mod field;
mod input;
mod json_object;
mod paging;
mod stored;
mod tenant_id;
mod values;
mod violation;

pub mod signature;

pub use change::{Actor, Cause, ConfigChanged};
pub use check::{Check, CheckStatus, check_stored};
pub use config::{Change, ConfigUpdate, Destination, FieldValue, NewConfig};
pub use delivery_type::DeliveryType;
pub use entity_tag::{EntityTag, ForeignTag};
pub use external_check::{ExternalCheck, SkipReason, skipped_checks};
pub use field::Field;
pub use input::{InputError, parse_create, parse_update};
pub use paging::{Cursor, CursorError, PageLimit, PageLimitError};
pub use stored::{StoredConfig, VERSION_ATTRIBUTE};
pub use tenant_id::TenantId;
pub use values::{
    BucketName, BucketPrefix, DesiredLogs, LogGroupName, MAX_DESIRED_LOGS, Partition, Region, RoleArn, Ttl,
};
pub use violation::{ErrorCode, FieldError, Violation};
