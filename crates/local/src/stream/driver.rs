//! What Lambda does between a stream and a function.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>
//!
//! The mapping in production starts at the oldest record, has batches of 100 records, reports partial failures, splits a
//! batch that failed, and repeats without end. So does this one. It does not wait for a batch to fill up.

use std::{
    mem,
    sync::Arc,
    time::{Duration, SystemTime},
};

use lambda::{Handler, Invocation, chain, invoke_guarded};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{
    batch::Batch, batch_response::first_failure, checkpoint::Checkpoint, error::InvokeError, position::Position,
    table_stream::TableStream,
};
use crate::id;

/// How many records a batch has at most.
const BATCH_SIZE: usize = 100;
/// How long the function may take for a batch.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// The pause after the first failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long after one batch the next one is read, unless more records wait already: while many writes follow each other, a
/// batch has the records of this time, and recording them costs the requests beside it less. A write after a quiet time is
/// recorded at once.
const PACE: Duration = Duration::from_millis(25);
/// How often the checkpoint is stored at most: some file systems begin to write a file that replaces another one to the
/// disk, and a write of the table would wait for that. After a kill, the records of this time are handled again.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// How often old records are removed.
const TRIM_INTERVAL: Duration = Duration::from_mins(10);
/// The pause between two removals if there are more to remove: the database has its turn.
const TRIM_PAUSE: Duration = Duration::from_millis(50);
/// How long the batch under way may take after the shutdown begins, as requests in flight may.
const GRACE: Duration = Duration::from_millis(800);

/// Invokes a function with the records of a stream until it is stopped.
pub(crate) struct Driver {
    /// Since when it is to stop.
    stop: watch::Sender<Option<Instant>>,
    has_caught_up: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Driver {
    /// Starts to drive `function` at the stream's checkpoint. `written` changes with every write to the database.
    pub(crate) fn start(stream: TableStream, written: watch::Receiver<()>, function: impl Handler) -> Self {
        let (stop, stopped) = watch::channel(None);
        let (caught_up, has_caught_up) = watch::channel(false);
        let worker = Worker {
            caught_up,
            checkpoint: stream.checkpoint(),
            stream: Arc::new(stream),
            function,
            is_cold: true,
            batch_size: BATCH_SIZE,
            failures: 0,
            is_saved: true,
            next_read: Instant::now(),
            next_save: Instant::now(),
            next_trim: Instant::now(),
        };
        let task = tokio::spawn(worker.run(written, stopped));
        Self {
            stop,
            has_caught_up,
            task,
        }
    }

    /// Becomes `true` once every record that was there is handled.
    pub(crate) fn has_caught_up(&self) -> watch::Receiver<bool> {
        self.has_caught_up.clone()
    }

    /// Lets it complete the batch under way, and begin no other.
    pub(crate) fn begin_stop(&self) {
        self.stop.send_if_modified(|since| {
            let is_first = since.is_none();
            since.get_or_insert_with(Instant::now);
            is_first
        });
    }

    /// Waits until the batch under way is complete. One that takes too long is repeated after the next start.
    pub(crate) async fn stop(mut self) {
        self.begin_stop();
        let since = self.stop.borrow().unwrap_or_else(Instant::now);
        if timeout_at(since + GRACE, &mut self.task).await.is_err() {
            tracing::warn!("a batch of the stream was interrupted: it is handled again after the next start");
            self.task.abort();
            let _ = self.task.await;
        }
    }
}

/// The driver's task.
struct Worker<F> {
    function: F,
    stream: Arc<TableStream>,
    /// Whether it has been at the end of the stream.
    caught_up: watch::Sender<bool>,
    /// How far the stream is handled.
    checkpoint: Checkpoint,
    /// Whether the function was not invoked yet.
    is_cold: bool,
    /// How many records the next batch has at most: fewer after a failure, until the record that causes it is alone.
    batch_size: usize,
    /// How often the next record has failed.
    failures: u32,
    /// Whether the checkpoint is stored.
    is_saved: bool,
    /// Not before this time, unless records are known to wait.
    next_read: Instant,
    next_save: Instant,
    next_trim: Instant,
}

/// What to do next.
enum Next {
    /// There are more records.
    Read,
    /// All records are handled.
    AwaitWrite,
    /// Something failed: try again later.
    Retry(Duration),
}

impl<F: Handler> Worker<F> {
    async fn run(mut self, mut written: watch::Receiver<()>, mut stopped: watch::Receiver<Option<Instant>>) {
        while !is_stopped(&stopped) {
            tokio::select! {
                () = stop_requested(&mut stopped) => break,
                () = sleep_until(self.next_read) => {}
            }
            // A write from here on causes another turn.
            written.mark_unchanged();
            let next = self.handle_next_batch().await;
            self.save_when_due().await;
            self.trim_when_due().await;
            let (until, is_idle) = match next {
                Next::Read => continue,
                Next::Retry(pause) => (Instant::now() + pause, false),
                Next::AwaitWrite if self.is_saved => (self.next_trim, true),
                Next::AwaitWrite => (self.next_save.min(self.next_trim), true),
            };
            tokio::select! {
                () = stop_requested(&mut stopped) => {}
                () = sleep_until(until) => {}
                Ok(()) = written.changed(), if is_idle => {}
            }
        }
        if !self.is_saved {
            self.save().await;
        }
    }

