//! Writers at the same time.

use serde_json::json;
use tenant_core::{DeliveryType::S3, parse_update};
use tenant_store::{Precondition, StoreError};
use tokio::task::JoinSet;

use crate::harness::{Harness, key, now, request, s3, tenant, unchanged, update, wire};

#[tokio::test]
async fn one_of_a_hundred_concurrent_creates_succeeds() {
    let harness = Harness::start().await;
    let mut creates = JoinSet::new();
    for _ in 0..100 {
        let store = harness.store.clone();
        creates.spawn(async move { store.create(&s3("acme"), &request(), now()).await });
    }
    let outcomes = creates.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(StoreError::AlreadyExists)))
            .count(),
        99
    );
}

#[tokio::test]
async fn no_update_is_lost_between_writers_that_send_the_tag_they_read() {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 10;
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let store = harness.store.clone();
        writers.spawn(async move {
            for _ in 0..ROUNDS {
                loop {
                    // The bucket's name counts the updates: a lost one would be missing from the count.
                    let read = store.get(&key("acme", S3), now()).await.unwrap().unwrap();
                    let name = wire(&read)["bucket_name"].as_str().unwrap().to_owned();
                    let count: usize = name
                        .rsplit('-')
                        .next()
                        .and_then(|count| count.parse().ok())
                        .unwrap_or(0);
                    let body = json!({"bucket_name": format!("acme-{}", count + 1)}).to_string();
                    let change = parse_update(body.as_bytes(), &tenant("acme"), S3, now()).unwrap();
                    let precondition = unchanged(&read);
                    match store
                        .update(&key("acme", S3), &change, &precondition, &request(), now())
                        .await
                    {
                        Ok(_) => break,
                        Err(StoreError::PreconditionFailed) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
    }
    writers.join_all().await;
    let last = harness.get("acme", S3).await.unwrap();
    assert_eq!(wire(&last)["bucket_name"], json!(format!("acme-{}", WRITERS * ROUNDS)));
}

#[tokio::test]
async fn labels_of_several_writers_at_once_are_all_kept() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let mut writers = JoinSet::new();
    for label in ["env", "team", "tier"] {
        let store = harness.store.clone();
        writers.spawn(async move {
            let change = update(S3, &json!({"labels": {label: "x"}}));
            store
                .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
                .await
        });
    }
    for updated in writers.join_all().await {
        updated.unwrap();
    }
    let last = harness.get("acme", S3).await.unwrap();
    assert_eq!(wire(&last)["labels"], json!({"env": "x", "team": "x", "tier": "x"}));
}
