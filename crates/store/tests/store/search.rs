//! Searching: what one call reads, and that a walk finds every match once.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tenant_aws::usage::measure;
use tenant_core::{Cursor, DeliveryType::S3, Search, StoredConfig, parse_search};
use tenant_store::{
    Precondition, StoreError, client,
    configs::{ConfigStore, Found},
};
use testing::{Fault, FaultProxy};

use crate::harness::{Harness, NOW, TABLE, item, key, now, number, request, s3, text};

/// As the API uses it.
const READING_TIME: Duration = Duration::from_secs(5);

fn search(filter: &str, limit: u16) -> Search {
    let body = json!({"filter": filter, "limit": limit});
    parse_search(body.to_string().as_bytes()).unwrap()
}

async fn find(store: &ConfigStore, search: &Search) -> Result<Found, StoreError> {
    Box::pin(store.search(search, now(), tokio::time::Instant::now() + READING_TIME)).await
}

/// Walks all pages and counts how often each tenant was returned. `between` runs after each page.
async fn walk(
    harness: &Harness,
    mut search: Search,
    mut between: impl AsyncFnMut(usize, &Found),
) -> BTreeMap<String, usize> {
    let mut tenants = BTreeMap::new();
    for round in 0..10_000 {
        let found = find(&harness.store, &search).await.unwrap();
        assert!(found.page.configs.len() <= usize::from(search.limit.get()));
        for config in &found.page.configs {
            *tenants.entry(config.tenant_id().to_owned()).or_insert(0) += 1;
        }
        between(round, &found).await;
        match found.page.last_key {
            // The cursor goes through a client.
            Some(last_key) => search.last_key = Some(last_key.to_string().parse().unwrap()),
            None => return tenants,
        }
    }
    panic!("the walk does not end");
}

#[tokio::test]
async fn limit_counts_matches_and_the_last_page_has_no_key() {
    let harness = Harness::start().await;
    for n in 0..40 {
        harness
            .store
            .create(&s3(&format!("t{n}")), &request(), now())
            .await
            .unwrap();
    }
    let all = find(&harness.store, &search("t", 40)).await.unwrap();
    assert_eq!((all.page.configs.len(), all.page.last_key), (40, None));
    assert_eq!(all.scanned, 40);
    let none = find(&harness.store, &search("nobody", 1)).await.unwrap();
    assert_eq!(
        (none.page.configs.len(), none.page.last_key, none.scanned),
        (0, None, 40)
    );
    let one = find(&harness.store, &search("tenant_id = t7", 1)).await.unwrap();
    assert_eq!(one.page.configs.len(), 1);
    let first = find(&harness.store, &search("", 7)).await.unwrap();
    let last = first.page.configs.last().map(StoredConfig::tenant_id).unwrap();
    assert_eq!(first.page.configs.len(), 7);
    assert_eq!(first.page.last_key, Some(Cursor::new(last, "s3")));
    assert_eq!(first.scanned, 8, "no more is read than is needed");
}

#[tokio::test]
async fn empty_table_is_one_empty_page() {
    let harness = Harness::start().await;
    let found = find(&harness.store, &search("acme", 50)).await.unwrap();
    assert!(found.page.configs.is_empty() && found.page.last_key.is_none());
    assert_eq!(found.scanned, 0);
}

#[tokio::test]
async fn lasting_match_is_found_exactly_once_while_others_come_and_go() {
    let harness = Harness::start().await;
    for limit in [1, 7, 1000] {
        for n in 0..40 {
            let _ = harness.store.create(&s3(&format!("stays{n}")), &request(), now()).await;
            let _ = harness.store.create(&s3(&format!("goes{n}")), &request(), now()).await;
        }
        let found = walk(&harness, search("stays OR comes", limit), async |round, _| {
            let gone = key(&format!("goes{}", round % 40), S3);
            let _ = harness.store.delete(&gone, &Precondition::None, &request()).await;
            let _ = harness
                .store
                .create(&s3(&format!("comes{limit}-{round}")), &request(), now())
                .await;
        })
        .await;
        for n in 0..40 {
            assert_eq!(found.get(&format!("stays{n}")), Some(&1), "limit {limit}, stays{n}");
        }
        assert!(found.values().all(|times| *times == 1), "limit {limit}: {found:?}");
        assert!(!found.keys().any(|tenant| tenant.starts_with("goes")));
    }
}

#[tokio::test]
async fn expired_item_matches_nothing() {
    let harness = Harness::start().await;
    harness.store.create(&s3("alive"), &request(), now()).await.unwrap();
    for (tenant_id, ttl) in [("expired", NOW - 1), ("expires", NOW + 1), ("never", 0)] {
        harness
            .put(item([
                ("tenant_id", text(tenant_id)),
                ("type", text("s3")),
                ("ttl", number(ttl)),
            ]))
            .await;
    }
    for (filter, tenants) in [
        ("", vec!["alive", "expires", "never"]),
        ("ttl:*", vec!["expires", "never"]),
        ("NOT ttl:*", vec!["alive"]),
        ("ttl < 1700000000", vec!["never"]),
        ("broken", vec!["expires", "never"]),
    ] {
        let found = walk(&harness, search(filter, 1), async |_, _| {}).await;
        assert_eq!(found.into_keys().collect::<Vec<_>>(), tenants, "{filter}");
    }
}

