//! Delivery configurations.

pub(crate) mod batch;
pub(crate) mod external_checks;
pub(crate) mod handlers;
pub(crate) mod lists;
mod page_list;
pub(crate) mod search;
pub(crate) mod validation;
