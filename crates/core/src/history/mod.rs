//! The history of configurations: what each change was, who made it, and what a configuration was at any time.
//!
//! History is read from the stream of the table, so it contains every change, also those made past this service. A
//! [`Record`] of the stream becomes an [`Entry`]. An entry names itself by its [`Revision`], a pure function of the
//! record: one that is delivered twice gives the same entry under the same name.
//!
//! Here an item is an [`Image`]: its attributes in DynamoDB's JSON, exactly as the stream has them, known to the model
//! or not. Clients see the modelled fields only ([`Entry::changes`], [`Entry::configuration`]).

mod actor;
mod as_of;
mod attribute;
mod changes;
mod digits;
mod entry;
mod feed;
mod image;
mod images;
mod last_change;
mod observed;
mod record;
mod restore;
mod retention;
mod revision;
mod size;
mod summary;

pub use actor::{Actor, UserIdentity};
pub use as_of::{AsOf, as_of, is_expired};
pub use attribute::number_value;
pub use changes::FieldChange;
pub use entry::{Entry, Event};
pub use feed::{FeedCursor, FeedCursorError};
pub use image::Image;
pub use images::{Before, Images};
pub use last_change::{ChangeKind, ChangeNote, LAST_CHANGE_ATTRIBUTE, LAST_CHANGE_KIND, LastChange};
pub use record::Record;
pub use restore::{parse_restore, restore_body};
pub use retention::{Recording, Retention, RetentionError};
pub use revision::{InvalidRecord, Revision, RevisionError};
pub use size::MAX_ENTRY_BYTES;
pub use summary::{ActorSummary, RevisionSummary};
