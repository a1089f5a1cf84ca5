//! Deletions and updates of one configuration at the same time, call by call in every order and as they come. Whatever
//! succeeded is in the history once, under its own request, and nothing else is.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use tenant_core::{
    DeliveryType::S3,
    history::{Actor, ChangeKind, Entry, Event},
};
use tenant_store::{Precondition, StoreError, configs::ConfigStore};
use testing::{Fault, FaultProxy};
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet, yield_now},
};

use crate::harness::{Harness, TABLE, key, now, request, request_with, s3, unchanged, update};

/// Who writes, and on which condition.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Party {
    deletes: bool,
    is_conditional: bool,
}

const DELETER: Party = Party {
    deletes: true,
    is_conditional: false,
};
const UPDATER: Party = Party {
    deletes: false,
    is_conditional: false,
};

impl Party {
    const fn conditional(self) -> Self {
        Self {
            is_conditional: true,
            ..self
        }
    }

    /// Writes under the id of a request.
    async fn write(self, store: ConfigStore, request_id: String, precondition: Precondition) -> Result<(), StoreError> {
        let precondition = if self.is_conditional {
            precondition
        } else {
            Precondition::None
        };
        let acme = key("acme", S3);
        if self.deletes {
            let by = request_with(&request_id, ChangeKind::Delete);
            let deleted = store.delete(&acme, &precondition, &by).await?;
            assert!(deleted.is_some());
        } else {
            let by = request_with(&request_id, ChangeKind::Update);
            let change = update(S3, &json!({"bucket_name": request_id}));
            store.update(&acme, &change, &precondition, &by, now()).await?;
        }
        Ok(())
    }
}

/// A writer whose calls the test lets through one by one.
struct Stepped {
    proxy: FaultProxy,
    gate: Arc<Notify>,
    is_done: Arc<AtomicBool>,
    write: JoinHandle<Result<(), StoreError>>,
    released: usize,
}

impl Stepped {
    async fn start(
        harness: &Harness,
        write: impl FnOnce(ConfigStore) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>,
    ) -> Self {
        let gate = Arc::new(Notify::new());
        let proxy = FaultProxy::start(harness.address, &[Fault::Hold(Arc::clone(&gate))]).await;
        let is_done = Arc::new(AtomicBool::new(false));
        let (write, done) = (write(ConfigStore::new(proxy.client(), TABLE)), Arc::clone(&is_done));
        let write = tokio::spawn(async move {
            let written = write.await;
            done.store(true, Ordering::SeqCst);
            written
        });
        let stepped = Self {
            proxy,
            gate,
            is_done,
            write,
            released: 0,
        };
        stepped.pending().await;
        stepped
    }

    /// Waits until the next call is held, or there is none.
    async fn pending(&self) {
        while !self.is_done() && self.proxy.requests() <= self.released {
            yield_now().await;
        }
    }

    /// Lets one call through, and waits for its effect.
    async fn step(&mut self) {
        if !self.is_done() {
            self.released += 1;
            self.gate.notify_one();
            self.pending().await;
        }
    }

    fn is_done(&self) -> bool {
        self.is_done.load(Ordering::SeqCst)
    }
}

/// Compares what was acknowledged to the parties of a round with its entries, which are those after the first one, of
/// the creation. The request of each party has its number in the round.
fn check(parties: &[Party], outcomes: &[Result<(), StoreError>], entries: &[Entry]) {
    let mut recorded = Vec::new();
    for entry in entries {
        let Actor::Api(change) = &entry.actor else {
            panic!("nobody writes past the service: {entry:?}")
        };
        let by = change.request_id.rsplit('-').next().unwrap().parse::<usize>().unwrap();
        let event = if parties[by].deletes {
            Event::Deleted
        } else {
            Event::Updated
        };
        assert_eq!(entry.event, event);
        recorded.push(by);
    }
    let acknowledged = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_ok());
    let acknowledged: BTreeSet<_> = acknowledged.map(|(number, _)| number).collect();
    assert_eq!(recorded.len(), acknowledged.len(), "{recorded:?} {outcomes:?}");
    assert_eq!(
        recorded.into_iter().collect::<BTreeSet<_>>(),
        acknowledged,
        "{outcomes:?}"
    );
    for outcome in outcomes {
        assert!(
            matches!(
                outcome,
                Ok(()) | Err(StoreError::NotFound | StoreError::PreconditionFailed)
            ),
            "{outcome:?}"
        );
    }
    if parties.iter().all(|party| party.is_conditional) {
        assert_eq!(entries.len(), 1, "all expected the content of the creation");
    }
}

