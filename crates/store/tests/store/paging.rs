//! Walking the list of all configurations.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use tenant_aws::usage::measure;
use tenant_core::{DeliveryType::S3, PageLimit, StoredConfig};
use tenant_store::Precondition;

use crate::harness::{Harness, NOW, TABLE, item, key, now, number, request, s3, text};

fn limit(configs: u16) -> PageLimit {
    configs.to_string().parse().unwrap()
}

/// Walks all pages and counts how often each key was returned. `between` runs after each page.
async fn walk(harness: &Harness, size: u16, mut between: impl AsyncFnMut(usize)) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut after = None;
    for round in 0..10_000 {
        let page = harness
            .store
            .list_page(limit(size), after.as_ref(), now())
            .await
            .unwrap();
        assert!(page.configs.len() <= usize::from(size));
        for config in &page.configs {
            *found
                .entry(format!("{}#{}", config.tenant_id(), config.delivery_type()))
                .or_insert(0) += 1;
        }
        between(round).await;
        match page.last_key {
            // The cursor goes through a client.
            Some(last_key) => after = Some(last_key.to_string().parse().unwrap()),
            None => return found,
        }
    }
    panic!("the walk does not end");
}

#[tokio::test]
async fn empty_table_is_one_empty_page() {
    let harness = Harness::start().await;
    let page = harness
        .store
        .list_page(PageLimit::default(), None, now())
        .await
        .unwrap();
    assert!(page.configs.is_empty() && page.last_key.is_none());
}

#[tokio::test]
async fn last_page_has_no_key_even_when_it_is_full() {
    let harness = Harness::start().await;
    for n in 0..4 {
        harness
            .store
            .create(&s3(&format!("t{n}")), &request(), now())
            .await
            .unwrap();
    }
    let page = harness.store.list_page(limit(4), None, now()).await.unwrap();
    assert_eq!((page.configs.len(), page.last_key), (4, None));
    let page = harness.store.list_page(limit(3), None, now()).await.unwrap();
    let last = page.configs.last().map(StoredConfig::tenant_id).map(str::to_owned);
    assert_eq!(page.last_key.map(|key| key.tenant_id().to_owned()), last);
}

#[tokio::test]
async fn lasting_item_is_returned_exactly_once_while_others_come_and_go() {
    let harness = Harness::start().await;
    for size in [1, 2, 7, 1000] {
        for n in 0..40 {
            let _ = harness.store.create(&s3(&format!("stays{n}")), &request(), now()).await;
            let _ = harness.store.create(&s3(&format!("goes{n}")), &request(), now()).await;
        }
        let found = walk(&harness, size, async |round| {
            let _ = harness
                .store
                .delete(
                    &key(&format!("goes{}", round % 40), S3),
                    &Precondition::None,
                    &request(),
                )
                .await;
            let _ = harness
                .store
                .create(&s3(&format!("comes{size}-{round}")), &request(), now())
                .await;
        })
        .await;
        for n in 0..40 {
            assert_eq!(
                found.get(&format!("stays{n}#s3")),
                Some(&1),
                "page size {size}, stays{n}"
            );
        }
        assert!(found.values().all(|times| *times == 1), "page size {size}: {found:?}");
    }
}

#[tokio::test]
async fn walk_continues_after_a_deleted_item() {
    let harness = Harness::start().await;
    for n in 0..10 {
        harness
            .store
            .create(&s3(&format!("t{n}")), &request(), now())
            .await
            .unwrap();
    }
    let page = harness.store.list_page(limit(5), None, now()).await.unwrap();
    let last = page.configs.last().unwrap().tenant_id();
    harness
        .store
        .delete(&key(last, S3), &Precondition::None, &request())
        .await
        .unwrap();
    let rest = harness
        .store
        .list_page(limit(1000), page.last_key.as_ref(), now())
        .await
        .unwrap();
    assert_eq!(rest.configs.len(), 5);
}

/// Puts items that have expired and were not swept.
async fn put_expired(harness: &Harness, count: usize) {
    /// Of a batch, at most.
    const ITEMS: usize = 25;
    for first in (0..count).step_by(ITEMS) {
        let requests = (first..count.min(first + ITEMS)).map(|n| {
            let expired = item([
                ("tenant_id", text(&format!("expired{n}"))),
                ("type", text("s3")),
                ("ttl", number(NOW - 1)),
            ]);
            let put = PutRequest::builder().set_item(Some(expired)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let batch = harness.client.batch_write_item();
        let response = batch.request_items(TABLE, requests.collect()).send().await.unwrap();
        assert!(response.unprocessed_items.is_none_or(|left| left.is_empty()));
    }
}

#[tokio::test]
async fn expired_items_are_skipped() {
    let harness = Harness::start().await;
    put_expired(&harness, 300).await;
    for n in 0..3 {
        harness
            .store
            .create(&s3(&format!("alive{n}")), &request(), now())
            .await
            .unwrap();
    }
    for size in [1, 2, 1000] {
        let found = walk(&harness, size, async |_| {}).await;
        assert_eq!(found.len(), 3, "page size {size}: {found:?}");
    }
}

#[tokio::test]
async fn page_among_thousands_of_expired_items_ends_early_and_the_walk_continues() {
    let harness = Harness::start().await;
    put_expired(&harness, 20_100).await;
    for n in 0..3 {
        harness
            .store
            .create(&s3(&format!("alive{n}")), &request(), now())
            .await
            .unwrap();
    }
    let (page, usage) = measure(Box::pin(harness.store.list_page(limit(1000), None, now()))).await;
    let page = page.unwrap();
    assert_eq!(usage.calls, 10, "each call reads a thousand items");
    assert!(page.last_key.is_some(), "{} configurations", page.configs.len());
    let found = walk(&harness, 1000, async |_| {}).await;
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.values().all(|times| *times == 1));
}

#[tokio::test]
async fn page_of_large_items_ends_before_the_response_is_too_large() {
    let harness = Harness::start().await;
    // Quotes double when the page is quoted into the response of the function.
    let names: Vec<AttributeValue> = (0..200).map(|n| text(&format!("{n:\"<256}"))).collect();
    for n in 0..60 {
        let tenant_id = format!("large{n}");
        harness
            .put(item([
                ("tenant_id", text(&tenant_id)),
                ("type", text("s3")),
                ("desired_logs", AttributeValue::L(names.clone())),
            ]))
            .await;
    }
    let page = harness.store.list_page(limit(1000), None, now()).await.unwrap();
    let quoted = serde_json::to_string(&serde_json::to_string(&page.configs).unwrap()).unwrap();
    assert!(quoted.len() < 5_900_000, "{} bytes", quoted.len());
    assert!(page.last_key.is_some());
    let found = walk(&harness, 1000, async |_| {}).await;
    assert_eq!(found.len(), 60);
    assert!(found.values().all(|times| *times == 1));
}

#[tokio::test]
async fn invalid_key_does_not_end_a_walk() {
    let harness = Harness::start().await;
    for (tenant_id, delivery_type) in [
        ("acme corp", "s3"),
        ("a#b", "fire#hose"),
        ("=", "="),
        ("acme", "splunk"),
    ] {
        harness
            .put(item([("tenant_id", text(tenant_id)), ("type", text(delivery_type))]))
            .await;
    }
    let found = walk(&harness, 1, async |_| {}).await;
    assert_eq!(found.len(), 4, "{found:?}");
}
