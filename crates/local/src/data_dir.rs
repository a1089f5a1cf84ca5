//! The directory for the data that must outlive a local server.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The mode of a file that only its owner can use.
pub(crate) const PRIVATE_FILE: u32 = 0o600;
/// The mode of a directory that only its owner can use.
pub(crate) const PRIVATE_DIR: u32 = 0o700;

/// Why the directory cannot be used. Each message contains a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// It cannot be created, read or written.
    #[error("{path} cannot be used as the data directory ({source}): choose another one with --data-dir")]
    Unusable {
        /// The directory, or the file in it that cannot be used.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another local server uses it.
    #[error(
        "another local server uses the data directory {0}: stop that one, or choose another directory with --data-dir"
    )]
    InUse(PathBuf),
}

/// A directory that exists and can be written.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Creates the directory for its owner only if it is missing, and makes git ignore it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        // The permissions of a directory that is there are its owner's choice: the files in it are private.
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(PRIVATE_DIR);
        let created = builder.create(path).and_then(|()| fs::canonicalize(path));
        let path = created.map_err(|source| DataDirError::Unusable {
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

    /// Its absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file of this name in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Locks out other local servers until the returned value is dropped. The operating system releases the lock when the
    /// process ends, however it ends.
    pub fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let path = self.file("lock");
        let unusable = |source| DataDirError::Unusable {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(PRIVATE_FILE)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(DataDirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(self.0.clone())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// A directory that ignores itself needs no line in the `.gitignore` of the surrounding project.
    fn ignore(&self) -> io::Result<()> {
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(PRIVATE_FILE)
            .open(self.file(".gitignore"))
        {
            Ok(mut file) => file.write_all(b"*\n"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Creates the file if it is missing, and makes it one that only its owner can read and write.
pub(crate) fn make_private(path: &Path) -> Result<(), DataDirError> {
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(PRIVATE_FILE)
        .open(path);
    opened
        .and_then(|file| {
            if can_others_use(&file.metadata()?.permissions()) {
                file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
            }
            Ok(())
        })
        .map_err(|source| DataDirError::Unusable {
            path: path.to_owned(),
            source,
        })
}

/// Whether anyone but the owner can read, write or run it.
pub(crate) fn can_others_use(permissions: &Permissions) -> bool {
    permissions.mode() & 0o077 != 0
}

/// The exclusive right to write to a data directory.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_is_created_with_its_parents_and_ignores_itself() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&parent.path().join("a/b")).unwrap();
        assert_eq!(fs::read_to_string(dir.file(".gitignore")).unwrap(), "*\n");
        DataDir::open(dir.path()).unwrap();
        for path in [dir.path(), dir.path().parent().unwrap()] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn second_lock_is_rejected_until_the_first_is_dropped() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        let lock = dir.lock().unwrap();
        assert!(matches!(dir.lock(), Err(DataDirError::InUse(_))));
        drop(lock);
        dir.lock().unwrap();
    }

    #[test]
    fn file_in_place_of_the_directory_is_reported_by_its_path() {
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
