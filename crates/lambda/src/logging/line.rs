//! The lines of an invocation: its outcome, with its metrics, and what it changed.
//!
//! In Lambda the line is deferred until the response has been sent ([`defer`]): no client waits for it then, and Lambda
//! does not freeze the process before it asks for its next event.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tracing::Level;

use super::{
    FORMAT,
    settings::LogFormat,
    target::{AUDIT_TARGET, DELIVERY_TARGET, METRICS_TARGET, REQUEST_TARGET},
};
use crate::metrics::{self, Measurements};

/// The deferred lines; `None` while lines are written at once.
static DEFERRED: Mutex<Option<Vec<Line>>> = Mutex::new(None);

/// A line to write later. It owns its members, since the invocation's data is gone by then.
struct Line {
    kind: Kind,
    /// A JSON object, whose members become members of the line.
    members: String,
}

enum Kind {
    Request(Level),
    Delivery(Level),
    Metrics,
}

/// Writes the line of an invocation: `fields`, which serialise as an object, and the measurements. Where lines of this
/// level are disabled, the metrics are written alone.
///
/// In Lambda it is written once the response has been sent, elsewhere at once.
pub fn write(level: Level, fields: &impl Serialize, measured: &Measurements<'_>) {
    write_as(Kind::Request(level), fields, measured);
}

/// The same for what an invocation did for one delivery of many: a line of its own, with its own measurements.
pub fn write_delivery(level: Level, fields: &impl Serialize, measured: &Measurements<'_>) {
    write_as(Kind::Delivery(level), fields, measured);
}

fn write_as(kind: Kind, fields: &impl Serialize, measured: &Measurements<'_>) {
    // In text, metrics need a line of their own.
    let joined = metrics::settings().filter(|_| FORMAT.get() != Some(&LogFormat::Text));
    let is_written = kind.is_enabled();
    if is_written {
        let measurements = metrics::Members {
            measured,
            settings: joined,
        };
        Line::new(kind, &Joined { fields, measurements }).write_or_defer();
    }
    if !is_written || joined.is_none() {
        write_metrics(measured);
    }
}

/// Writes a line with nothing but metrics, for measurements that have other dimensions than those of the invocation's line.
/// Without metrics there is none.
pub fn write_metrics(measured: &Measurements<'_>) {
    if let Some(settings) = metrics::settings() {
        let measurements = metrics::Members {
            measured,
            settings: Some(settings),
        };
        Line::new(Kind::Metrics, &measurements).write_or_defer();
    }
}

/// Writes the line of a change that was accepted: what happened, and `fields`, which serialise as an object. At once, everywhere: no
/// response reports a change that the log does not have.
pub fn write_audit(what: &str, fields: &impl Serialize) {
    let members = members(fields);
    tracing::event!(target: AUDIT_TARGET, Level::INFO, members = members.as_str(), "{what}");
}

/// Defers the lines of invocations until [`write_deferred`], from now on.
pub(crate) fn defer() {
    DEFERRED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert_default();
}

/// Writes the deferred lines.
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

    fn write_or_defer(self) {
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
        // A target and a level are constants of a place in the program.
        macro_rules! at_level {
            ($target:ident, $level:expr, $message:literal) => {
                match $level {
                    Level::ERROR => tracing::event!(target: $target, Level::ERROR, members, $message),
                    Level::WARN => tracing::event!(target: $target, Level::WARN, members, $message),
                    _ => tracing::event!(target: $target, Level::INFO, members, $message),
                }
            };
        }
        match self.kind {
            Kind::Metrics => tracing::event!(target: METRICS_TARGET, Level::INFO, members, "metrics"),
            Kind::Request(level) => at_level!(REQUEST_TARGET, level, "request"),
            Kind::Delivery(level) => at_level!(DELIVERY_TARGET, level, "delivery"),
        }
    }
}

impl Kind {
    fn is_enabled(&self) -> bool {
        macro_rules! enabled {
            ($target:ident, $level:expr) => {
                match $level {
                    Level::ERROR => tracing::enabled!(target: $target, Level::ERROR),
                    Level::WARN => tracing::enabled!(target: $target, Level::WARN),
                    _ => tracing::enabled!(target: $target, Level::INFO),
                }
            };
        }
        match *self {
            Self::Request(level) => enabled!(REQUEST_TARGET, level),
            Self::Delivery(level) => enabled!(DELIVERY_TARGET, level),
            Self::Metrics => true,
        }
    }
}

#[derive(Serialize)]
struct Joined<'a, F> {
    #[serde(flatten)]
    fields: &'a F,
    #[serde(flatten)]
    measurements: metrics::Members<'a>,
}

/// Fields that do not serialise are omitted: a request does not fail because of its log line.
fn members(fields: &impl Serialize) -> String {
    serde_json::to_string(fields).unwrap_or_default()
}
