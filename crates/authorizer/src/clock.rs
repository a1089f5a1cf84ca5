//! The one place where time comes from.

use chrono::{DateTime, Utc};

/// Tells the time.
///
/// Keys age by the same wall clock that timestamps are held to: a monotonic clock may stand still while Lambda keeps
/// the process frozen, and a key must not outlive its time by that.
pub trait Clock: Send + Sync + 'static {
    /// The moment of the call.
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
