//! Where the functions' logs go: into a pipe, as in Lambda, that somebody empties.

use std::{
    io::{self, PipeReader, PipeWriter, Read},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::error::{BenchError, During};

/// The most that is kept, from the beginning: 1 MiB.
const KEPT_BYTES: usize = 1 << 20;

/// The read end of a pipe, emptied by a thread of its own for as long as somebody holds the other end.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    writer: Arc<PipeWriter>,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl Logs {
    /// Logs that are read and thrown away.
    pub(crate) fn discarded() -> Result<Self, BenchError> {
        Self::read_by(|mut reader, _| io::copy(&mut reader, &mut io::sink()).map(drop))
    }

    /// Logs whose beginning can be looked at.
    pub(crate) fn kept() -> Result<Self, BenchError> {
        Self::read_by(|mut reader, kept| {
            let mut buffer = [0; 8192];
            loop {
                let read = reader.read(&mut buffer)?;
                if read == 0 {
                    return Ok(());
                }
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = KEPT_BYTES.saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..read.min(room)]);
            }
        })
    }

    fn read_by(
        read: impl FnOnce(PipeReader, &Mutex<Vec<u8>>) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, BenchError> {
        let (reader, writer) = io::pipe().during("make a pipe")?;
        let kept = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&kept);
        // It ends with the last writer; an error could only be the end of the pipe.
        thread::spawn(move || read(reader, &shared));
        Ok(Self {
            writer: Arc::new(writer),
            kept,
        })
    }

    /// An end to write to, for one more process.
    pub(crate) fn stdio(&self) -> Result<Stdio, BenchError> {
        Ok(self.writer.try_clone().during("share a pipe")?.into())
    }

    /// What was written so far, up to a limit.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}
