//! The service's resources in DynamoDB.
//!
//! [`schema`], [`client`] and the private modules `table`, `backoff`, `placeholders`, `item`, `item_update`, `json`, `tag` and `version`
//! know no resource. Each resource has a folder with its table: [`configs`] the delivery configurations, [`history`] their
//! changes. This crate is the only one that knows attributes and expressions. It must never decide what a valid value is
//! (`tenant_core` does), know HTTP, read the environment or the time of day: `now` is an argument.
//!
//! Every read of a table is strongly consistent: clients of a management plane read what they have just written. An item past
//! its time to live does not exist, whether or not DynamoDB has deleted it yet; only a deletion still finds it.

mod attempts;
mod backoff;
pub mod client;
pub mod configs;
mod error;
pub mod history;
mod item;
mod item_update;
mod json;
mod placeholders;
mod precondition;
pub mod schema;
mod table;
mod tag;
mod version;
pub mod webhooks;

pub use error::StoreError;
pub use precondition::Precondition;
pub use tag::Tagged;
pub use version::NewVersion;
