//! Handlers, grouped by resource: each reads the request, calls the domain and the store, and returns a response.

pub(crate) mod configs;
pub(crate) mod health;
pub(crate) mod lists;
pub(crate) mod validation;
