//! A DynamoDB inside this process, which the real store uses over a loopback connection.
//!
//! Its data is in memory or in one SQLite file. The file is in write-ahead mode, so an acknowledged write has reached the
//! operating system: killing this process loses none.

use std::{
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use dynoxide::{Database, DynoxideError, server::serve_with_shutdown};
use rusqlite::{Connection, OpenFlags};
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::{interval, timeout},
};

use crate::data_dir::{DataDir, DataDirError, DataDirLock};

/// The file in the data directory.
const FILE: &str = "dynamodb.db";
/// How long another program may lock the file at the start.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How often expired items are removed. DynamoDB takes up to days, so nothing may depend on it.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// How long the connections of the store may take to close. They are idle by then, so nothing is lost.
const STOP_TIMEOUT: Duration = Duration::from_millis(50);

/// Why the database cannot be used. Each message contains a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The file is not a database, or is damaged.
    #[error(
        "{path} is not a readable database ({reason}): move it away to start with an empty table, or choose another \
         --data-dir"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// It could not be started.
    #[error("the embedded DynamoDB cannot be started ({0})")]
    Setup(String),
}

impl From<io::Error> for DatabaseError {
    fn from(error: io::Error) -> Self {
        Self::Setup(error.to_string())
    }
}

/// A running DynamoDB.
#[derive(Debug)]
pub struct EmbeddedDynamoDb {
    endpoint: String,
    file: Option<PathBuf>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    _lock: Option<DataDirLock>,
}

impl EmbeddedDynamoDb {
    /// Starts one with its data in memory.
    pub async fn in_memory() -> Result<Self, DatabaseError> {
        let database = Database::memory().map_err(|error| DatabaseError::Setup(error.to_string()))?;
        Self::serve(database, None, None).await
    }

    /// Starts one with its data in this directory.
    pub async fn in_dir(dir: &DataDir) -> Result<Self, DatabaseError> {
        let lock = dir.lock()?;
        let path = dir.file(FILE);
        let database = open(&path)?;
        Self::serve(database, Some(path), Some(lock)).await
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The file with its data, unless that is in memory.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Stops it and closes its file.
    pub async fn stop(self) {
        self.sweeper.abort();
        // Fails only if the server has stopped already.
        let _ = self.stop.send(());
        if timeout(STOP_TIMEOUT, self.server).await.is_err() {
            tracing::debug!("the embedded DynamoDB did not stop in time");
        }
    }

    async fn serve(
        database: Database,
        file: Option<PathBuf>,
        lock: Option<DataDirLock>,
    ) -> Result<Self, DatabaseError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let sweeper = tokio::spawn(sweep(database.clone()));
        let server = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            if let Err(error) = serve_with_shutdown(listener, database, stopped).await {
                tracing::error!(error, "the embedded DynamoDB failed");
            }
        });
        Ok(Self {
            endpoint,
            file,
            stop,
            server,
            sweeper,
            _lock: lock,
        })
    }
}

fn open(path: &Path) -> Result<Database, DatabaseError> {
    let unreadable = |reason: String| DatabaseError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    if path.exists() {
        check(path).map_err(unreadable)?;
    }
    let text = path
        .to_str()
        .ok_or_else(|| unreadable("its path is not UTF-8".to_owned()))?;
    Database::new(text).map_err(|error: DynoxideError| unreadable(error.to_string()))
}

/// Reads the whole database once, since damage would otherwise show during a later request.
fn check(path: &Path) -> Result<(), String> {
    let result = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    match result {
        Ok(report) if report == "ok" => Ok(()),
        Ok(damage) => Err(damage.lines().collect::<Vec<_>>().join(" ")),
        Err(error) => Err(error.to_string()),
    }
}

async fn sweep(database: Database) {
    let mut ticks = interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
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
    use std::fs;

    use super::*;

    fn dir() -> (tempfile::TempDir, DataDir) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        (parent, dir)
    }

    #[tokio::test]
    async fn file_that_is_not_a_database_is_rejected_and_unchanged() {
        let (_parent, dir) = dir();
        let path = dir.file(FILE);
        let content = "not a database, whatever its name says\n".repeat(200);
        fs::write(&path, &content).unwrap();
        let error = EmbeddedDynamoDb::in_dir(&dir).await.unwrap_err().to_string();
        assert!(
            error.contains(path.to_str().unwrap()) && error.contains("not a database"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }

    #[tokio::test]
    async fn damaged_file_is_detected_at_the_start() {
        let (_parent, dir) = dir();
        EmbeddedDynamoDb::in_dir(&dir).await.unwrap().stop().await;
        let path = dir.file(FILE);
        let mut bytes = fs::read(&path).unwrap();
        assert!(bytes.len() > 8192, "there is a second page to damage");
        bytes[4096..8192].fill(0x5a);
        fs::write(&path, bytes).unwrap();
        let error = EmbeddedDynamoDb::in_dir(&dir).await.unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[tokio::test]
    async fn file_locked_by_another_program_is_reported() {
        let (_parent, dir) = dir();
        EmbeddedDynamoDb::in_dir(&dir).await.unwrap().stop().await;
        let other = Connection::open(dir.file(FILE)).unwrap();
        other
            .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE")
            .unwrap();
        let error = EmbeddedDynamoDb::in_dir(&dir).await.unwrap_err().to_string();
        assert!(error.contains("locked"), "{error}");
    }

    #[tokio::test]
    async fn second_server_on_one_directory_is_rejected() {
        let (_parent, dir) = dir();
        let first = EmbeddedDynamoDb::in_dir(&dir).await.unwrap();
        let error = EmbeddedDynamoDb::in_dir(&dir).await.unwrap_err();
        assert!(
            matches!(error, DatabaseError::DataDir(DataDirError::InUse(_))),
            "{error}"
        );
        first.stop().await;
        EmbeddedDynamoDb::in_dir(&dir).await.unwrap();
    }
}
