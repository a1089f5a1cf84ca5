//! When an attempt is repeated.

use std::{str::FromStr, time::Duration};

/// The pauses between the attempts of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

/// The text is not a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 20 whole numbers of seconds up to 604800, separated by commas, such as 5,300,1800")]
pub struct ScheduleError;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// Ten attempts in some 75 hours. Source: "Standard Webhooks", section "Retries".
const DEFAULT: [u64; 9] = [
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];
/// The part of a pause by which it is longer or shorter at random, so that deliveries which failed together are not repeated
/// together.
const JITTER: f64 = 0.2;
/// A subscriber may ask for a pause up to this one.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
const MAX_PAUSES: usize = 20;
const MAX_PAUSE: u64 = 7 * 24 * HOUR;

impl Schedule {
    /// The pause after this many attempts; `None` if that was the last one. `retry_after` is what the subscriber asked for,
    /// `random` decides the jitter.
    #[must_use]
    pub fn pause(&self, attempts: u32, retry_after: Option<Duration>, random: u32) -> Option<Duration> {
        let pause = self.0.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
        let jitter = 1.0 - JITTER + 2.0 * JITTER * f64::from(random) / f64::from(u32::MAX);
        let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        Some(pause.mul_f64(jitter).max(asked))
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self(DEFAULT.map(Duration::from_secs).to_vec())
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let pauses = text.split(',').map(|part| match part.trim().parse() {
            Ok(seconds @ 0..=MAX_PAUSE) => Ok(Duration::from_secs(seconds)),
            _ => Err(ScheduleError),
        });
        let pauses = pauses.collect::<Result<Vec<_>, _>>()?;
        if pauses.len() > MAX_PAUSES {
            return Err(ScheduleError);
        }
        Ok(Self(pauses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = u32::MAX / 2 + 1;

    #[test]
    fn default_is_ten_attempts_in_75_hours() {
        let schedule = Schedule::default();
        let pauses: Vec<_> = (1..)
            .map_while(|attempts| schedule.pause(attempts, None, MIDDLE))
            .collect();
        assert_eq!(pauses.len() + 1, 10);
        let hours = pauses.iter().sum::<Duration>().as_secs_f64() / 3600.0;
        assert!((75.0..76.0).contains(&hours), "{hours}");
        assert_eq!(schedule.pause(0, None, 0), None);
    }

    #[test]
    fn pause_varies_by_a_fifth() {
        let schedule: Schedule = "100".parse().unwrap();
        let pause = |random| schedule.pause(1, None, random).unwrap().as_secs_f64().round();
        assert!((pause(0) - 80.0).abs() < 0.1 && (pause(u32::MAX) - 120.0).abs() < 0.1);
    }

    #[test]
    fn subscriber_may_ask_for_a_longer_pause_up_to_an_hour() {
        let schedule: Schedule = "10, 7200".parse().unwrap();
        let pause = |attempts, asked| {
            schedule
                .pause(attempts, Some(Duration::from_secs(asked)), MIDDLE)
                .unwrap()
                .as_secs()
        };
        assert_eq!(
            [pause(1, 1), pause(1, 60), pause(1, 86_400), pause(2, 60)],
            [10, 60, 3600, 7200]
        );
    }

    #[test]
    fn text_that_is_not_a_schedule_is_rejected() {
        let long = vec!["1"; 21].join(",");
        for text in ["", "a", "5,", "-1", "1.5", "604801", &long] {
            assert_eq!(text.parse::<Schedule>(), Err(ScheduleError), "{text}");
        }
    }
}
