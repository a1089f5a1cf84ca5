//! The health of the service. Requests need no signature, so nothing here names a table, an account or an ARN.

pub(crate) mod handlers;
pub(crate) mod view;
