//! The directory where a local server keeps what must outlive it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Why the directory cannot be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// It cannot be made, read or written.
    #[error("{path} cannot be used as the data directory ({source}); choose another one with --data-dir")]
    Unusable {
        /// The directory, or the file in it that is in the way.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another local server has it.
    #[error(
        "another local server uses the data directory {0}; end that one, or give this one a directory of its own with --data-dir"
    )]
    InUse(PathBuf),
}

/// A directory that exists and can be written.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory, unless it is there, and tells git to leave it alone.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let made = fs::create_dir_all(path).and_then(|()| fs::canonicalize(path));
        let path = made.map_err(|source| DataDirError::Unusable {
            path: path.to_owned(),
            source,
        })?;
        let dir = Self(path);
        dir.ignore().map_err(|source| DataDirError::Unusable {
            path: dir.0.clone(),
            source,
        })?;
        Ok(dir)
    }

    /// Where it is, from the root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a file of this name is, or would be.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Keeps every other local server out for as long as the returned value lives, and no longer: the operating system
    /// lets go of the lock when the process ends, however it ends.
    pub fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let path = self.file("lock");
        let unusable = |source| DataDirError::Unusable {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(DataDirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(self.0.clone())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// A directory that ignores itself needs no line in the `.gitignore` of whatever project it was made in.
    fn ignore(&self) -> io::Result<()> {
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.file(".gitignore"))
        {
            Ok(mut file) => file.write_all(b"*\n"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The right to be the only one that writes to a data directory.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_is_made_with_its_parents_and_ignores_itself() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&parent.path().join("a/b")).unwrap();
        assert_eq!(fs::read_to_string(dir.file(".gitignore")).unwrap(), "*\n");
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn second_lock_is_refused_until_the_first_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        let lock = dir.lock().unwrap();
        assert!(matches!(dir.lock(), Err(DataDirError::InUse(_))));
        drop(lock);
        dir.lock().unwrap();
    }

    #[test]
    fn file_in_its_place_is_told_by_its_path() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "x").unwrap();
        let error = DataDir::open(&file).unwrap_err().to_string();
        assert!(
            error.contains(file.to_str().unwrap()) && error.contains("--data-dir"),
            "{error}"
        );
    }
}