#[tokio::test]
async fn page_of_large_items_ends_before_the_response_is_too_large() {
    let harness = Harness::start().await;
    let names: Vec<AttributeValue> = (0..200).map(|n| text(&format!("{n:\"<256}"))).collect();
    for n in 0..60 {
        harness
            .put(item([
                ("tenant_id", text(&format!("large{n}"))),
                ("type", text("s3")),
                ("desired_logs", AttributeValue::L(names.clone())),
            ]))
            .await;
    }
    let found = find(&harness.store, &search("large", 1000)).await.unwrap();
    let quoted = serde_json::to_string(&serde_json::to_string(&found.page.configs).unwrap()).unwrap();
    assert!(quoted.len() < 5_900_000, "{} bytes", quoted.len());
    assert!(found.page.last_key.is_some());
    let found = walk(&harness, search("large", 1000), async |_, _| {}).await;
    assert_eq!(found.len(), 60);
    assert!(found.values().all(|times| *times == 1));
}

/// 400 bytes each: 40 MB.
#[tokio::test]
async fn one_match_in_100_000_items_is_found_by_calls_within_the_budget() {
    const ITEMS: usize = 100_000;
    let harness = Harness::start().await;
    harness.import((0..ITEMS).map(|n| {
        json!({
            "tenant_id": {"S": format!("tenant-{n:06}")}, "type": {"S": "s3"}, "bucket_name": {"S": "acme-corp-logs"},
            "bucket_prefix": {"S": "p".repeat(290)}, "enabled": {"BOOL": n != 70_007},
        })
    }));
    // What the table checks, and what it sends all items for.
    let filters = ["enabled = false", "-delivers(a)", "enabled = false OR broken"];
    let is_full = env::var("ORACLE").is_ok_and(|effort| effort == "full");
    for filter in &filters[..if is_full { 3 } else { 1 }] {
        let mut request = search(filter, 50);
        let (mut tenants, mut scanned, mut pages) = (Vec::new(), 0, 0);
        loop {
            let began = Instant::now();
            let (found, usage) = measure(find(&harness.store, &request)).await;
            let found = found.unwrap();
            assert!(usage.calls <= 8, "a call has 1 MB at most: {}", usage.calls);
            assert!(
                began.elapsed() < READING_TIME + Duration::from_secs(1),
                "{:?}",
                began.elapsed()
            );
            tenants.extend(found.page.configs.iter().map(|config| config.tenant_id().to_owned()));
            scanned += found.scanned;
            pages += 1;
            request.last_key = found.page.last_key;
            if request.last_key.is_none() {
                break;
            }
        }
        assert_eq!(tenants, ["tenant-070007"], "{filter}");
        // The embedded DynamoDB counts the item with which a read would have more than 1 MB.
        assert!(
            (ITEMS..ITEMS + 50).contains(&scanned),
            "each item is read once: {scanned}"
        );
        assert!(pages > 4, "{pages} pages");
    }
}

/// A store behind a proxy with these faults, over twenty items.
async fn store_with(harness: &Harness, faults: &[Fault]) -> (ConfigStore, FaultProxy) {
    for n in 0..20 {
        harness
            .store
            .create(&s3(&format!("t{n}")), &request(), now())
            .await
            .unwrap();
    }
    let proxy = FaultProxy::start(harness.address, faults).await;
    let client = client::connect_embedded(&proxy.endpoint());
    (ConfigStore::new(client, TABLE), proxy)
}

#[tokio::test]
async fn read_that_does_not_end_in_time_is_given_up_and_the_walk_continues() {
    let harness = Harness::start().await;
    let (store, proxy) = store_with(&harness, &[Fault::Pass, Fault::Hang]).await;
    let request = search("nobody", 1);
    let until = tokio::time::Instant::now() + Duration::from_millis(300);
    let found = Box::pin(store.search(&request, now(), until)).await.unwrap();
    assert!(tokio::time::Instant::now() < until + Duration::from_millis(700));
    assert_eq!((found.page.configs.len(), found.scanned, proxy.requests()), (0, 2, 2));
    let request = Search {
        last_key: found.page.last_key,
        ..search("", 1000)
    };
    assert!(request.last_key.is_some());
    let rest = find(&harness.store, &request).await.unwrap();
    assert_eq!(rest.page.configs.len(), 18);
}

#[tokio::test]
async fn search_without_any_read_in_time_is_unavailable() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Hang]).await;
    let until = tokio::time::Instant::now() + Duration::from_millis(100);
    let found = Box::pin(store.search(&search("", 1), now(), until)).await;
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
}
