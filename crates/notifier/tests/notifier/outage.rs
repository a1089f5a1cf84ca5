//! A subscriber that is down for hours, which pass in seconds: the notifier has the clock of the test, and a message whose
//! delay is the next to end moves it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::{Arc, Mutex},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use notifier::Notifier;
use tenant_core::webhook::{Schedule, Webhook, WebhookStatus};
use tenant_store::webhooks::WakeUp;

use crate::{
    harness::{Service, acme},
    subscriber::{Received, Subscriber, ok, response},
};

/// Each is read and written again at the end of each pause. The local server has a test with a thousand.
const EVENTS: usize = 50;
/// As many as the local server attempts for one endpoint.
const AT_A_TIME: usize = 8;
/// As in production.
const SWEEP_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// The queue and the schedule, in the time of the test.
struct Simulation {
    service: Service,
    notifier: Notifier,
    now: Arc<Mutex<DateTime<Utc>>>,
    next_sweep: DateTime<Utc>,
    /// By the time they are due, and in the order they were sent.
    messages: BinaryHeap<Reverse<(DateTime<Utc>, u64)>>,
    wake_ups: BTreeMap<u64, WakeUp>,
    count: u64,
}

impl Simulation {
    fn new(service: Service) -> Self {
        let start = Utc::now();
        let now = Arc::new(Mutex::new(start));
        let clock = Arc::clone(&now);
        Self {
            notifier: service.notifier_at(move || *clock.lock().unwrap()),
            service,
            now,
            next_sweep: start,
            messages: BinaryHeap::new(),
            wake_ups: BTreeMap::new(),
            count: 0,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn take_messages(&mut self) {
        let now = self.now();
        for (wake_up, delay) in self.service.messages.take() {
            self.count += 1;
            self.wake_ups.insert(self.count, wake_up);
            let due = now + TimeDelta::from_std(delay).unwrap();
            self.messages.push(Reverse((due, self.count)));
        }
    }

    /// What happens next: a sweep, or the messages that are due first.
    async fn step(&mut self) {
        let first = self.messages.peek().map(|Reverse((due, _))| *due);
        let next = first
            .map_or(self.next_sweep, |due| due.min(self.next_sweep))
            .max(self.now());
        *self.now.lock().unwrap() = next;
        if self.next_sweep <= next {
            self.notifier.sweep(next).await.unwrap();
            self.next_sweep = next + SWEEP_INTERVAL;
            self.take_messages();
        }
        let mut due = Vec::new();
        while due.len() < AT_A_TIME && self.messages.peek().is_some_and(|Reverse((at, _))| *at <= next) {
            let Some(Reverse((_, number))) = self.messages.pop() else {
                break;
            };
            due.extend(self.wake_ups.remove(&number));
        }
        for handled in join_all(due.iter().map(|wake_up| self.notifier.handle(wake_up))).await {
            handled.unwrap();
        }
        self.take_messages();
    }

    async fn run_until(&mut self, is_over: impl Fn(&Self) -> bool) {
        while !is_over(self) {
            self.step().await;
        }
    }

    async fn status(&self, webhook: &Webhook) -> WebhookStatus {
        let found = self.service.stores.webhooks.get(&webhook.scope, &webhook.id).await;
        found.unwrap().value.status()
    }
}

fn ids(received: &[Received]) -> BTreeSet<String> {
    let ids = received
        .iter()
        .map(|request| request.header("webhook-id").unwrap().to_owned());
    ids.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriber_that_was_down_for_hours_gets_all_events_and_no_other_waits() {
    let service = Service::with_schedule_of(Schedule::default()).await;
    let (down, healthy) = (
        Subscriber::start(&[response(503, "", "")]).await,
        Subscriber::start(&[ok()]).await,
    );
    let (failing, other) = (
        service.create(1, acme(), &down.url()).await,
        service.create(2, acme(), &healthy.url()).await,
    );
    for first in (0..EVENTS).step_by(AT_A_TIME) {
        let numbers = first..EVENTS.min(first + AT_A_TIME);
        join_all(numbers.map(async |number| {
            let entry = service.change("acme", number as u64 + 1, Utc::now()).await;
            service.queue(&failing, &entry).await;
            service.queue(&other, &entry).await;
        }))
        .await;
    }
    let mut simulation = Simulation::new(service);
    let began = simulation.now();

    simulation.run_until(|_| healthy.connections() == EVENTS).await;
    let waited = simulation.now() - began;
    assert!(waited <= SWEEP_INTERVAL * 2, "the other one waited for {waited}");
    assert_eq!(ids(&healthy.received()).len(), EVENTS);

    let outage = TimeDelta::hours(3);
    simulation
        .run_until(|simulation| simulation.now() - began > outage)
        .await;
    let attempts = down.connections();
    assert!(attempts < 40, "{attempts} attempts while it was down");
    assert_eq!(simulation.status(&failing).await, WebhookStatus::Failing);

    down.react(ok());
    let recovered = simulation.now();
    // Those that were not attempted come at the end of the longest pause, and half a minute after its probe.
    let attempted = ids(&down.received()).len();
    simulation
        .run_until(|_| down.connections() >= attempts + EVENTS - attempted)
        .await;
    let waited = simulation.now() - recovered;
    assert!(waited <= TimeDelta::minutes(32), "the others arrived after {waited}");
    // The others have pauses of their own.
    simulation.run_until(|_| down.connections() == attempts + EVENTS).await;
    let received = down.received();
    assert_eq!(ids(&received[attempts..]).len(), EVENTS, "each arrived once");
    assert_eq!(simulation.status(&failing).await, WebhookStatus::Enabled);
    assert_eq!(healthy.connections(), EVENTS, "the other one got nothing twice");
}
