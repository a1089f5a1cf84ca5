//! The one source of time.

use chrono::{DateTime, Utc};

/// A wall clock.
///
/// Keys age by the same clock that timestamps are checked against: a monotonic clock may stop while Lambda keeps the
/// process frozen, and a key must not outlive its time by that.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
