//! The health of an endpoint: whether it is tried, and when it is given up.

use chrono::{DateTime, TimeDelta, Utc};

/// What the attempts of an endpoint have shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The first failure since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    /// Failures since `counting_since`.
    pub failures: u32,
    /// When the counting of failures began.
    pub counting_since: Option<DateTime<Utc>>,
    /// No attempt before this time but one probe then.
    pub open_until: Option<DateTime<Utc>>,
    /// How long it is left alone, in seconds.
    pub open_seconds: u32,
}

/// Whether a delivery may be attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Attempt,
    /// Only by the one that first takes the place of the probe, with [`Health::probed`].
    Probe,
    /// Not before this time.
    Wait(DateTime<Utc>),
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a 2xx.
    Succeeded,
    /// In any other way.
    Failed,
    /// With a 410: the subscriber wants no more.
    Gone,
}

/// What an attempt changed for the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthChange {
    /// It fails again and again.
    Failing,
    /// It succeeds again.
    Recovered,
    /// It is given up.
    Disabled(DisabledReason),
}

named_enum! {
    /// Why an endpoint was disabled.
    pub enum DisabledReason -> as_str {
        /// Nothing but failures for five days.
        Failures = "failures",
        /// The subscriber responded 410.
        Gone = "gone",
    }
}

/// So many failures within [`COUNTING`] leave the endpoint alone for a while.
const MAX_FAILURES: u32 = 10;
const COUNTING: TimeDelta = TimeDelta::minutes(1);
/// How long it is left alone at first; that doubles with each probe that fails.
const FIRST_OPEN_SECONDS: u32 = 60;
const LONGEST_OPEN_SECONDS: u32 = 30 * 60;
/// A probe ends by then: an attempt takes at most 15 seconds.
const PROBE: TimeDelta = TimeDelta::seconds(30);
/// After failures for this long, the endpoint is given up.
const PATIENCE: TimeDelta = TimeDelta::days(5);

impl Health {
    /// Whether there is something to attempt now.
    #[must_use]
    pub fn admit(&self, now: DateTime<Utc>) -> Admission {
        match self.open_until {
            None => Admission::Attempt,
            Some(until) if until > now => Admission::Wait(until),
            Some(_) => Admission::Probe,
        }
    }

    /// The state while one attempt is the probe: everybody else waits for its end.
    #[must_use]
    pub fn probed(&self, now: DateTime<Utc>) -> Self {
        Self {
            open_until: Some(now + PROBE),
            ..self.clone()
        }
    }

