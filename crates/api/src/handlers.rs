//! What each route does, grouped by resource: read the request, ask the domain, call the store, answer.

pub(crate) mod configs;
pub(crate) mod health;
pub(crate) mod lists;
pub(crate) mod validation;
