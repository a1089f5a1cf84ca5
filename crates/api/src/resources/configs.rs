//! Delivery configurations.

pub(crate) mod batch;
pub(crate) mod external_checks;
pub(crate) mod handlers;
pub(crate) mod lists;
pub(crate) mod validation;
