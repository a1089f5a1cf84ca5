//! The lines of an invocation: how it went, with its metrics, and what it changed.
//!
//! In Lambda the line waits until the answer has been sent ([`defer`]): nobody waits for it then, and Lambda does not
//! freeze the process before it asks for its next event.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tracing::Level;

use super::{AUDIT_TARGET, FORMAT, LogFormat, METRICS_TARGET, REQUEST_TARGET};
use crate::metrics::{self, Measurements};

/// The lines that wait; `None` while lines are written at once.
static DEFERRED: Mutex<Option<Vec<Line>>> = Mutex::new(None);

/// A line as it will be written. It owns what it says, since what it is about is gone by then.
struct Line {
    kind: Kind,
    /// A JSON object, whose members become members of the line.
    members: String,
}

enum Kind {
    Request(Level),
    Metrics,
}

/// Writes the line of an invocation: `fields`, which serialise as an object, and the measurements. Where lines of this
/// level are not wanted, the metrics are written alone.
///
/// In Lambda it is written once the invocation has been answered, elsewhere at once.
pub fn write(level: Level, fields: &impl Serialize, measured: &Measurements<'_>) {
    // In text, metrics need a line of their own.
    let joined = metrics::settings().filter(|_| FORMAT.get() != Some(&LogFormat::Text));
    let is_written = is_wanted(level);
    if is_written {
        let measurements = metrics::Members {
            measured,
            settings: joined,
        };
        Line::new(Kind::Request(level), &Joined { fields, measurements }).write_in_time();
    }
    if (!is_written || joined.is_none())
        && let Some(settings) = metrics::settings()
    {
        let measurements = metrics::Members {
            measured,
            settings: Some(settings),
        };
        Line::new(Kind::Metrics, &measurements).write_in_time();
    }
}

/// Writes the line of a change that was accepted: `fields`, which serialise as an object. At once, everywhere: no
/// answer tells of a change that the log does not.
pub fn write_audit(fields: &impl Serialize) {
    let members = members(fields);
    tracing::event!(target: AUDIT_TARGET, Level::INFO, members = members.as_str(), "configuration changed");
}

/// From now on, the lines of invocations wait for [`write_deferred`].
pub(crate) fn defer() {
    DEFERRED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert_default();
}

/// Writes the lines that wait.
pub(crate) fn write_deferred() {
    let lines = DEFERRED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_mut()
        .map(std::mem::take);
    for line in lines.into_iter().flatten() {
        line.write();
    }
}

impl Line {
    fn new(kind: Kind, fields: &impl Serialize) -> Self {
        Self {
            kind,
            members: members(fields),
        }
    }

    fn write_in_time(self) {
        let mut deferred = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = deferred.as_mut() {
            lines.push(self);
        } else {
            drop(deferred);
            self.write();
        }
    }

    fn write(&self) {
        let members = self.members.as_str();
        macro_rules! request {
            ($level:ident) => {
                tracing::event!(target: REQUEST_TARGET, Level::$level, members, "request")
            };
        }
        match self.kind {
            Kind::Metrics => tracing::event!(target: METRICS_TARGET, Level::INFO, members, "metrics"),
            Kind::Request(Level::ERROR) => request!(ERROR),
            Kind::Request(Level::WARN) => request!(WARN),
            Kind::Request(_) => request!(INFO),
        }
    }
}

fn is_wanted(level: Level) -> bool {
    match level {
        Level::ERROR => tracing::enabled!(target: REQUEST_TARGET, Level::ERROR),
        Level::WARN => tracing::enabled!(target: REQUEST_TARGET, Level::WARN),
        _ => tracing::enabled!(target: REQUEST_TARGET, Level::INFO),
    }
}

#[derive(Serialize)]
struct Joined<'a, F> {
    #[serde(flatten)]
    fields: &'a F,
    #[serde(flatten)]
    measurements: metrics::Members<'a>,
}

/// What does not serialise is left out: a request does not fail for its line.
fn members(fields: &impl Serialize) -> String {
    serde_json::to_string(fields).unwrap_or_default()
}
