//! What the embedded DynamoDB cannot do by itself: answers that are lost, late or refusals. A small server in front of
//! it plays them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tenant_core::DeliveryType::S3;
use tenant_store::{Precondition, Store, StoreError, client, usage::measure, version_before};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::harness::{Harness, TABLE, item, now, number, s3, tenant, text, update};

/// What happens to one request.
#[derive(Clone, Copy)]
enum Fault {
    /// None: passed on, answered.
    Pass,
    /// Passed on and applied, but the connection ends before the answer.
    LoseAnswer,
    /// Answered with this status and this error code, not passed on.
    Refuse(u16, &'static str),
    /// Never answered.
    Hang,
}

/// A store behind a proxy that treats its n-th request as `faults[n]`, and all further ones as the last. The counter
/// tells how many requests came.
async fn store_with(harness: &Harness, faults: &'static [Fault]) -> (Store, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    let upstream = harness.address.clone();
    tokio::spawn(async move {
        loop {
            let (downstream, _) = listener.accept().await.unwrap();
            let (counter, upstream) = (counter.clone(), upstream.clone());
            tokio::spawn(async move { serve(downstream, &upstream, faults, &counter).await });
        }
    });
    (Store::new(client::connect_embedded(&endpoint), TABLE), requests)
}

async fn serve(mut downstream: TcpStream, upstream: &str, faults: &[Fault], counter: &AtomicUsize) {
    while let Some(request) = read_message(&mut downstream).await {
        let n = counter.fetch_add(1, Ordering::SeqCst);
        let answer = match faults.get(n).or(faults.last()).copied().unwrap() {
            Fault::Pass => forward(upstream, &request).await,
            Fault::LoseAnswer => {
                forward(upstream, &request).await;
                return;
            }
            Fault::Refuse(status, code) => {
                let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"as planned"}}"#);
                format!(
                    "HTTP/1.1 {status} Planned\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes()
            }
            Fault::Hang => std::future::pending().await,
        };
        if downstream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn forward(upstream: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(upstream).await.unwrap();
    stream.write_all(request).await.unwrap();
    read_message(&mut stream).await.unwrap()
}

/// One HTTP/1.1 message with a `content-length`.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if let Some(head) = message.windows(4).position(|window| window == b"\r\n\r\n") {
            let headers = String::from_utf8_lossy(&message[..head]).to_lowercase();
            let length = headers
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))?
                .trim()
                .parse::<usize>()
                .ok()?;
            if message.len() >= head + 4 + length {
                return Some(message);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => message.extend_from_slice(&buffer[..read]),
        }
    }
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_succeeds_on_its_repetition() {
    let harness = Harness::start().await;
    let (store, requests) = store_with(&harness, &[Fault::LoseAnswer, Fault::Pass]).await;
    let created = store.create(&s3("acme"), now()).await.unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 2);
    assert_eq!(harness.get("acme", S3).await, Some(created));
}

#[tokio::test]
async fn a_repeated_create_of_what_somebody_else_created_is_still_refused() {
    let harness = Harness::start().await;
    harness
        .store
        .create(&s3("acme"), crate::harness::at(crate::harness::NOW - 5))
        .await
        .unwrap();
    let (store, _) = store_with(&harness, &[Fault::LoseAnswer, Fault::Pass]).await;
    let created = store.create(&s3("acme"), now()).await;
    assert!(matches!(created, Err(StoreError::AlreadyExists)), "{created:?}");
}

#[tokio::test]
async fn a_conditional_update_whose_answer_was_lost_succeeds_once() {
    let harness = Harness::start().await;
    let version = harness.store.create(&s3("acme"), now()).await.unwrap().version();
    let (store, _) = store_with(&harness, &[Fault::LoseAnswer, Fault::Pass]).await;
    let change = update(S3, &json!({"enabled": false}));
    let precondition = Precondition::Versions(vec![version]);
    let updated = store
        .update(&tenant("acme"), S3, &change, &precondition, now())
        .await
        .unwrap();
    assert_eq!(updated.version(), version + 1, "applied once, not twice");
}

