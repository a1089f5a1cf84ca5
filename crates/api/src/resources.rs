//! One folder for each resource. A handler reads the request, asks the domain, calls the store and responds.

pub(crate) mod configs;
pub(crate) mod description;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod webhooks;
