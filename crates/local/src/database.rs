//! A DynamoDB inside this process. The store calls it without a connection, so nobody else can reach it, unless it is
//! exposed on purpose.
//!
//! Its data is in memory or in one SQLite file. The file is in write-ahead mode, so an acknowledged write has reached the
//! operating system: killing this process loses none.

mod engine;
mod exposed;
mod in_process;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use dynoxide::{Database, DynoxideError};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tenant_store::client;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::{interval, timeout},
};

use self::{
    engine::{Engine, is_damage},
    in_process::InProcess,
};
use crate::data_dir::{DataDir, DataDirError, DataDirLock, make_private};

/// The client of the store.
pub use client::Client;

/// The file in the data directory.
const FILE: &str = "dynamodb.db";
/// How long another program may lock the file at the start.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How often expired items are removed. DynamoDB takes up to days, so nothing may depend on it.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// How long the connections to the exposed port, and a sweep, may take to end.
const STOP_TIMEOUT: Duration = Duration::from_millis(50);

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
    /// It could not be started.
    #[error("the embedded DynamoDB cannot be started ({0})")]
    Setup(String),
}

/// A running DynamoDB.
pub struct EmbeddedDynamoDb {
    engine: Engine,
    /// Ends the sweeper when it is dropped.
    stop_sweeping: oneshot::Sender<()>,
    sweeper: JoinHandle<()>,
    exposed: Option<Exposed>,
    _lock: Option<DataDirLock>,
}

/// The server on the loopback port.
struct Exposed {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl EmbeddedDynamoDb {
    /// Starts one with its data in memory.
    pub fn in_memory() -> Result<Self, DatabaseError> {
        let database = Database::memory().map_err(|error| DatabaseError::Setup(error.to_string()))?;
        Ok(Self::start(Engine { database, file: None }, None))
    }

    /// Starts one with its data in this directory.
    pub fn in_dir(dir: &DataDir) -> Result<Self, DatabaseError> {
        let lock = dir.lock()?;
        let path = dir.file(FILE);
        let database = open(&path)?;
        let file = Some(path);
        Ok(Self::start(Engine { database, file }, Some(lock)))
    }

    /// A client that calls it without a connection.
    #[must_use]
    pub fn client(&self) -> Client {
        // Nothing connects to the URL. It names a host that cannot exist.
        client::connect_embedded_through(InProcess(self.engine.clone()), "http://embedded.invalid")
    }

    /// The file with its data, unless that is in memory.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.engine.file.as_deref()
    }

    /// Serves it to the programs of this machine as well.
    pub fn expose(&mut self, listener: TcpListener) {
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let server = tokio::spawn(exposed::serve(listener, self.engine.clone(), stopped));
        self.exposed = Some(Exposed { stop, server });
    }

    /// Stops it and closes its file, once the clients are dropped as well.
    pub async fn stop(self) {
        if let Some(Exposed { stop, server }) = self.exposed {
            // Fails only if the server has stopped already.
            let _ = stop.send(());
            if timeout(STOP_TIMEOUT, server).await.is_err() {
                tracing::debug!("the exposed table did not stop in time");
            }
        }
        // A sweep that has begun uses the file.
        drop(self.stop_sweeping);
        if timeout(STOP_TIMEOUT, self.sweeper).await.is_err() {
            tracing::debug!("the sweep did not end in time");
        }
    }

    fn start(engine: Engine, lock: Option<DataDirLock>) -> Self {
        let (stop_sweeping, stopped) = oneshot::channel();
        Self {
            stop_sweeping,
            sweeper: tokio::spawn(sweep(engine.database.clone(), stopped)),
            engine,
            exposed: None,
            _lock: lock,
        }
    }
}

fn open(path: &Path) -> Result<Database, DatabaseError> {
    // SQLite gives the files beside it the same permissions.
    make_private(path)?;
    check(path)?;
    let text = path.to_str().ok_or_else(|| DatabaseError::Unusable {
        path: path.to_owned(),
        reason: "its path is not UTF-8".to_owned(),
    })?;
    Database::new(text).map_err(|error: DynoxideError| unusable(path, error.to_string()))
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

async fn sweep(database: Database, mut stopped: oneshot::Receiver<()>) {
    let mut ticks = interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut stopped => return,
        }
        let database = database.clone();
        match spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(removed)) => tracing::debug!(removed, "removed expired items"),
            Ok(Err(error)) => tracing::warn!(%error, "expired items could not be removed"),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use tenant_store::{configs, schema};

    use super::*;

    fn dir() -> (tempfile::TempDir, DataDir) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        (parent, dir)
    }

    fn error_of(dir: &DataDir) -> DatabaseError {
        EmbeddedDynamoDb::in_dir(dir).err().unwrap()
    }

    #[tokio::test]
    async fn file_that_is_not_a_database_is_rejected_and_unchanged() {
        let (_parent, dir) = dir();
        let path = dir.file(FILE);
        let content = "not a database, whatever its name says\n".repeat(200);
        fs::write(&path, &content).unwrap();
        let error = error_of(&dir).to_string();
        assert!(
            error.contains(&format!("{} is damaged", path.display())) && error.contains("not a database"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }

    #[tokio::test]
    async fn damaged_file_is_detected_at_the_start() {
        let (_parent, dir) = dir();
        EmbeddedDynamoDb::in_dir(&dir).unwrap().stop().await;
        let path = dir.file(FILE);
        let mut bytes = fs::read(&path).unwrap();
        assert!(bytes.len() > 8192, "there is a second page to damage");
        let whole = bytes.clone();
        bytes[4096..8192].fill(0x5a);
        for damaged in [&bytes, &whole[..4096 + 100], &[&[0; 100], &whole[100..]].concat()] {
            fs::write(&path, damaged).unwrap();
            let error = error_of(&dir).to_string();
            assert!(
                error.starts_with(&format!("the database file {} is damaged (", path.display())),
                "{error}"
            );
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[tokio::test]
    async fn file_locked_by_another_program_is_reported() {
        let (_parent, dir) = dir();
        EmbeddedDynamoDb::in_dir(&dir).unwrap().stop().await;
        let other = Connection::open(dir.file(FILE)).unwrap();
        other
            .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE")
            .unwrap();
        let error = error_of(&dir).to_string();
        assert!(error.contains("locked") && !error.contains("damaged"), "{error}");
    }

    #[tokio::test]
    async fn files_of_the_database_are_for_their_owner_only() {
        let (_parent, dir) = dir();
        let path = dir.file(FILE);
        // As an earlier version left it.
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let embedded = EmbeddedDynamoDb::in_dir(&dir).unwrap();
        schema::ensure_table(&embedded.client(), "configs", &configs::SCHEMA)
            .await
            .unwrap();
        let mut seen = 0;
        for entry in fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
            seen += 1;
        }
        assert!(seen >= 4, "the lock, .gitignore, the database and its log: {seen}");
    }

    #[tokio::test]
    async fn second_server_on_one_directory_is_rejected() {
        let (_parent, dir) = dir();
        let first = EmbeddedDynamoDb::in_dir(&dir).unwrap();
        let error = error_of(&dir);
        assert!(
            matches!(error, DatabaseError::DataDir(DataDirError::InUse(_))),
            "{error}"
        );
        first.stop().await;
        EmbeddedDynamoDb::in_dir(&dir).unwrap();
    }
}
