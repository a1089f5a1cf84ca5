//! Makes the operations of a batch, or plans them, until the time is up.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tenant_core::{Obstacle, Operation, Submitted, history::LastChange};
use tenant_store::{
    StoreError,
    configs::{ConfigStore, Planned, Transacted},
};
use tokio::time::{Instant, timeout_at};

use super::report::Recorder;
use crate::{
    config::BatchConcurrency,
    http::{deadline::Deadline, error::ApiError},
    resources::configs::handlers::client_error,
};

/// The time that remains for the response, which may have megabytes. A call of the store that has not ended by then has an
/// unknown outcome.
const RESERVE: Duration = Duration::from_millis(500);
/// No call is begun later than this before its end would be too late: most calls end in a tenth of the time.
const LAST_CALL: Duration = Duration::from_millis(250);
/// Items that are read in one call.
const MAX_READ: usize = tenant_core::MAX_ATOMIC_OPERATIONS;

/// What a batch runs with.
pub(super) struct Runner<'a> {
    pub(super) store: &'a ConfigStore,
    pub(super) by: LastChange,
    pub(super) now: DateTime<Utc>,
    pub(super) deadline: Deadline,
    pub(super) concurrency: BatchConcurrency,
}

impl Runner<'_> {
    /// Makes all of the operations or none.
    pub(super) async fn make_all(&self, operations: &[Operation], recorder: &mut Recorder) -> Result<(), ApiError> {
        let transacted = self
            .store
            .apply_atomically(operations, &self.by, self.now, self.last_call())
            .await;
        match transacted.map_err(client_error)? {
            Transacted::Applied(effects) => {
                for (index, (operation, effect)) in operations.iter().zip(effects).enumerate() {
                    recorder.made(index, operation, effect);
                }
            }
            Transacted::Rejected(obstacles) => reject_all(operations, obstacles, recorder),
        }
        Ok(())
    }

    /// The same without writing.
    pub(super) async fn plan_all(&self, operations: &[Operation], recorder: &mut Recorder) -> Result<(), ApiError> {
        let planned = self.plan(&operations.iter().collect::<Vec<_>>()).await?;
        if planned.iter().any(Result::is_err) {
            let obstacles = planned.into_iter().map(Result::err).collect();
            reject_all(operations, obstacles, recorder);
            return Ok(());
        }
        for (index, (operation, planned)) in operations.iter().zip(planned.into_iter().flatten()).enumerate() {
            recorder.planned(index, operation.subject(), &planned);
        }
        Ok(())
    }

    /// Makes each operation by itself, several at the same time.
    pub(super) async fn make_each(&self, submitted: Vec<Submitted>, recorder: &mut Recorder) {
        let operations = take_valid(submitted, recorder);
        let (last_call, end) = (self.last_call(), self.deadline.before(RESERVE));
        let mut waiting = operations.iter().enumerate();
        let mut running = FuturesUnordered::new();
        let mut outcomes: Vec<_> = operations.iter().map(|_| Progress::Waiting).collect();
        loop {
            while running.len() < self.concurrency.get()
                && Instant::now() < last_call
                && let Some((position, (_, operation))) = waiting.next()
            {
                outcomes[position] = Progress::Running;
                running.push(async move { (position, self.store.apply(operation, &self.by, self.now).await) });
            }
            // The last ones are not waited for longer than there is time for the response.
            let Ok(Some((position, outcome))) = timeout_at(end, running.next()).await else {
                break;
            };
            outcomes[position] = Progress::Ended;
            let (index, operation) = &operations[position];
            match outcome {
                Ok(effect) => recorder.made(*index, operation, effect),
                Err(error) => recorder.failed(*index, operation.subject(), client_error(error)),
            }
        }
        for ((index, operation), progress) in operations.iter().zip(outcomes) {
            let error = match progress {
                Progress::Ended => continue,
                Progress::Running => StoreError::OutcomeUnknown("the request reached its deadline".into()).into(),
                Progress::Waiting => ApiError::NotAttempted,
            };
            recorder.failed(*index, operation.subject(), error);
        }
    }

    /// The same without writing.
    pub(super) async fn plan_each(&self, submitted: Vec<Submitted>, recorder: &mut Recorder) -> Result<(), ApiError> {
        let operations = take_valid(submitted, recorder);
        for chunk in operations.chunks(MAX_READ) {
            if Instant::now() >= self.last_call() {
                for (index, operation) in chunk {
                    recorder.failed(*index, operation.subject(), ApiError::NotAttempted);
                }
                continue;
            }
            let planned = self
                .plan(&chunk.iter().map(|(_, operation)| operation).collect::<Vec<_>>())
                .await?;
            for ((index, operation), planned) in chunk.iter().zip(planned) {
                match planned {
                    Ok(planned) => recorder.planned(*index, operation.subject(), &planned),
                    Err(obstacle) => recorder.failed(*index, operation.subject(), client_error(obstacle.into())),
                }
            }
        }
        Ok(())
    }

    async fn plan(&self, operations: &[&Operation]) -> Result<Vec<Result<Planned, Obstacle>>, ApiError> {
        let planned = self.store.plan(operations, self.now, self.last_call()).await;
        planned.map_err(client_error)
    }

    fn last_call(&self) -> Instant {
        self.deadline.before(RESERVE + LAST_CALL)
    }
}

/// How far an operation is.
enum Progress {
    Waiting,
    Running,
    Ended,
}

/// Records the invalid operations, and returns the others with their indices.
fn take_valid(submitted: Vec<Submitted>, recorder: &mut Recorder) -> Vec<(usize, Operation)> {
    let mut operations = Vec::with_capacity(submitted.len());
    for (index, Submitted { subject, operation }) in submitted.into_iter().enumerate() {
        match operation {
            Ok(operation) => operations.push((index, operation)),
            Err(rules) => recorder.failed(index, subject, ApiError::InvalidOperation(rules)),
        }
    }
    operations
}

/// The obstacle of an atomic batch keeps the other operations from being made.
fn reject_all(operations: &[Operation], obstacles: Vec<Option<Obstacle>>, recorder: &mut Recorder) {
    for (index, (operation, obstacle)) in operations.iter().zip(obstacles).enumerate() {
        let error = obstacle.map_or(ApiError::NotApplied, |obstacle| client_error(obstacle.into()));
        recorder.failed(index, operation.subject(), error);
    }
}
