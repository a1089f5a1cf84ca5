//! The time that an invocation has left.

use std::time::{Duration, SystemTime};

/// When the platform stops waiting for the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Option<SystemTime>);

impl Deadline {
    /// Whether this much time is left.
    pub(crate) fn leaves(self, time: Duration) -> bool {
        self.0.is_none_or(|deadline| SystemTime::now() + time < deadline)
    }
}