#[tokio::test]
async fn a_conditional_update_that_is_late_is_refused_without_a_lost_answer() {
    let harness = Harness::start().await;
    let version = harness.store.create(&s3("acme"), now()).await.unwrap().version();
    let change = update(S3, &json!({"enabled": false}));
    let precondition = Precondition::Versions(vec![version]);
    harness
        .store
        .update(&tenant("acme"), S3, &change, &precondition, now())
        .await
        .unwrap();
    let same_again = harness
        .store
        .update(&tenant("acme"), S3, &change, &precondition, now())
        .await;
    assert!(matches!(same_again, Err(StoreError::VersionMismatch)), "{same_again:?}");
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_succeeds_on_its_repetition() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), now()).await.unwrap();
    let (store, _) = store_with(&harness, &[Fault::LoseAnswer, Fault::Pass]).await;
    store
        .delete(&tenant("acme"), S3, &Precondition::None, now())
        .await
        .unwrap();
    assert_eq!(harness.get("acme", S3).await, None);
}

#[tokio::test]
async fn a_write_that_is_never_answered_has_an_unknown_outcome_and_a_read_is_unavailable() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::LoseAnswer]).await;
    let created = store.create(&s3("acme"), now()).await;
    assert!(matches!(created, Err(StoreError::OutcomeUnknown(_))), "{created:?}");
    let read = store.get(&tenant("acme"), S3, now()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn a_lost_answer_is_not_forgotten_over_the_refusal_of_its_repetition() {
    let harness = Harness::start().await;
    for (status, code) in [
        (400, "ThrottlingException"),
        (400, "AccessDeniedException"),
        (500, "InternalServerError"),
    ] {
        let faults = Box::leak(Box::new([Fault::LoseAnswer, Fault::Refuse(status, code)]));
        let (store, _) = store_with(&harness, faults).await;
        let created = store.create(&s3(code), now()).await;
        assert!(
            matches!(created, Err(StoreError::OutcomeUnknown(_))),
            "{code}: {created:?}"
        );
        assert!(harness.get(code, S3).await.is_some(), "{code}: it was applied");
    }
}

#[tokio::test]
async fn a_refusal_before_it_does_not_make_a_deletion_of_nothing_succeed() {
    let harness = Harness::start().await;
    let throttled = &[Fault::Refuse(400, "ThrottlingException"), Fault::Pass];
    for precondition in [Precondition::None, Precondition::Versions(vec![7])] {
        let (store, requests) = store_with(&harness, throttled).await;
        let deleted = store.delete(&tenant("acme"), S3, &precondition, now()).await;
        assert_eq!(requests.load(Ordering::SeqCst), 2);
        assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    }
}

#[tokio::test]
async fn an_update_of_an_item_without_a_usable_version_whose_answer_was_lost_succeeds() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"enabled": false}));
    // What answers come first: with a version of the wrong type, that of the attempt to count on from it.
    let text_then_lost = &[Fault::Pass, Fault::LoseAnswer, Fault::Pass];
    let lost = &[Fault::LoseAnswer, Fault::Pass];
    for (version, faults) in [
        (None, &lost[..]),
        (Some(text("three")), text_then_lost),
        (Some(number(0)), text_then_lost),
    ] {
        let mut by_hand = item([("tenant_id", text("acme")), ("type", text("s3"))]);
        by_hand.extend(version.clone().map(|version| ("version".to_owned(), version)));
        harness.put(by_hand).await;
        let (store, requests) = store_with(&harness, faults).await;
        let zero = Precondition::Versions(vec![0]);
        let updated = store.update(&tenant("acme"), S3, &change, &zero, now()).await;
        assert_eq!(requests.load(Ordering::SeqCst), faults.len(), "{version:?}");
        assert_eq!(updated.unwrap(), harness.get("acme", S3).await.unwrap(), "{version:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_an_unknown_kind_is_a_defect_and_no_passing_fault() {
    let harness = Harness::start().await;
    let (store, requests) = store_with(&harness, &[Fault::Refuse(400, "SomethingNewException")]).await;
    let created = store.create(&s3("acme"), now()).await;
    assert!(matches!(created, Err(StoreError::Unexpected(_))), "{created:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    let (store, _) = store_with(&harness, &[Fault::Refuse(503, "SomethingNewException")]).await;
    let read = store.get(&tenant("acme"), S3, now()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn a_passing_throttle_is_retried_and_a_lasting_one_told() {
    let harness = Harness::start().await;
    let throttle = Fault::Refuse(400, "ProvisionedThroughputExceededException");
    let (store, requests) = store_with(
        &harness,
        const {
            &[
                Fault::Refuse(400, "ThrottlingException"),
                Fault::Refuse(500, "InternalServerError"),
                Fault::Pass,
            ]
        },
    )
    .await;
    store.create(&s3("acme"), now()).await.unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    let (store, requests) = store_with(&harness, Box::leak(Box::new([throttle]))).await;
    let read = store.get(&tenant("acme"), S3, now()).await;
    assert!(matches!(read, Err(StoreError::Throttled(_))), "{read:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 3, "three attempts, no more");
}

#[tokio::test]
async fn each_refusal_is_told_by_what_can_be_done_about_it() {
    let harness = Harness::start().await;
    let (store, requests) = store_with(&harness, &[Fault::Refuse(400, "AccessDeniedException")]).await;
    let denied = store.create(&s3("acme"), now()).await;
    assert!(matches!(denied, Err(StoreError::AccessDenied(_))), "{denied:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 1, "a refusal is not retried");
    let (store, _) = store_with(&harness, &[Fault::Refuse(400, "ResourceNotFoundException")]).await;
    let missing = store.get(&tenant("acme"), S3, now()).await;
    assert!(matches!(missing, Err(StoreError::TableMissing(_))), "{missing:?}");
    let (store, _) = store_with(&harness, &[Fault::Refuse(400, "ValidationException")]).await;
    let unexpected = store.get(&tenant("acme"), S3, now()).await;
    assert!(matches!(unexpected, Err(StoreError::Unexpected(_))), "{unexpected:?}");
    let (store, _) = store_with(&harness, &[Fault::Refuse(400, "TransactionConflictException")]).await;
    let conflict = store.delete(&tenant("acme"), S3, &Precondition::None, now()).await;
    assert!(matches!(conflict, Err(StoreError::Throttled(_))), "{conflict:?}");
}

#[tokio::test]
async fn a_hang_ends_within_the_time_budget() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Hang]).await;
    let budget = Duration::from_secs(6);
    let read = tokio::time::timeout(budget, store.get(&tenant("acme"), S3, now()))
        .await
        .expect("the call must end");
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn a_write_to_a_closed_port_is_known_not_to_have_happened() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let store = Store::new(client::connect_embedded(&format!("http://{closed}")), TABLE);
    let created = store.create(&s3("acme"), now()).await;
    assert!(matches!(created, Err(StoreError::Unavailable(_))), "{created:?}");
}

#[tokio::test]
async fn usage_counts_calls_and_the_time_they_take() {
    let harness = Harness::start().await;
    let began = std::time::Instant::now();
    let (found, usage) = measure(Box::pin(async {
        harness.store.ping().await.unwrap();
        harness.store.get(&tenant("acme"), S3, now()).await.unwrap()
    }))
    .await;
    assert_eq!(found, None);
    assert_eq!(
        (usage.calls, usage.attempts, usage.retries(), usage.throttles),
        (2, 2, 0, 0)
    );
    assert!(
        usage.time > Duration::ZERO && usage.time <= began.elapsed(),
        "{usage:?}"
    );
}

#[tokio::test]
async fn usage_tells_throttles_that_a_retry_made_good() {
    let harness = Harness::start().await;
    let faults = &[
        Fault::Refuse(400, "ProvisionedThroughputExceededException"),
        Fault::Pass,
    ];
    let (store, _) = store_with(&harness, faults).await;
    let (found, usage) = measure(Box::pin(store.get(&tenant("acme"), S3, now()))).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!((usage.calls, usage.retries(), usage.throttles), (1, 1, 1));
}

#[tokio::test]
async fn usage_tells_other_retries_from_throttles() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Refuse(500, "InternalServerError"), Fault::Pass]).await;
    let (_, usage) = measure(Box::pin(store.create(&s3("acme"), now()))).await;
    assert_eq!((usage.calls, usage.retries(), usage.throttles), (1, 1, 0));
}

#[tokio::test]
async fn usage_has_the_time_of_a_call_that_was_given_up() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Hang]).await;
    let (outcome, usage) = measure(Box::pin(store.get(&tenant("acme"), S3, now()))).await;
    assert!(outcome.is_err());
    assert!(usage.time > Duration::from_secs(2), "{usage:?}");
}

#[test]
fn the_version_before_an_update_is_known_where_it_was_counted_on() {
    let first = u64::try_from(now().timestamp_micros()).unwrap();
    assert_eq!(version_before(first - 1000, now()), Some(first - 1001));
    assert_eq!(version_before(first, now()), None);
    assert_eq!(version_before(first + 1, now()), None);
}
