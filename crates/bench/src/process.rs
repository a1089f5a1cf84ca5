//! The kernel's figures about a process.

use std::{fs, io, time::Duration};

use nix::{time::clock_getcpuclockid, unistd::Pid};

use crate::error::{BenchError, During};

/// A child that has not been waited for, so that its ID is not reused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self(id)
    }

    /// User and system time of all its threads, those that have ended included, to the nanosecond; `/proc/PID/stat`
    /// counts in hundredths of a second.
    pub(crate) fn cpu_time(self) -> Result<Duration, BenchError> {
        let id = i32::try_from(self.0).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
        let clock = id.and_then(|id| clock_getcpuclockid(Pid::from_raw(id)).map_err(Into::into));
        let time = clock.and_then(|clock| clock.now().map_err(Into::into));
        Ok(Duration::from(time.during("read a process's CPU clock")?))
    }

    /// Its peak of physical memory, in bytes: its own and the mapped pages of its executable.
    pub(crate) fn peak_memory(self) -> Result<u64, BenchError> {
        self.status("VmHWM:")
    }

    /// The physical memory it has now, in bytes.
    pub(crate) fn memory(self) -> Result<u64, BenchError> {
        self.status("VmRSS:")
    }

    pub(crate) fn open_files(self) -> Result<usize, BenchError> {
        let path = format!("/proc/{}/fd", self.0);
        let entries = fs::read_dir(&path).during(format!("read {path}"))?;
        Ok(entries.count())
    }

    fn status(self, field: &str) -> Result<u64, BenchError> {
        let path = format!("/proc/{}/status", self.0);
        let status = fs::read_to_string(&path).during(format!("read {path}"))?;
        let kibibytes = status.lines().find_map(|line| {
            line.strip_prefix(field)?
                .trim()
                .strip_suffix(" kB")?
                .parse::<u64>()
                .ok()
        });
        let missing = || io::Error::new(io::ErrorKind::InvalidData, format!("no {field}"));
        Ok(kibibytes.ok_or_else(missing).during(format!("read {path}"))? * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_time_memory_and_files() {
        let process = Process::new(std::process::id());
        assert!(process.cpu_time().unwrap() > Duration::ZERO);
        assert!(process.memory().unwrap() > 100_000);
        assert!(process.peak_memory().unwrap() >= process.memory().unwrap());
        assert!(process.open_files().unwrap() >= 3);
    }
}
