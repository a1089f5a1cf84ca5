//! The domain of the tenant management service: what a delivery configuration is, which ones are valid, how an update
//! changes one, how a list is paged and how a request is signed.
//!
//! This crate decides and others act. It must never do I/O, read a clock or the environment, or know AWS, HTTP or async:
//! `now` is an argument wherever time matters. Its `clippy.toml` enforces that.
//!
//! Input has two steps. [`parse_create`], [`parse_update`] and [`parse_batch`] take the bytes of a request body and return
//! either a value for which every rule holds ([`NewConfig`], [`ConfigUpdate`], [`Operation`]) or an [`InputError`] with every broken rule. What
//! is read from the table is a [`StoredConfig`]: items can be written by hand, so a read is lenient, and
//! [`check_stored`] reports what is wrong with one. A [`Filter`] selects among them.

#[macro_use]
mod named_enum;

mod batch;
mod change;
mod config;
mod entity_tag;
mod json_object;
#[cfg(feature = "openapi")]
mod openapi;
mod page;
mod search;
mod tenant_id;
mod unknown_name;
mod violation;

pub mod filter;
pub mod history;
pub mod signature;
pub mod webhook;

pub use batch::*;
pub use change::{Actor, Cause, ConfigChanged};
pub use config::*;
pub use entity_tag::{EntityTag, ForeignTag};
pub use filter::{Filter, FilterError};
pub use page::{Cursor, CursorError, PageLimit, PageLimitError};
pub use search::{Search, SearchError, parse_search};
pub use tenant_id::TenantId;
pub use unknown_name::{nearest_name, shorten_name};
pub use violation::{ErrorCode, FieldError, Violation};
