//! The keys at hand, for as long as they may be used.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use lambda::chain;

use super::{KeySource, KeySourceError, Keys};

/// How long keys are used before they are read again.
const FRESH: TimeDelta = TimeDelta::seconds(300);
/// How much longer they are used while they cannot be read.
const STALE_IF_ERROR: TimeDelta = TimeDelta::hours(1);
/// How long keys are used at all: 300 + 3,600 s.
const USABLE: TimeDelta = TimeDelta::seconds(FRESH.num_seconds() + STALE_IF_ERROR.num_seconds());
/// The time between two reads that refused requests cause: an attacker with 40 calls a second to exhaust, as SSM allows
/// for each account and region, needs 40 x 30 = 1,200 execution environments.
const BETWEEN_REFRESHES: TimeDelta = TimeDelta::seconds(30);
/// The pause after a read that failed while the keys held may still be used; requests are served all the while.
const PAUSE_WITH_KEYS: TimeDelta = TimeDelta::seconds(30);
/// The pause after a read that failed while no keys may be used; requests fail at once in it. Short, for clients wait;
/// long enough that a hundred environments with three attempts each make 100 x 3 / 10 = 30 calls a second, under SSM's
/// 40.
const PAUSE_WITHOUT_KEYS: TimeDelta = TimeDelta::seconds(10);

/// Keys that are read once and then held.
///
/// - Keys serve for 300 s. Then the next request reads them again; only one read is under way at any time, and whoever
///   needs its result waits for it.
/// - While the source fails, the held keys serve up to an hour more. A failed read is not repeated for 30 s, or for 10 s
///   while there are no keys that may serve.
/// - A request that no held key verifies may be signed with a newer one: [`refresh`](Self::refresh) reads the keys at
///   most once in 30 s.
///
/// Time is an argument, the wall clock's. When it jumps, forwards or back, by more than a span counts, the span is over.
#[derive(Debug)]
pub struct KeyCache<S> {
    source: S,
    state: Mutex<State>,
    /// Held by whoever reads from the source.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// When the last read began, if it failed.
    failed_at: Option<DateTime<Utc>>,
    /// When a refused request last caused a read.
    refreshed_at: Option<DateTime<Utc>>,
    /// What nobody has taken yet.
    events: KeyEvents,
}

/// What happened to the keys, for whoever counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyEvents {
    /// Reads from the source that gave keys.
    pub refreshes: u32,
    /// Reads from the source that failed.
    pub refresh_failures: u32,
    /// Requests judged by keys that should have been read anew, but could not be.
    pub stale_uses: u32,
}

#[derive(Debug)]
struct Held {
    keys: Arc<Keys>,
    read_at: DateTime<Utc>,
}

/// Keys to judge one request by.
#[derive(Debug, Clone)]
pub struct Lease {
    keys: Arc<Keys>,
    /// Whether they were read before this request came.
    cached: bool,
}

/// There are no keys that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys cannot be read, and none are held that may still be used")]
pub struct KeysUnavailable;

