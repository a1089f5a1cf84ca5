//! Keys that change while requests arrive.

use authorizer::{Authorizer, config::Settings};
use chrono::TimeDelta;

use crate::harness::{
    Decision, KEY, OTHER_KEY, PREVIOUS_KEY, Script, ScriptedSource, TestClock, Withdrawal, decide, fixture,
};

fn authorizer(
    script: impl IntoIterator<Item = Script>,
) -> (Authorizer<ScriptedSource, TestClock>, ScriptedSource, TestClock) {
    let (source, clock) = (ScriptedSource::new(script), TestClock::new());
    (
        Authorizer::with_clock(source.clone(), Settings::default(), clock.clone()),
        source,
        clock,
    )
}

fn key_version(decision: Decision) -> Option<String> {
    match decision {
        Decision::Allow(context) => context["keyVersion"].as_str().map(str::to_owned),
        Decision::Deny => None,
    }
}

#[tokio::test]
async fn new_key_works_at_once_and_the_old_one_still_works() {
    let (authorizer, source, _) = authorizer([Script::Keys(PREVIOUS_KEY, None), Script::Keys(KEY, Some(PREVIOUS_KEY))]);
    authorizer.prefetch().await.unwrap();
    let (new, old) = (fixture("get_without_query"), fixture("signed_by_the_previous_key"));
    assert_eq!(
        key_version(decide(&authorizer, &old).await.unwrap()).as_deref(),
        Some("current:3")
    );
    assert_eq!(
        key_version(decide(&authorizer, &new).await.unwrap()).as_deref(),
        Some("current:3")
    );
    assert_eq!(
        key_version(decide(&authorizer, &old).await.unwrap()).as_deref(),
        Some("previous:2")
    );
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn withdrawn_key_verifies_until_the_keys_are_read_again() {
    let (authorizer, source, clock) = authorizer([Script::Keys(PREVIOUS_KEY, None), Script::Keys(OTHER_KEY, None)]);
    let old = fixture("signed_by_the_previous_key");
    clock.advance(-299);
    authorizer.prefetch().await.unwrap();
    clock.advance(299);
    assert!(matches!(decide(&authorizer, &old).await, Ok(Decision::Allow(_))));
    clock.advance(1);
    assert_eq!(decide(&authorizer, &old).await, Ok(Decision::Deny));
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn many_wrong_signatures_read_the_keys_once_in_30_seconds() {
    let (authorizer, source, clock) = authorizer([Script::Keys(KEY, None)]);
    authorizer.prefetch().await.unwrap();
    for _ in 0..100 {
        assert_eq!(
            decide(&authorizer, &fixture("signature_wrong")).await,
            Ok(Decision::Deny)
        );
    }
    assert_eq!(source.reads(), 2);
    clock.advance(30);
    assert_eq!(
        decide(&authorizer, &fixture("signature_wrong")).await,
        Ok(Decision::Deny)
    );
    assert_eq!(source.reads(), 3);
}

#[tokio::test]
async fn malformed_request_is_denied_without_a_key_being_read() {
    let (authorizer, source, _) = authorizer([Script::Failure]);
    for name in [
        "authorization_missing",
        "timestamp_expired",
        "signature_too_short",
        "path_with_a_double_slash",
    ] {
        assert_eq!(decide(&authorizer, &fixture(name)).await, Ok(Decision::Deny), "{name}");
    }
    assert_eq!(source.reads(), 0);
}

#[tokio::test]
async fn missing_keys_are_an_error_for_valid_and_invalid_signatures() {
    let (authorizer, ..) = authorizer([Script::Failure]);
    for name in ["get_without_query", "signature_wrong"] {
        let error = decide(&authorizer, &fixture(name)).await.unwrap_err();
        assert_eq!(error.kind, "KeysUnavailable", "{name}");
    }
}

#[tokio::test]
async fn wrong_signature_is_denied_with_stale_keys() {
    let (authorizer, _, clock) = authorizer([Script::Keys(KEY, None), Script::Failure]);
    clock.advance(-3_600);
    authorizer.prefetch().await.unwrap();
    clock.advance(3_600);
    assert_eq!(
        decide(&authorizer, &fixture("signature_wrong")).await,
        Ok(Decision::Deny)
    );
    assert!(matches!(
        decide(&authorizer, &fixture("get_without_query")).await,
        Ok(Decision::Allow(_))
    ));
}

#[tokio::test]
async fn previous_key_is_denied_a_week_after_the_current_one_was_written() {
    for (max_age, is_allowed) in [(86_401, true), (86_400, false), (0, false)] {
        let settings = Settings {
            previous_key_max_age: TimeDelta::seconds(max_age),
            ..Settings::default()
        };
        // The current key was written 86,400 s ago.
        let source = ScriptedSource::new([Script::Keys(KEY, Some(PREVIOUS_KEY))]);
        let authorizer = Authorizer::with_clock(source, settings, TestClock::new());
        let decision = decide(&authorizer, &fixture("signed_by_the_previous_key"))
            .await
            .unwrap();
        assert_eq!(key_version(decision).is_some(), is_allowed, "{max_age}");
        let decision = decide(&authorizer, &fixture("get_without_query")).await.unwrap();
        assert_eq!(key_version(decision).as_deref(), Some("current:3"));
    }
}

#[tokio::test]
async fn previous_key_ends_while_it_is_cached() {
    let settings = Settings {
        previous_key_max_age: TimeDelta::seconds(86_400 + 10),
        ..Settings::default()
    };
    let source = ScriptedSource::new([Script::Keys(KEY, Some(PREVIOUS_KEY))]);
    let clock = TestClock::new();
    let authorizer = Authorizer::with_clock(source.clone(), settings, clock.clone());
    let old = fixture("signed_by_the_previous_key");
    clock.advance(9);
    assert!(matches!(decide(&authorizer, &old).await, Ok(Decision::Allow(_))));
    clock.advance(1);
    assert_eq!(decide(&authorizer, &old).await, Ok(Decision::Deny));
}

#[tokio::test]
async fn withdrawn_key_fails_requests_within_a_minute_of_the_next_read() {
    for withdrawal in Withdrawal::ALL {
        let (authorizer, _, clock) = authorizer([Script::Keys(KEY, None), Script::Withdrawal(withdrawal)]);
        let request = fixture("get_without_query");
        clock.advance(-300);
        authorizer.prefetch().await.unwrap();
        clock.advance(300);
        assert!(matches!(decide(&authorizer, &request).await, Ok(Decision::Allow(_))));
        clock.advance(60);
        let error = decide(&authorizer, &request).await.unwrap_err();
        assert_eq!(error.kind, "KeysUnavailable", "{withdrawal:?}");
    }
}