    /// Whether it is left alone, or was at the last attempt.
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        self.open_seconds > 0
    }

    /// The state after an attempt, and what that means for the endpoint.
    #[must_use]
    pub fn after(&self, outcome: Outcome, now: DateTime<Utc>) -> (Self, Option<HealthChange>) {
        match outcome {
            Outcome::Succeeded => (Self::default(), self.is_failing().then_some(HealthChange::Recovered)),
            Outcome::Gone => (Self::default(), Some(HealthChange::Disabled(DisabledReason::Gone))),
            Outcome::Failed => self.after_failure(now),
        }
    }

    fn after_failure(&self, now: DateTime<Utc>) -> (Self, Option<HealthChange>) {
        let failing_since = self.failing_since.unwrap_or(now);
        if now - failing_since >= PATIENCE {
            return (Self::default(), Some(HealthChange::Disabled(DisabledReason::Failures)));
        }
        let counting_since = self.counting_since.filter(|since| now - *since <= COUNTING);
        let failures = counting_since.map_or(0, |_| self.failures) + 1;
        let counted = Self {
            failing_since: Some(failing_since),
            failures,
            counting_since: Some(counting_since.unwrap_or(now)),
            ..self.clone()
        };
        // A probe that fails leaves it alone for longer. An attempt that began before it was left alone changes nothing.
        let was_open = self.open_until.is_some();
        if was_open && self.open_until.is_some_and(|until| until > now + PROBE) {
            return (counted, None);
        }
        if !was_open && failures < MAX_FAILURES {
            return (counted, None);
        }
        let open_seconds = match self.open_seconds {
            0 => FIRST_OPEN_SECONDS,
            seconds => (seconds * 2).min(LONGEST_OPEN_SECONDS),
        };
        let opened = Self {
            open_until: Some(now + TimeDelta::seconds(open_seconds.into())),
            open_seconds,
            failures: 0,
            counting_since: None,
            ..counted
        };
        (opened, (!self.is_failing()).then_some(HealthChange::Failing))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    /// The state after failures at these seconds, and what they meant.
    fn fail(health: Health, seconds: impl IntoIterator<Item = i64>) -> (Health, Vec<HealthChange>) {
        seconds
            .into_iter()
            .fold((health, Vec::new()), |(health, mut changes), second| {
                let (health, change) = health.after(Outcome::Failed, at(second));
                changes.extend(change);
                (health, changes)
            })
    }

    #[test]
    fn ten_failures_in_a_minute_leave_the_endpoint_alone_for_a_minute() {
        let (health, changes) = fail(Health::default(), 0..9);
        assert_eq!((health.admit(at(9)), changes), (Admission::Attempt, vec![]));
        let (health, changes) = fail(health, [9]);
        assert_eq!(changes, [HealthChange::Failing]);
        assert_eq!(health.admit(at(10)), Admission::Wait(at(69)));
        assert_eq!(health.admit(at(69)), Admission::Probe);
    }

    #[test]
    fn failures_that_are_far_apart_do_not() {
        let (health, changes) = fail(Health::default(), (0..100).map(|n| n * 10));
        assert_eq!((health.admit(at(1000)), changes), (Admission::Attempt, vec![]));
    }

    #[test]
    fn one_probe_is_made_and_the_pause_doubles_up_to_half_an_hour() {
        let (mut health, _) = fail(Health::default(), 0..10);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let now = health.open_until.unwrap();
            assert_eq!(health.admit(now), Admission::Probe);
            let probing = health.probed(now);
            assert!(matches!(probing.admit(now), Admission::Wait(_)));
            health = fail(probing, [(now - at(0)).num_seconds() + 1]).0;
            pauses.push((health.open_until.unwrap() - now).num_seconds() - 1);
        }
        assert_eq!(pauses, [120, 240, 480, 960, 1800, 1800, 1800, 1800]);
    }

    #[test]
    fn success_forgets_everything_and_is_reported_once() {
        let (health, _) = fail(Health::default(), 0..10);
        let (health, change) = health.probed(at(70)).after(Outcome::Succeeded, at(71));
        assert_eq!(
            (health.clone(), change),
            (Health::default(), Some(HealthChange::Recovered))
        );
        assert_eq!(health.after(Outcome::Succeeded, at(72)), (Health::default(), None));
        // Fewer failures are nothing to report.
        let (health, _) = fail(Health::default(), 0..3);
        assert_eq!(health.after(Outcome::Succeeded, at(4)), (Health::default(), None));
    }

    #[test]
    fn attempts_that_were_under_way_do_not_prolong_the_pause() {
        let (health, _) = fail(Health::default(), 0..10);
        let (later, changes) = fail(health.clone(), [10, 11, 12]);
        assert_eq!((later.open_until, changes), (health.open_until, vec![]));
    }

    #[test]
    fn subscriber_that_is_gone_is_disabled_at_once() {
        let (_, change) = Health::default().after(Outcome::Gone, at(0));
        assert_eq!(change, Some(HealthChange::Disabled(DisabledReason::Gone)));
    }

    proptest! {
        #[test]
        fn endpoint_is_given_up_after_five_days_of_failures_and_not_before(gaps in prop::collection::vec(1_i64..40_000, 1..400)) {
            let mut now = 0;
            let (mut health, mut disabled_at) = (Health::default(), None);
            for gap in gaps {
                let (next, change) = health.after(Outcome::Failed, at(now));
                if let Some(HealthChange::Disabled(reason)) = change {
                    prop_assert_eq!(reason, DisabledReason::Failures);
                    disabled_at = Some(now);
                    break;
                }
                health = next;
                prop_assert!(now < 5 * 86_400, "{}", now);
                now += gap;
            }
            prop_assert!(disabled_at.is_none_or(|second| second >= 5 * 86_400));
        }
    }
}
