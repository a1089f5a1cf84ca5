//! The cached keys, for as long as they are usable.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use lambda::chain;

use super::{KeySource, KeySourceError, Keys};

/// How long keys are used before they are read again.
const FRESH: TimeDelta = TimeDelta::seconds(300);
/// How much longer they are used while they cannot be read.
const STALE_IF_ERROR: TimeDelta = TimeDelta::hours(1);
/// How long keys are used after the source has stated that they are withdrawn: a mistake in the parameter can be undone
/// meanwhile.
const WITHDRAWN: TimeDelta = TimeDelta::seconds(60);
/// How long keys are used at all: 300 + 3,600 s.
const USABLE: TimeDelta = TimeDelta::seconds(FRESH.num_seconds() + STALE_IF_ERROR.num_seconds());
/// The time between two reads that unverified requests cause: an attacker with 40 calls a second to exhaust, as SSM allows
/// for each account and region, needs 40 x 30 = 1,200 execution environments.
const BETWEEN_REFRESHES: TimeDelta = TimeDelta::seconds(30);
/// The pause after a failed read while the cached keys are still usable; requests are served meanwhile.
const PAUSE_WITH_KEYS: TimeDelta = TimeDelta::seconds(30);
/// The pause after a failed read while no keys are usable; requests fail at once during it. Short, because clients wait;
/// long enough that a hundred environments with three attempts each make 100 x 3 / 10 = 30 calls a second, under SSM's
/// 40.
const PAUSE_WITHOUT_KEYS: TimeDelta = TimeDelta::seconds(10);

/// Keys that are read once and then cached.
///
/// - Keys are fresh for 300 s. Then the next request reads them again; only one read is under way at any time, and the
///   requests that need its result wait for it.
/// - While the source is out of order, stale keys are served for up to an hour more. A failed read is not repeated for
///   30 s, or for 10 s while there are no usable keys.
/// - If the source states that there is no usable key, or denies access to it, the cached ones end after 60 s, whatever
///   their age. Only a read that succeeds undoes that.
/// - A request that no cached key verifies may be signed with a newer one: [`refresh`](Self::refresh) reads the keys at
///   most once in 30 s.
///
/// Time is an argument, from the wall clock. When it jumps, forwards or back, by more than a period, the period is over.
#[derive(Debug)]
pub struct KeyCache<S> {
    source: S,
    previous_max_age: TimeDelta,
    state: Mutex<State>,
    /// Locked by the request that reads from the source.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    cached: Option<CachedKeys>,
    /// When the last read began, if it failed.
    failed_at: Option<DateTime<Utc>>,
    /// When the source first stated that the cached keys are withdrawn.
    withdrawn_at: Option<DateTime<Utc>>,
    /// When an unverified request last caused a read.
    refreshed_at: Option<DateTime<Utc>>,
    /// Not yet taken by [`KeyCache::take_events`].
    events: KeyEvents,
}

/// What happened to the keys, for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyEvents {
    /// Reads from the source that succeeded.
    pub refreshes: u32,
    /// Reads from the source that failed.
    pub refresh_failures: u32,
    /// Requests that were verified with stale keys because the source failed.
    pub stale_uses: u32,
    /// Reads that returned a previous key which still verifies.
    pub previous_held: u32,
}

#[derive(Debug)]
struct CachedKeys {
    keys: Arc<Keys>,
    read_at: DateTime<Utc>,
}

/// Keys to verify one request with.
#[derive(Debug, Clone)]
pub struct Lease {
    keys: Arc<Keys>,
    /// Whether they were read before this request arrived.
    is_cached: bool,
}

/// There are no usable keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys cannot be read and there are no usable cached keys")]
pub struct KeysUnavailable;

