//! What is logged while a test runs.

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tracing::{
    Subscriber,
    subscriber::{DefaultGuard, set_default, set_global_default},
};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

/// A writer for subscribers that keeps everything. All clones share their content.
#[derive(Debug, Clone, Default)]
pub struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl LogBuffer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogBuffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The log since its creation.
pub struct CapturedLog {
    buffer: LogBuffer,
    _guard: Option<DefaultGuard>,
}

impl CapturedLog {
    /// Captures what this thread logs until the value is dropped: the log of a test with its single-threaded runtime.
    /// `subscriber` makes the subscriber that writes to the buffer.
    pub fn of_this_thread<S>(subscriber: impl FnOnce(LogBuffer) -> S) -> Self
    where
        S: Subscriber + Send + Sync + 'static,
    {
        let buffer = LogBuffer::default();
        let guard = set_default(subscriber(buffer.clone()));
        Self {
            buffer,
            _guard: Some(guard),
        }
    }

    /// Captures what every thread of this process logs. Works once in a process.
    pub fn of_this_process<S>(subscriber: impl FnOnce(LogBuffer) -> S) -> Self
    where
        S: Subscriber + Send + Sync + 'static,
    {
        let buffer = LogBuffer::default();
        set_global_default(subscriber(buffer.clone())).expect("no other subscriber is installed");
        Self { buffer, _guard: None }
    }

    /// Everything that was logged.
    #[must_use]
    pub fn text(&self) -> String {
        self.buffer.text()
    }

    /// The lines of a log in JSON.
    #[must_use]
    pub fn json_lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("every line is JSON"))
            .collect()
    }
}

impl fmt::Debug for CapturedLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

/// Text at every level. Its lines contain the sources of an error.
#[must_use]
pub fn text_format(buffer: LogBuffer) -> impl Subscriber + Send + Sync + use<> {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(LevelFilter::TRACE)
        .with_writer(buffer)
        .finish()
}

/// JSON at every level, with the members of each event at the top of its line.
#[must_use]
pub fn json_format(buffer: LogBuffer) -> impl Subscriber + Send + Sync + use<> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(LevelFilter::TRACE)
        .with_writer(buffer)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_of_a_thread_contains_its_lines_until_it_is_dropped() {
        let log = CapturedLog::of_this_thread(json_format);
        tracing::trace!(number = 7, "hello");
        let lines = log.json_lines();
        assert_eq!(
            (&lines[0]["message"], &lines[0]["number"]),
            (&"hello".into(), &7.into())
        );
        let buffer = log.buffer.clone();
        drop(log);
        tracing::error!("not captured");
        assert_eq!(buffer.text().lines().count(), 1);
    }
}
