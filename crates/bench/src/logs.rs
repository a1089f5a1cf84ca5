//! The functions' logs: a pipe, as in Lambda, that a thread empties.

use std::{
    io::{self, PipeReader, PipeWriter, Read},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::error::{BenchError, During};

/// The limit on the captured beginning: 1 MiB.
const MAX_CAPTURED_BYTES: usize = 1 << 20;

/// A pipe that a separate thread empties until the last writer is closed.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    writer: Arc<PipeWriter>,
    captured: Arc<Mutex<Vec<u8>>>,
}

impl Logs {
    /// Logs that are read and discarded.
    pub(crate) fn discarded() -> Result<Self, BenchError> {
        Self::read_by(|mut reader, _| io::copy(&mut reader, &mut io::sink()).map(drop))
    }

    /// Logs whose beginning is captured.
    pub(crate) fn captured() -> Result<Self, BenchError> {
        Self::read_by(|mut reader, captured| {
            let mut buffer = [0; 8192];
            loop {
                let read = reader.read(&mut buffer)?;
                if read == 0 {
                    return Ok(());
                }
                let mut captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MAX_CAPTURED_BYTES.saturating_sub(captured.len());
                captured.extend_from_slice(&buffer[..read.min(room)]);
            }
        })
    }

    fn read_by(
        read: impl FnOnce(PipeReader, &Mutex<Vec<u8>>) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, BenchError> {
        let (reader, writer) = io::pipe().during("make a pipe")?;
        let captured = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&captured);
        // It ends with the last writer. An error can only be the end of the pipe.
        thread::spawn(move || read(reader, &shared));
        Ok(Self {
            writer: Arc::new(writer),
            captured,
        })
    }

    /// An end to write to, for one more process.
    pub(crate) fn stdio(&self) -> Result<Stdio, BenchError> {
        Ok(self.writer.try_clone().during("share a pipe")?.into())
    }

    /// What was written so far, up to a limit.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.captured.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}
