//! The database's file: opening it, and whether its content can be used.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::Duration,
};

use dynoxide::{Database, DynoxideError};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{engine::is_damage, error::DatabaseError};
use crate::{
    data_dir::{PRIVATE_DIR, make_private},
    id,
    stream::StreamRecords,
};

/// The file in the data directory.
pub(super) const FILE: &str = "dynamodb.db";
/// How long another program may lock the file at the start.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// An open file.
pub(super) struct OpenFile {
    pub(super) database: Database,
    /// The records of its streams.
    pub(super) records: StreamRecords,
}

/// Opens a file, and creates it if it is missing.
pub(super) fn open(path: &Path) -> Result<OpenFile, DatabaseError> {
    // SQLite gives the files beside it the same permissions.
    make_private(path)?;
    check(path)?;
    let text = path.to_str().ok_or_else(|| DatabaseError::Unusable {
        path: path.to_owned(),
        reason: "its path is not UTF-8".to_owned(),
    })?;
    let database = Database::new(text).map_err(|error: DynoxideError| unusable(path, error.to_string()))?;
    let records = StreamRecords::open(path).map_err(|error| unusable(path, error.to_string()))?;
    Ok(OpenFile { database, records })
}

/// Opens a new file in this folder that nobody else can see, and that is gone when this process has ended, however it ends.
///
/// SQLite's databases in memory have one connection only, fail where they should wait for another one, or end at 1 GiB.
pub(super) fn open_temporary(parent: &Path) -> Result<OpenFile, DatabaseError> {
    let dir = parent.join(format!("local-server-{}", id::uuid()));
    let created = DirBuilder::new().mode(PRIVATE_DIR).create(&dir);
    created.map_err(|error| DatabaseError::Temporary(dir.clone(), error))?;
    let opened = open(&dir.join(FILE)).and_then(|file| {
        // Nothing has to survive a loss of power.
        let unforced = file.database.enable_bulk_loading();
        unforced.map_err(|error| DatabaseError::Setup(error.to_string()))?;
        Ok(file)
    });
    // The open files remain without their names, and SQLite opens no other in this journal mode.
    fs::remove_dir_all(&dir).map_err(|error| DatabaseError::Temporary(dir, error))?;
    opened
}

fn unusable(path: &Path, reason: String) -> DatabaseError {
    let path = path.to_owned();
    if is_damage(&reason) {
        DatabaseError::Damaged { path, reason }
    } else {
        DatabaseError::Unusable { path, reason }
    }
}

/// Reads the whole database once, since damage would otherwise show during a later request.
fn check(path: &Path) -> Result<(), DatabaseError> {
    let result = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    let damaged = |reason| DatabaseError::Damaged {
        path: path.to_owned(),
        reason,
    };
    match result {
        Ok(report) if report == "ok" => Ok(()),
        Ok(damage) => Err(damaged(damage.lines().collect::<Vec<_>>().join(" "))),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Err(damaged(error.to_string())),
            _ => Err(unusable(path, error.to_string())),
        },
    }
}
