//! What every route shares: how a request is read, how a response is made, and what surrounds both.

pub(crate) mod author;
pub(crate) mod authorized;
pub(crate) mod body;
pub(crate) mod client_message;
pub(crate) mod conditions;
pub(crate) mod context;
pub(crate) mod cors;
pub(crate) mod deadline;
pub(crate) mod edge;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod rejection;
pub(crate) mod rfc3339;
