//! What is logged, at every level.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::{Subscriber, subscriber::DefaultGuard};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Capture {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Capture {
    /// Listens to everything in this process, other threads and the SDK's own tasks included. Once in a process.
    pub(crate) fn of_everything() -> Self {
        let capture = Self::default();
        tracing::subscriber::set_global_default(capture.subscriber()).unwrap();
        capture
    }

    /// Listens to this thread alone, in which a test and all it starts run.
    pub(crate) fn of_this_test() -> (Self, DefaultGuard) {
        let capture = Self::default();
        let guard = tracing::subscriber::set_default(capture.subscriber());
        (capture, guard)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Text, for its lines tell an error's sources as well.
    fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(LevelFilter::TRACE)
            .with_writer(self.clone())
            .finish()
    }
}