impl Lease {
    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

impl<S: KeySource> KeyCache<S> {
    /// A cache that holds nothing yet.
    pub fn new(source: S) -> Self {
        Self {
            source,
            state: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// Reads the keys ahead of the first request, which finds them then. A failure is only reported: the first request
    /// tries again, without a pause.
    pub async fn prefetch(&self, now: DateTime<Utc>) -> Result<(), KeySourceError> {
        let _reading = self.reading.lock().await;
        let result = self.source.fetch().await;
        let mut state = self.state();
        match result {
            Ok(keys) => drop(state.hold(keys, now)),
            Err(error) => {
                state.events.refresh_failures += 1;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The keys to judge a request by, read from the source only if those held are too old.
    pub async fn keys(&self, now: DateTime<Utc>) -> Result<Lease, KeysUnavailable> {
        if let Some(keys) = self.state().younger_than(FRESH, now) {
            return Ok(Lease { keys, cached: true });
        }
        let _reading = self.reading.lock().await;
        // Another request may have read them, or failed to, while this one waited.
        if let Some(keys) = self.state().younger_than(FRESH, now) {
            return Ok(Lease { keys, cached: true });
        }
        if !self.state().pauses(now)
            && let Some(keys) = self.read(now).await
        {
            return Ok(Lease { keys, cached: false });
        }
        let mut state = self.state();
        let keys = state.younger_than(USABLE, now);
        state.events.stale_uses += u32::from(keys.is_some());
        keys.map(|keys| Lease { keys, cached: true }).ok_or(KeysUnavailable)
    }

    /// Newer keys than those of the lease, by which a request was refused; none if there are none or it is too early to
    /// ask.
    pub async fn refresh(&self, refused_by: &Lease, now: DateTime<Utc>) -> Option<Lease> {
        if !refused_by.cached {
            return None;
        }
        let _reading = self.reading.lock().await;
        let newer = self.state().replaced(&refused_by.keys);
        if let Some(keys) = newer {
            return Some(Lease { keys, cached: false });
        }
        if !self.state().begins_refresh(now) {
            return None;
        }
        self.read(now).await.map(|keys| Lease { keys, cached: false })
    }

    /// What happened since this was last asked.
    pub fn take_events(&self) -> KeyEvents {
        mem::take(&mut self.state().events)
    }

    /// Reads from the source, on behalf of the one who holds `reading`.
    async fn read(&self, now: DateTime<Utc>) -> Option<Arc<Keys>> {
        let result = self.source.fetch().await;
        let mut state = self.state();
        match result {
            Ok(keys) => Some(state.hold(keys, now)),
            Err(error) => {
                state.failed_at = Some(now);
                state.events.refresh_failures += 1;
                log_failure(&error, state.age_of_usable_keys(now));
                None
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A change is a few assignments with nothing between them that could panic: no panic leaves one half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hold(&mut self, keys: Keys, now: DateTime<Utc>) -> Arc<Keys> {
        let keys = Arc::new(keys);
        self.held = Some(Held {
            keys: Arc::clone(&keys),
            read_at: now,
        });
        self.failed_at = None;
        self.events.refreshes += 1;
        keys
    }

    fn younger_than(&self, span: TimeDelta, now: DateTime<Utc>) -> Option<Arc<Keys>> {
        self.held
            .as_ref()
            .filter(|held| is_within(span, held.read_at, now))
            .map(|held| Arc::clone(&held.keys))
    }

    fn age_of_usable_keys(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.held
            .as_ref()
            .filter(|held| is_within(USABLE, held.read_at, now))
            .map(|held| now - held.read_at)
    }

    /// The keys that were read after `seen`, if any.
    fn replaced(&self, seen: &Arc<Keys>) -> Option<Arc<Keys>> {
        self.held
            .as_ref()
            .filter(|held| !Arc::ptr_eq(&held.keys, seen))
            .map(|held| Arc::clone(&held.keys))
    }

    /// Whether the last failure is too recent to try again.
    fn pauses(&self, now: DateTime<Utc>) -> bool {
        let pause = if self.age_of_usable_keys(now).is_some() {
            PAUSE_WITH_KEYS
        } else {
            PAUSE_WITHOUT_KEYS
        };
        self.failed_at.is_some_and(|failed_at| is_within(pause, failed_at, now))
    }

    /// Whether a refused request may cause a read now; if so, the next may not for a while.
    fn begins_refresh(&mut self, now: DateTime<Utc>) -> bool {
        let too_early = self
            .refreshed_at
            .is_some_and(|at| is_within(BETWEEN_REFRESHES, at, now))
            || self.pauses(now);
        if !too_early {
            self.refreshed_at = Some(now);
        }
        !too_early
    }
}

/// Whether `now` is less than `span` away from `since`.
fn is_within(span: TimeDelta, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(since).abs() < span
}

/// The line that every failed read leaves. `event` is for a metric filter to count.
fn log_failure(error: &KeySourceError, keys_age: Option<TimeDelta>) {
    let cause = chain(error);
    if let Some(age) = keys_age {
        let keys_age_seconds = age.num_seconds();
        tracing::warn!(
            event = "keys_unreadable",
            cause,
            keys_age_seconds,
            "the keys held serve on"
        );
    } else {
        tracing::error!(event = "keys_unreadable", cause, "no keys are held");
    }
}
