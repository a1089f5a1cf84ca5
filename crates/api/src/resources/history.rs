//! The history of delivery configurations.

pub(crate) mod feeds;
pub(crate) mod point_in_time;
pub(crate) mod query;
pub(crate) mod restore;
pub(crate) mod revisions;
