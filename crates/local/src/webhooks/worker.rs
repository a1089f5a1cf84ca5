//! Handles what the queue points to, and finds what no message points to.

use std::time::Duration;

use chrono::Utc;
use lambda::chain;
use notifier::Notifier;
use tenant_store::webhooks::WakeUp;
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{interval, timeout},
};

use super::{backlog::Backlog, queue::LocalQueue};

/// As the schedule in production.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// How long attempts that are under way may take after the shutdown begins.
const GRACE: Duration = Duration::from_millis(800);

/// The task that makes attempts.
pub(super) struct Worker {
    notifier: Notifier,
    queue: LocalQueue,
    backlog: Backlog,
    running: JoinSet<WakeUp>,
}

/// Ends the task.
pub(super) struct Handle {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    pub(super) fn start(notifier: Notifier, queue: LocalQueue) -> Handle {
        let (stop, stopped) = watch::channel(false);
        let worker = Self {
            notifier,
            queue,
            backlog: Backlog::default(),
            running: JoinSet::new(),
        };
        Handle {
            stop,
            task: tokio::spawn(worker.run(stopped)),
        }
    }

    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        // The first tick is at once: what was due before the start.
        let mut sweep = interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                () = stop_requested(&mut stopped) => break,
                Some(wake_up) = self.queue.receiver.recv() => self.backlog.add(wake_up),
                Some(ended) = self.running.join_next() => match ended {
                    Ok(wake_up) => self.backlog.end(&wake_up),
                    Err(error) => tracing::error!(error = error.to_string(), "a delivery was not handled"),
                },
                _ = sweep.tick() => self.sweep().await,
            }
            while let Some(wake_up) = self.backlog.next() {
                self.running.spawn(handle(self.notifier.clone(), wake_up));
            }
        }
        let ended = async { while self.running.join_next().await.is_some() {} };
        if timeout(GRACE, ended).await.is_err() {
            tracing::warn!("attempts to deliver events were interrupted: they are made again after the next start");
        }
    }

    async fn sweep(&self) {
        if let Err(error) = self.notifier.sweep(Utc::now()).await {
            tracing::error!(error = chain(&error), "what is due was not found");
        }
    }
}

impl Handle {
    pub(super) async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn stop_requested(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// What fails is due again at the next sweep.
async fn handle(notifier: Notifier, wake_up: WakeUp) -> WakeUp {
    if let Err(error) = notifier.handle(&wake_up).await {
        tracing::error!(
            error = chain(&error),
            webhook_id = wake_up.webhook_id,
            "a delivery was not handled"
        );
    }
    wake_up
}
