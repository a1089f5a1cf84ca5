//! Failures of the embedded database at the start of the server.

use std::{io, path::PathBuf};

use crate::data_dir::DataDirError;

/// Why the database cannot be used. Each message contains a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The file contains something else, or was changed by something else.
    #[error(
        "the database file {path} is damaged ({reason}): restore it from a copy, or move it away to start with an empty \
         table"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be opened.
    #[error(
        "the database file {path} cannot be used ({reason}): free it for this server, or choose another --data-dir"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// There is no place for data that is not kept.
    #[error("the folder {0} for temporary data cannot be used ({1}): set TMPDIR to one that can")]
    Temporary(PathBuf, #[source] io::Error),
    /// It could not be started.
    #[error("the embedded DynamoDB cannot be started ({0})")]
    Setup(String),
}