impl Lease {
    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

impl<S: KeySource> KeyCache<S> {
    /// An empty cache. A previous key verifies until the current one has `previous_max_age`.
    pub fn new(source: S, previous_max_age: TimeDelta) -> Self {
        Self {
            source,
            previous_max_age,
            state: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// Reads the keys ahead of the first request. A failure is only reported: the first request tries again, without a
    /// pause.
    pub async fn prefetch(&self, now: DateTime<Utc>) -> Result<(), KeySourceError> {
        let _reading = self.reading.lock().await;
        let result = self.fetch(now).await;
        let mut state = self.state();
        match result {
            Ok(keys) => drop(state.store(keys, now)),
            Err(error) => {
                state.events.refresh_failures += 1;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The keys to verify a request with, read from the source only if the cached ones are stale.
    pub async fn keys(&self, now: DateTime<Utc>) -> Result<Lease, KeysUnavailable> {
        if let Some(keys) = self.state().fresh(now) {
            return Ok(Lease { keys, is_cached: true });
        }
        let _reading = self.reading.lock().await;
        // Another request may have read them, or failed to, while this one waited.
        if let Some(keys) = self.state().fresh(now) {
            return Ok(Lease { keys, is_cached: true });
        }
        if !self.state().is_paused(now)
            && let Some(keys) = self.read(now).await
        {
            return Ok(Lease { keys, is_cached: false });
        }
        let mut state = self.state();
        let keys = state.usable(now);
        state.events.stale_uses += u32::from(keys.is_some());
        keys.map(|keys| Lease { keys, is_cached: true }).ok_or(KeysUnavailable)
    }

    /// Newer keys than those of the lease, which did not verify a request; none if there are none or it is too early to
    /// read.
    pub async fn refresh(&self, failed: &Lease, now: DateTime<Utc>) -> Option<Lease> {
        if !failed.is_cached {
            return None;
        }
        let _reading = self.reading.lock().await;
        let newer = self.state().newer_than(&failed.keys);
        if let Some(keys) = newer {
            return Some(Lease { keys, is_cached: false });
        }
        if !self.state().try_begin_refresh(now) {
            return None;
        }
        self.read(now).await.map(|keys| Lease { keys, is_cached: false })
    }

    /// What happened since the last call.
    pub fn take_events(&self) -> KeyEvents {
        mem::take(&mut self.state().events)
    }

    /// Reads from the source; the caller has locked `reading`.
    async fn read(&self, now: DateTime<Utc>) -> Option<Arc<Keys>> {
        let result = self.fetch(now).await;
        let mut state = self.state();
        match result {
            Ok(keys) => Some(state.store(keys, now)),
            Err(error) => {
                state.fail(&error, now);
                None
            }
        }
    }

    async fn fetch(&self, now: DateTime<Utc>) -> Result<Keys, KeySourceError> {
        let mut keys = self.source.fetch().await?;
        keys.limit_previous(self.previous_max_age);
        log_previous(&keys, now);
        Ok(keys)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A change is a few assignments that cannot panic, so no panic leaves one incomplete.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn store(&mut self, keys: Keys, now: DateTime<Utc>) -> Arc<Keys> {
        let keys = Arc::new(keys);
        self.cached = Some(CachedKeys {
            keys: Arc::clone(&keys),
            read_at: now,
        });
        self.failed_at = None;
        self.withdrawn_at = None;
        self.events.refreshes += 1;
        self.events.previous_held += u32::from(keys.previous().is_some() && keys.accepts_previous(now));
        keys
    }

    fn fail(&mut self, error: &KeySourceError, now: DateTime<Utc>) {
        self.failed_at = Some(now);
        self.events.refresh_failures += 1;
        if !error.is_outage() && self.cached.is_some() {
            self.withdrawn_at.get_or_insert(now);
        }
        let age = self
            .usable(now)
            .and(self.cached.as_ref())
            .map(|cached| now - cached.read_at);
        log_failure(error, age);
    }

    /// The keys that need not be read again.
    fn fresh(&self, now: DateTime<Utc>) -> Option<Arc<Keys>> {
        self.younger_than(FRESH, now).filter(|_| self.withdrawn_at.is_none())
    }

    /// The keys that may be used if they cannot be read again. Withdrawn ones are dropped when their time is over, so that
    /// no clock brings them back.
    fn usable(&mut self, now: DateTime<Utc>) -> Option<Arc<Keys>> {
        if self.withdrawn_at.is_some_and(|at| !is_within(WITHDRAWN, at, now)) {
            self.cached = None;
            self.withdrawn_at = None;
        }
        self.younger_than(USABLE, now)
    }

    fn younger_than(&self, span: TimeDelta, now: DateTime<Utc>) -> Option<Arc<Keys>> {
        self.cached
            .as_ref()
            .filter(|cached| is_within(span, cached.read_at, now))
            .map(|cached| Arc::clone(&cached.keys))
    }

    /// The keys that were read after `seen`, if any.
    fn newer_than(&self, seen: &Arc<Keys>) -> Option<Arc<Keys>> {
        self.cached
            .as_ref()
            .filter(|cached| !Arc::ptr_eq(&cached.keys, seen))
            .map(|cached| Arc::clone(&cached.keys))
    }

    /// Whether the last failure is too recent to try again.
    fn is_paused(&mut self, now: DateTime<Utc>) -> bool {
        let pause = if self.usable(now).is_some() {
            PAUSE_WITH_KEYS
        } else {
            PAUSE_WITHOUT_KEYS
        };
        self.failed_at.is_some_and(|failed_at| is_within(pause, failed_at, now))
    }

    /// Whether an unverified request may cause a read now; if so, the next one has to wait.
    fn try_begin_refresh(&mut self, now: DateTime<Utc>) -> bool {
        let too_early = self
            .refreshed_at
            .is_some_and(|at| is_within(BETWEEN_REFRESHES, at, now))
            || self.is_paused(now);
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

/// The log line of a failed read. `event` is for a metric filter.
fn log_failure(error: &KeySourceError, keys_age: Option<TimeDelta>) {
    let cause = chain(error);
    let keys_age_seconds = keys_age.map(|age| age.num_seconds());
    match (keys_age_seconds, error.is_outage()) {
        (None, _) => tracing::error!(event = "keys_unreadable", cause, "there are no usable cached keys"),
        (Some(keys_age_seconds), true) => {
            tracing::warn!(event = "keys_unreadable", cause, keys_age_seconds, "serving stale keys");
        }
        (Some(keys_age_seconds), false) => {
            tracing::error!(
                event = "keys_unreadable",
                cause,
                keys_age_seconds,
                "the cached keys end within 60 seconds"
            );
        }
    }
}

/// Reports a previous key at each read, so that it is not forgotten.
fn log_previous(keys: &Keys, now: DateTime<Utc>) {
    let Some(previous) = keys.previous() else { return };
    let key_version = previous.version();
    let ends_at = keys
        .previous_ends_at()
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    if keys.accepts_previous(now) {
        tracing::warn!(
            event = "previous_key_held",
            key_version,
            ends_at,
            "a previous key is still accepted"
        );
    } else {
        // Not a warning: a secret keeps its previous version until the next rotation.
        tracing::info!(
            event = "previous_key_ended",
            key_version,
            ends_at,
            "the previous key is not accepted any more"
        );
    }
}
