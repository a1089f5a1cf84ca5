//! A DynamoDB inside this process. The store calls it without a connection, so nobody else can reach it, unless it is
//! exposed on purpose.
//!
//! Its data is in one SQLite file. The file is in write-ahead mode, so an acknowledged write has reached the operating
//! system: killing this process loses none. Data that is not to be kept is in a file without a name, which the operating
//! system removes with this process.

mod engine;
mod error;
mod exposed;
mod file;
mod in_process;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use dynoxide::Database;
use lambda::Handler;
use tenant_store::client;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::{JoinHandle, spawn_blocking},
    time::{interval, timeout},
};

pub use self::error::DatabaseError;
use self::{
    engine::Engine,
    file::{FILE, OpenFile},
    in_process::InProcess,
};
use crate::{
    data_dir::{DataDir, DataDirLock},
    stream::{CheckpointFile, Driver, StreamRecords, TableStream},
};

/// The client of the store.
pub use client::Client;

/// The file in the data directory that says how far the stream is handled.
const CHECKPOINT_FILE: &str = "stream.json";
/// How often expired items are removed. DynamoDB takes up to days, so nothing may depend on it.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// How long the connections to the exposed port, and a sweep, may take to end.
const STOP_TIMEOUT: Duration = Duration::from_millis(50);

/// A running DynamoDB.
pub struct EmbeddedDynamoDb {
    engine: Engine,
    /// Ends the sweeper when it is dropped.
    stop_sweeping: oneshot::Sender<()>,
    sweeper: JoinHandle<()>,
    exposed: Option<Exposed>,
    streams: Streams,
    _lock: Option<DataDirLock>,
}

/// The streams of the tables, of which one can be driven.
struct Streams {
    /// Until one is driven.
    records: Option<StreamRecords>,
    checkpoint_file: Option<PathBuf>,
    driver: Option<Driver>,
}

/// The server on the loopback port.
struct Exposed {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl EmbeddedDynamoDb {
    /// Starts one whose data is lost when this process ends. Until then it takes space in this folder, without being
    /// visible there.
    pub fn temporary(folder: &Path) -> Result<Self, DatabaseError> {
        Ok(Self::start(file::open_temporary(folder)?, None))
    }

    /// Starts one with its data in this directory.
    pub fn in_dir(dir: &DataDir) -> Result<Self, DatabaseError> {
        let lock = dir.lock()?;
        let path = dir.file(FILE);
        let mut started = Self::start(file::open(&path)?, Some(lock));
        started.engine.file = Some(path);
        started.streams.checkpoint_file = Some(dir.file(CHECKPOINT_FILE));
        Ok(started)
    }

    /// A client that calls it without a connection.
    #[must_use]
    pub fn client(&self) -> Client {
        // Nothing connects to the URL. It names a host that cannot exist.
        client::connect_in_process(InProcess(self.engine.clone()), "http://embedded.invalid")
    }

    /// The file with its data, unless that is temporary.
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

    /// Gives a table a stream, unless it has one, and invokes a function with the changes of the table's items, as an event
    /// source mapping of Lambda does. The region is for ARNs. What it returns becomes `true` once every change that was there
    /// is handled.
    pub fn drive(
        &mut self,
        table: &str,
        region: &str,
        function: impl Handler,
    ) -> Result<watch::Receiver<bool>, DatabaseError> {
        let records = self.streams.records.take();
        let records = records.ok_or_else(|| DatabaseError::Setup("one of its streams is driven already".to_owned()))?;
        let checkpoint_file = self.streams.checkpoint_file.clone();
        let checkpoint_file = checkpoint_file.map(|path| CheckpointFile::open(path, table));
        let stream = TableStream::open(self.engine.database.clone(), records, table, region, checkpoint_file)
            .map_err(|error| DatabaseError::Setup(error.to_string()))?;
        let driver = Driver::start(stream, self.engine.written.subscribe(), function);
        let has_caught_up = driver.has_caught_up();
        self.streams.driver = Some(driver);
        Ok(has_caught_up)
    }

    /// Announces that it will be stopped, so that its driver completes what it does meanwhile.
    pub fn begin_stop(&self) {
        if let Some(driver) = &self.streams.driver {
            driver.begin_stop();
        }
    }

    /// Stops it and closes its file, once the clients are dropped as well.
    pub async fn stop(self) {
        if let Some(driver) = self.streams.driver {
            driver.stop().await;
        }
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

    fn start(file: OpenFile, lock: Option<DataDirLock>) -> Self {
        let engine = Engine {
            database: file.database,
            file: None,
            written: watch::Sender::new(()),
        };
        let (stop_sweeping, stopped) = oneshot::channel();
        Self {
            stop_sweeping,
            sweeper: tokio::spawn(sweep(engine.database.clone(), engine.written.clone(), stopped)),
            engine,
            exposed: None,
            streams: Streams {
                records: Some(file.records),
                checkpoint_file: None,
                driver: None,
            },
            _lock: lock,
        }
    }
}

async fn sweep(database: Database, written: watch::Sender<()>, mut stopped: oneshot::Receiver<()>) {
    let mut ticks = interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut stopped => return,
        }
        let database = database.clone();
        match spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(removed)) => {
                written.send_replace(());
                tracing::debug!(removed, "removed expired items");
            }
            Ok(Err(error)) => tracing::warn!(%error, "expired items could not be removed"),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use rusqlite::Connection;
    use tenant_store::{configs, schema};

    use super::*;
    use crate::data_dir::DataDirError;

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
