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

mod config;
mod json_object;
mod page;
mod tenant_id;
mod violation;

pub mod signature;

pub use config::{
    BucketName, BucketPrefix, Change, Check, CheckStatus, ConfigUpdate, DeliveryType, DesiredLogs, Destination,
    ExternalCheck, Field, FieldValue, InputError, LogGroupName, MAX_DESIRED_LOGS, NewConfig, Partition, Region,
    RoleArn, SkipReason, StoredConfig, Ttl, VERSION_ATTRIBUTE, check_stored, parse_create, parse_update,
    skipped_checks,
};
pub use page::{Cursor, CursorError, PageLimit, PageLimitError};
pub use tenant_id::TenantId;
pub use violation::{ErrorCode, FieldError, Violation};
