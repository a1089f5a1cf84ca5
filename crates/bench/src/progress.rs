//! Progress for the person who runs it: lines on standard error, with the time since the start.

use std::{fmt, time::Instant};

#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
}

impl Progress {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now() }
    }

    pub(crate) fn report(&self, what: impl fmt::Display) {
        eprintln!("[{:4} s] {what}", self.began.elapsed().as_secs());
    }
}