    async fn handle_next_batch(&mut self) -> Next {
        let (checkpoint, batch_size) = (self.checkpoint.clone(), self.batch_size);
        let read = self.blocking(move |stream| stream.source.read(&checkpoint, batch_size));
        let batch = match read.await {
            Ok(Ok(Some(batch))) => batch,
            Ok(Ok(None)) => {
                self.caught_up.send_replace(true);
                return Next::AwaitWrite;
            }
            Ok(Err(error)) => return self.fail(&chain(&error)),
            Err(error) => return self.fail(&error.to_string()),
        };
        match self.invoke(&batch).await {
            Ok(None) => self.succeed(batch),
            Ok(Some(first)) => self.repeat_from(first, batch),
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    records = batch.positions.len(),
                    failures = self.failures + 1,
                    "a batch of the stream was not handled"
                );
                self.repeat(&batch)
            }
        }
    }

    /// Returns the first record that was not handled.
    async fn invoke(&mut self, batch: &Batch) -> Result<Option<Position>, InvokeError> {
        if batch.positions.is_empty() {
            return Ok(None);
        }
        let invocation = Invocation {
            request_id: id::uuid(),
            trace_id: None,
            deadline: Some(SystemTime::now() + TIME_LIMIT),
            cold_start: mem::replace(&mut self.is_cold, false),
        };
        let invoked = timeout(TIME_LIMIT, invoke_guarded(&self.function, &batch.event, &invocation));
        let response = invoked.await.map_err(|_| InvokeError::TimedOut(TIME_LIMIT))??;
        Ok(first_failure(&response, &batch.positions)?)
    }

    fn succeed(&mut self, batch: Batch) -> Next {
        (self.failures, self.batch_size) = (0, BATCH_SIZE);
        self.advance(Checkpoint::new(batch.label, batch.end));
        if batch.has_more {
            return Next::Read;
        }
        self.caught_up.send_replace(true);
        self.next_read = Instant::now() + PACE;
        Next::AwaitWrite
    }

    fn repeat_from(&mut self, first: Position, batch: Batch) -> Next {
        tracing::warn!(
            records = batch.positions.len(),
            unhandled = batch.positions.iter().filter(|position| **position >= first).count(),
            "a batch of the stream was handled in part"
        );
        if batch.positions.first() == Some(&first) {
            return self.repeat(&batch);
        }
        (self.failures, self.batch_size) = (1, BATCH_SIZE);
        self.advance(Checkpoint::new(batch.label, first.before()));
        Next::Retry(FIRST_PAUSE)
    }

    fn advance(&mut self, checkpoint: Checkpoint) {
        self.checkpoint = checkpoint;
        self.is_saved = false;
    }

    fn repeat(&mut self, batch: &Batch) -> Next {
        self.batch_size = (batch.positions.len() / 2).max(1);
        self.back_off()
    }

    fn fail(&mut self, error: &str) -> Next {
        tracing::error!(error, "the stream could not be read");
        self.back_off()
    }

    fn back_off(&mut self) -> Next {
        let doublings = self.failures.min(10);
        self.failures = self.failures.saturating_add(1);
        Next::Retry((FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE))
    }

    async fn save_when_due(&mut self) {
        if !self.is_saved && Instant::now() >= self.next_save {
            self.save().await;
        }
    }

    async fn save(&mut self) {
        let checkpoint = self.checkpoint.clone();
        if self.blocking(move |stream| stream.save(&checkpoint)).await.is_err() {
            tracing::warn!("the checkpoint of the stream could not be stored");
        }
        self.is_saved = true;
        self.next_save = Instant::now() + SAVE_INTERVAL;
    }

    async fn trim_when_due(&mut self) {
        if Instant::now() < self.next_trim {
            return;
        }
        let checkpoint = self.checkpoint.clone();
        let has_more = self.blocking(move |stream| stream.trim(&checkpoint)).await;
        let pause = if has_more.unwrap_or(false) {
            TRIM_PAUSE
        } else {
            TRIM_INTERVAL
        };
        self.next_trim = Instant::now() + pause;
    }

    /// Runs what waits for the disk where it keeps nobody else waiting.
    fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&TableStream) -> T + Send + 'static) -> JoinHandle<T> {
        let stream = Arc::clone(&self.stream);
        spawn_blocking(move || work(&stream))
    }
}

/// Whether the driver is to stop, or gone.
fn is_stopped(stopped: &watch::Receiver<Option<Instant>>) -> bool {
    stopped.borrow().is_some() || stopped.has_changed().is_err()
}

async fn stop_requested(stopped: &mut watch::Receiver<Option<Instant>>) {
    let _ = stopped.wait_for(Option::is_some).await;
}
