//! How long keys are cached, and how often they are read.

use authorizer::keys::{KeyCache, KeysUnavailable};
use chrono::TimeDelta;
use serde_json::Value;

use crate::harness::{
    KEY, NOW, OTHER_KEY, PREVIOUS_KEY, Script, ScriptedSource, WRITTEN, Withdrawal, capture_log, own_lines,
};

const KEYS: Script = Script::Keys(KEY, None);
const NEWER_KEYS: Script = Script::Keys(OTHER_KEY, None);

fn cache(script: impl IntoIterator<Item = Script>) -> (KeyCache<ScriptedSource>, ScriptedSource) {
    let source = ScriptedSource::new(script);
    (KeyCache::new(source.clone(), TimeDelta::days(7)), source)
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

#[tokio::test]
async fn keys_are_read_once_in_300_seconds() {
    let (cache, source) = cache([KEYS]);
    for age in [0, 1, 299] {
        cache.keys(NOW + seconds(age)).await.unwrap();
    }
    assert_eq!(source.reads(), 1);
    cache.keys(NOW + seconds(300)).await.unwrap();
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn prefetched_keys_serve_the_first_request() {
    let (cache, source) = cache([KEYS]);
    cache.prefetch(NOW).await.unwrap();
    cache.keys(NOW).await.unwrap();
    assert_eq!(source.reads(), 1);
}

#[tokio::test]
async fn failed_prefetch_lets_the_first_request_try_at_once() {
    let (cache, source) = cache([Script::Failure, KEYS]);
    assert!(cache.prefetch(NOW).await.is_err());
    assert!(cache.keys(NOW).await.is_ok());
    assert_eq!(source.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_requests_at_once_read_once() {
    let source = ScriptedSource::slow([KEYS]);
    let cache = std::sync::Arc::new(KeyCache::new(source.clone(), TimeDelta::days(7)));
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.keys(NOW).await.is_ok() })
        })
        .collect();
    for request in requests {
        assert!(request.await.unwrap());
    }
    assert_eq!(source.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_requests_at_once_fail_by_one_read() {
    let source = ScriptedSource::slow([Script::Failure]);
    let cache = std::sync::Arc::new(KeyCache::new(source.clone(), TimeDelta::days(7)));
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.keys(NOW).await.err() })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), Some(KeysUnavailable));
    }
    assert_eq!(source.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn reader_that_is_given_up_leaves_the_next_one_to_read() {
    let source = ScriptedSource::slow([KEYS]);
    let cache = KeyCache::new(source.clone(), TimeDelta::days(7));
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(10), cache.keys(NOW)).await;
    assert!(given_up.is_err());
    assert!(cache.keys(NOW).await.is_ok());
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn without_keys_a_failed_read_is_repeated_after_10_seconds() {
    let (cache, source) = cache([Script::Failure, KEYS]);
    for age in [0, 1, 9] {
        assert_eq!(cache.keys(NOW + seconds(age)).await.err(), Some(KeysUnavailable));
    }
    assert_eq!(source.reads(), 1);
    assert!(cache.keys(NOW + seconds(10)).await.is_ok());
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn stale_keys_are_served_for_an_hour_while_they_cannot_be_read() {
    let (cache, source) = cache([KEYS, Script::Failure]);
    cache.keys(NOW).await.unwrap();
    for age in [300, 600, 3_899] {
        assert!(cache.keys(NOW + seconds(age)).await.is_ok(), "{age}");
    }
    assert_eq!(source.reads(), 4);
    assert_eq!(cache.keys(NOW + seconds(3_930)).await.err(), Some(KeysUnavailable));
}

#[tokio::test]
async fn keys_past_their_last_hour_are_not_served_after_a_failed_read() {
    let (cache, source) = cache([KEYS, Script::Failure]);
    cache.keys(NOW).await.unwrap();
    assert!(cache.keys(NOW + seconds(3_899)).await.is_ok());
    assert_eq!(cache.keys(NOW + seconds(3_900)).await.err(), Some(KeysUnavailable));
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn failed_read_without_usable_keys_is_repeated_after_10_seconds() {
    let (cache, source) = cache([KEYS, Script::Failure]);
    cache.keys(NOW).await.unwrap();
    for age in [3_900, 3_909] {
        assert_eq!(
            cache.keys(NOW + seconds(age)).await.err(),
            Some(KeysUnavailable),
            "{age}"
        );
    }
    assert_eq!(source.reads(), 2);
    cache.keys(NOW + seconds(3_910)).await.unwrap_err();
    assert_eq!(source.reads(), 3);
}

#[tokio::test]
async fn failed_read_with_usable_keys_is_repeated_after_30_seconds() {
    let (cache, source) = cache([KEYS, Script::Failure]);
    cache.keys(NOW).await.unwrap();
    for age in [300, 310, 329] {
        cache.keys(NOW + seconds(age)).await.unwrap();
    }
    assert_eq!(source.reads(), 2);
    cache.keys(NOW + seconds(330)).await.unwrap();
    assert_eq!(source.reads(), 3);
}

#[tokio::test]
async fn serving_stale_keys_logs_one_warning_for_each_failed_read() {
    let (cache, _) = cache([KEYS, Script::Failure]);
    cache.keys(NOW).await.unwrap();
    let log = capture_log();
    for age in [300, 301, 302] {
        cache.keys(NOW + seconds(age)).await.unwrap();
    }
    let lines = own_lines(&log);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(lines[0]["event"], "keys_unreadable");
    assert_eq!(lines[0]["keys_age_seconds"], 300);
}

#[tokio::test]
async fn unverified_request_reads_newer_keys_once_in_30_seconds() {
    let (cache, source) = cache([KEYS, NEWER_KEYS]);
    cache.prefetch(NOW).await.unwrap();
    let refresh_at = async |age| {
        let lease = cache.keys(NOW + seconds(age)).await.unwrap();
        cache.refresh(&lease, NOW + seconds(age)).await.is_some()
    };
    assert!(refresh_at(1).await);
    for age in [2, 15, 30] {
        assert!(!refresh_at(age).await, "{age}");
    }
    assert_eq!(source.reads(), 2);
    assert!(refresh_at(31).await);
    assert_eq!(source.reads(), 3);
}

#[tokio::test]
async fn request_that_read_the_keys_does_not_read_them_again() {
    let (cache, source) = cache([KEYS, NEWER_KEYS]);
    let lease = cache.keys(NOW).await.unwrap();
    assert!(cache.refresh(&lease, NOW).await.is_none());
    assert_eq!(source.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn concurrent_unverified_requests_share_one_read() {
    let source = ScriptedSource::slow([KEYS, NEWER_KEYS]);
    let cache = std::sync::Arc::new(KeyCache::new(source.clone(), TimeDelta::days(7)));
    cache.prefetch(NOW).await.unwrap();
    let requests: Vec<_> = (0..10)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let lease = cache.keys(NOW).await.unwrap();
                cache.refresh(&lease, NOW).await.is_some()
            })
        })
        .collect();
    for request in requests {
        assert!(request.await.unwrap());
    }
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn failed_refresh_keeps_the_keys_and_pauses() {
    let (cache, source) = cache([KEYS, Script::Failure]);
    cache.prefetch(NOW).await.unwrap();
    let lease = cache.keys(NOW).await.unwrap();
    assert!(cache.refresh(&lease, NOW).await.is_none());
    assert!(cache.keys(NOW + seconds(299)).await.is_ok());
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn unverified_request_does_not_read_after_a_failed_read() {
    let (cache, source) = cache([KEYS, Script::Failure]);
    cache.keys(NOW).await.unwrap();
    let lease = cache.keys(NOW + seconds(300)).await.unwrap();
    assert!(cache.refresh(&lease, NOW + seconds(301)).await.is_none());
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn pause_ends_with_a_read_that_succeeds() {
    let (cache, source) = cache([Script::Failure, KEYS, NEWER_KEYS]);
    assert!(cache.keys(NOW).await.is_err());
    assert!(cache.keys(NOW + seconds(10)).await.is_ok());
    let lease = cache.keys(NOW + seconds(11)).await.unwrap();
    assert!(cache.refresh(&lease, NOW + seconds(11)).await.is_some());
    assert_eq!(source.reads(), 3);
}

#[tokio::test]
async fn clock_that_jumps_back_does_not_extend_the_keys() {
    let (cache, source) = cache([KEYS]);
    cache.keys(NOW).await.unwrap();
    cache.keys(NOW - seconds(299)).await.unwrap();
    assert_eq!(source.reads(), 1);
    cache.keys(NOW - seconds(300)).await.unwrap();
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn withdrawn_keys_end_60_seconds_after_the_read_that_found_out() {
    for withdrawal in Withdrawal::ALL {
        let (cache, source) = cache([KEYS, Script::Withdrawal(withdrawal)]);
        cache.keys(NOW).await.unwrap();
        for age in [300, 301, 329, 330, 359] {
            assert!(cache.keys(NOW + seconds(age)).await.is_ok(), "{withdrawal:?} {age}");
        }
        assert_eq!(source.reads(), 3, "at 0, 300 and 330 s");
        for age in [360, 361, 400, 3_899] {
            assert_eq!(
                cache.keys(NOW + seconds(age)).await.err(),
                Some(KeysUnavailable),
                "{withdrawal:?} {age}"
            );
        }
    }
}

#[tokio::test]
async fn fresh_keys_that_are_withdrawn_end_as_well() {
    for withdrawal in Withdrawal::ALL {
        let (cache, _) = cache([KEYS, Script::Withdrawal(withdrawal)]);
        cache.prefetch(NOW).await.unwrap();
        let lease = cache.keys(NOW + seconds(5)).await.unwrap();
        // A request that the keys do not verify makes the cache read them.
        assert!(cache.refresh(&lease, NOW + seconds(5)).await.is_none());
        assert!(cache.keys(NOW + seconds(64)).await.is_ok(), "{withdrawal:?}");
        assert_eq!(
            cache.keys(NOW + seconds(65)).await.err(),
            Some(KeysUnavailable),
            "{withdrawal:?}"
        );
    }
}

#[tokio::test]
async fn outage_after_a_withdrawal_does_not_prolong_the_keys() {
    let deleted = Script::Withdrawal(Withdrawal::Deleted);
    let (cache, _) = cache([KEYS, deleted, Script::Failure]);
    cache.keys(NOW).await.unwrap();
    assert!(cache.keys(NOW + seconds(300)).await.is_ok());
    assert!(cache.keys(NOW + seconds(330)).await.is_ok());
    assert_eq!(cache.keys(NOW + seconds(360)).await.err(), Some(KeysUnavailable));
}

#[tokio::test]
async fn withdrawal_during_an_outage_ends_the_stale_keys() {
    let (cache, _) = cache([KEYS, Script::Failure, Script::Withdrawal(Withdrawal::Unreadable)]);
    cache.keys(NOW).await.unwrap();
    assert!(cache.keys(NOW + seconds(600)).await.is_ok());
    assert!(
        cache.keys(NOW + seconds(630)).await.is_ok(),
        "the withdrawal is read here"
    );
    assert!(cache.keys(NOW + seconds(689)).await.is_ok());
    assert_eq!(cache.keys(NOW + seconds(690)).await.err(), Some(KeysUnavailable));
}

#[tokio::test]
async fn withdrawal_that_is_undone_within_a_minute_has_no_effect() {
    let (cache, source) = cache([KEYS, Script::Withdrawal(Withdrawal::Nonsense), KEYS]);
    cache.keys(NOW).await.unwrap();
    cache.keys(NOW + seconds(300)).await.unwrap();
    for age in [330, 360, 629] {
        assert!(cache.keys(NOW + seconds(age)).await.is_ok(), "{age}");
    }
    assert_eq!(source.reads(), 3);
}

#[tokio::test]
async fn keys_that_ended_are_not_brought_back_by_a_clock_that_jumps_back() {
    let (cache, _) = cache([KEYS, Script::Withdrawal(Withdrawal::Deleted)]);
    cache.keys(NOW).await.unwrap();
    cache.keys(NOW + seconds(300)).await.unwrap();
    assert!(cache.keys(NOW + seconds(360)).await.is_err());
    assert_eq!(cache.keys(NOW + seconds(310)).await.err(), Some(KeysUnavailable));
}

#[tokio::test]
async fn withdrawn_keys_are_an_error_in_the_log() {
    let (cache, _) = cache([KEYS, Script::Withdrawal(Withdrawal::Deleted)]);
    cache.keys(NOW).await.unwrap();
    let log = capture_log();
    for age in [300, 330, 360] {
        let _ = cache.keys(NOW + seconds(age)).await;
    }
    let lines: Vec<_> = own_lines(&log)
        .iter()
        .map(|line| (line["level"].clone(), line["event"].clone(), line["message"].clone()))
        .collect();
    let line = |message: &str| -> (Value, Value, Value) { ("ERROR".into(), "keys_unreadable".into(), message.into()) };
    let ending = line("the cached keys end within 60 seconds");
    assert_eq!(lines, [ending.clone(), ending, line("there are no usable cached keys")]);
}

#[tokio::test]
async fn each_read_of_a_previous_key_is_logged_and_counted() {
    let (cache, _) = cache([Script::Keys(KEY, Some(PREVIOUS_KEY))]);
    let log = capture_log();
    // The last one is a week after the current key was written.
    for at in [NOW, NOW + seconds(300), WRITTEN + TimeDelta::days(7)] {
        cache.keys(at).await.unwrap();
    }
    let events: Vec<_> = own_lines(&log)
        .iter()
        .map(|line| (line["level"].clone(), line["event"].clone()))
        .collect();
    let held: (Value, Value) = ("WARN".into(), "previous_key_held".into());
    assert_eq!(
        events,
        [held.clone(), held, ("INFO".into(), "previous_key_ended".into())]
    );
    for line in own_lines(&log) {
        assert_eq!(line["key_version"], "previous:2");
        assert_eq!(line["ends_at"], "2024-01-21T10:30:01Z");
    }
    assert_eq!(cache.take_events().previous_held, 2);
}
