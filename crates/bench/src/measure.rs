//! The measurements, one file for each question.

pub(crate) mod batch;
pub(crate) mod change;
pub(crate) mod cold;
pub(crate) mod endurance;
pub(crate) mod faults;
pub(crate) mod growth;
pub(crate) mod history;
pub(crate) mod logging;
pub(crate) mod query;
pub(crate) mod search;
pub(crate) mod throughput;
pub(crate) mod warm;
pub(crate) mod writes;