/// Lets the parties run in every order of their first `steps` calls.
async fn race_in_every_order(parties: &[Party], steps: u32) {
    let mut harness = Harness::start().await;
    let mut seen = 0;
    for order in 0..parties.len().pow(steps) {
        // The embedded database searches its stream from the start for each record.
        if order % 16 == 0 {
            harness = Harness::start().await;
            harness.enable_stream();
            seen = 0;
        }
        let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
        let mut running = Vec::new();
        for (number, party) in parties.iter().copied().enumerate() {
            let (id, precondition) = (format!("round-{order}-{number}"), unchanged(&created));
            let stepped = Stepped::start(&harness, |store| Box::pin(party.write(store, id, precondition)));
            running.push(stepped.await);
        }
        let mut rest = order;
        for _ in 0..steps {
            running[rest % parties.len()].step().await;
            rest /= parties.len();
        }
        // The rest in turn: a deletion waits for another one that has marked the item.
        while !running.iter().all(Stepped::is_done) {
            for stepped in &mut running {
                stepped.step().await;
            }
        }
        let mut outcomes = Vec::new();
        for stepped in running {
            outcomes.push(stepped.write.await.unwrap());
        }
        conclude(&harness, parties, &outcomes, &mut seen).await;
    }
}

/// Checks a round and deletes what is left of it.
async fn conclude(harness: &Harness, parties: &[Party], outcomes: &[Result<(), StoreError>], seen: &mut usize) {
    let history = harness.history();
    check(parties, outcomes, &history[*seen + 1..]);
    let mut seen_now = history.len();
    if let Some(item) = harness.item("acme", "s3").await {
        let kind = item["last_change"].as_m().unwrap()["kind"].as_s().unwrap();
        assert_ne!(kind, "delete", "no mark is left");
        harness
            .store
            .delete(&key("acme", S3), &Precondition::None, &request())
            .await
            .unwrap();
        seen_now += 1;
    }
    *seen = seen_now;
}

#[tokio::test]
async fn deletion_and_update_in_every_order() {
    for parties in [[DELETER, UPDATER], [DELETER, UPDATER.conditional()]] {
        race_in_every_order(&parties, 7).await;
    }
}

#[tokio::test]
async fn deletion_with_a_precondition_and_update_in_every_order() {
    for updater in [UPDATER, UPDATER.conditional()] {
        race_in_every_order(&[DELETER.conditional(), updater], 7).await;
    }
}

#[tokio::test]
async fn two_deletions_and_an_update_in_every_order() {
    race_in_every_order(&[DELETER, DELETER, UPDATER], 5).await;
    race_in_every_order(&[DELETER, DELETER.conditional(), UPDATER], 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deletions_and_updates_as_they_come() {
    const ROUNDS: usize = 100;
    let harness = Harness::start().await;
    harness.enable_stream();
    let parties = [DELETER, UPDATER, DELETER.conditional(), UPDATER.conditional()];
    let mut seen = 0;
    for round in 0..ROUNDS {
        let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
        let mut writers = JoinSet::new();
        for (number, party) in parties.into_iter().enumerate() {
            let (store, precondition) = (harness.store.clone(), unchanged(&created));
            writers.spawn(async move {
                let id = format!("round-{round}-{number}");
                (number, party.write(store, id, precondition).await)
            });
        }
        let mut outcomes = writers.join_all().await;
        outcomes.sort_by_key(|(number, _)| *number);
        let outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        conclude(&harness, &parties, &outcomes, &mut seen).await;
    }
}
