//! Keys that change while requests arrive.

use authorizer::{Authorizer, config::Settings};

use crate::harness::{Decision, KEY, OTHER_KEY, PREVIOUS_KEY, Script, ScriptedSource, TestClock, decide, fixture};

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
