//! Keys that change while requests come.

use authorizer::{Authorizer, config::Settings};

use crate::harness::{KEY, OTHER_KEY, PREVIOUS_KEY, Script, ScriptedSource, TestClock, Verdict, fixture, judge};

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

fn key_version(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Allow(context) => context["keyVersion"].as_str().map(str::to_owned),
        Verdict::Deny => None,
    }
}

#[tokio::test]
async fn new_key_works_at_once_and_the_old_one_goes_on() {
    let (authorizer, source, _) = authorizer([Script::Keys(PREVIOUS_KEY, None), Script::Keys(KEY, Some(PREVIOUS_KEY))]);
    authorizer.prefetch().await.unwrap();
    let (new, old) = (fixture("get_without_query"), fixture("signed_by_the_previous_key"));
    assert_eq!(
        key_version(judge(&authorizer, &old).await.unwrap()).as_deref(),
        Some("current:3")
    );
    assert_eq!(
        key_version(judge(&authorizer, &new).await.unwrap()).as_deref(),
        Some("current:3")
    );
    assert_eq!(
        key_version(judge(&authorizer, &old).await.unwrap()).as_deref(),
        Some("previous:2")
    );
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn withdrawn_key_serves_until_the_keys_are_read_again() {
    let (authorizer, source, clock) = authorizer([Script::Keys(PREVIOUS_KEY, None), Script::Keys(OTHER_KEY, None)]);
    let old = fixture("signed_by_the_previous_key");
    clock.advance(-299);
    authorizer.prefetch().await.unwrap();
    clock.advance(299);
    assert!(matches!(judge(&authorizer, &old).await, Ok(Verdict::Allow(_))));
    clock.advance(1);
    assert_eq!(judge(&authorizer, &old).await, Ok(Verdict::Deny));
    assert_eq!(source.reads(), 2);
}

#[tokio::test]
async fn a_flood_of_wrong_signatures_reads_the_keys_once_in_30_seconds() {
    let (authorizer, source, clock) = authorizer([Script::Keys(KEY, None)]);
    authorizer.prefetch().await.unwrap();
    for _ in 0..100 {
        assert_eq!(judge(&authorizer, &fixture("signature_wrong")).await, Ok(Verdict::Deny));
    }
    assert_eq!(source.reads(), 2);
    clock.advance(30);
    assert_eq!(judge(&authorizer, &fixture("signature_wrong")).await, Ok(Verdict::Deny));
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
        assert_eq!(judge(&authorizer, &fixture(name)).await, Ok(Verdict::Deny), "{name}");
    }
    assert_eq!(source.reads(), 0);
}

#[tokio::test]
async fn without_any_key_the_answer_is_an_error_for_good_and_bad_signatures_alike() {
    let (authorizer, ..) = authorizer([Script::Failure]);
    for name in ["get_without_query", "signature_wrong"] {
        let error = judge(&authorizer, &fixture(name)).await.unwrap_err();
        assert_eq!(error.kind, "KeysUnavailable", "{name}");
    }
}

#[tokio::test]
async fn wrong_signature_is_denied_by_stale_keys_too() {
    let (authorizer, _, clock) = authorizer([Script::Keys(KEY, None), Script::Failure]);
    clock.advance(-3_600);
    authorizer.prefetch().await.unwrap();
    clock.advance(3_600);
    assert_eq!(judge(&authorizer, &fixture("signature_wrong")).await, Ok(Verdict::Deny));
    assert!(matches!(
        judge(&authorizer, &fixture("get_without_query")).await,
        Ok(Verdict::Allow(_))
    ));
}
