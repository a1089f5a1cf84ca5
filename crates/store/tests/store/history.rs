//! The table of the history: pages of a configuration, retention, and the recording itself.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use tenant_core::history::{Entry, FeedCursor, Images, Record, Recording, Retention};
use tenant_store::{
    StoreError,
    history::{ConfigImages, HistoryStore, Order, PageQuery, SCHEMA, Scope},
    schema::ensure_table,
};
use testing::{Fault, FaultProxy};

use crate::{
    harness::{Harness, NOW, TABLE, at, item, number, text},
    history_harness::{HISTORY, History, config_key, entry, image, limit, recorded, revision, revisions},
};

#[tokio::test]
async fn repeated_entry_replaces_itself() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    let (first, again) = (entry(&key, 1, NOW - 10), recorded(&key, 1, NOW - 10, at(NOW - 2)));
    history.put(&first).await;
    history.put(&again).await;
    assert_eq!(
        history.walk(&key, &PageQuery::default()).await,
        std::slice::from_ref(&again)
    );
    let found = history.store.get(&key, &first.revision, at(NOW)).await.unwrap();
    assert_eq!(found, Some(again));
    let unknown = history.store.get(&key, &revision(2, NOW - 10), at(NOW)).await.unwrap();
    assert_eq!(unknown, None);
}

#[tokio::test]
async fn many_entries_take_few_calls_however_large_they_are() {
    let history = History::start().await;
    let proxy = FaultProxy::start(history.dynamodb.address, &[Fault::Pass]).await;
    let store = HistoryStore::new(proxy.client(), HISTORY);
    let key = config_key("acme", "s3");
    let small: Vec<_> = (1..=60).map(|number| entry(&key, number, NOW)).collect();
    let large: Vec<_> = (61..=65)
        .map(|number| Entry {
            images: Images::Names(vec!["n".repeat(350_000)]),
            ..entry(&key, number, NOW)
        })
        .collect();
    let mut requests = 0;
    for (entries, calls) in [(&small[..], 3), (&large, 3), (&small[..1], 1), (&[], 0)] {
        let entries: Vec<_> = entries.iter().collect();
        let unprocessed = store.put_many(&entries, Retention::FOR_EVER).await.unwrap();
        requests += calls;
        assert_eq!((unprocessed, proxy.requests()), (vec![], requests), "{}", entries.len());
    }
    let walked = history
        .walk(
            &key,
            &PageQuery {
                order: Order::OldestFirst,
                ..PageQuery::default()
            },
        )
        .await;
    assert_eq!(walked, [small, large].concat());
}

#[tokio::test]
async fn two_entries_of_one_revision_are_rejected_in_one_call() {
    let history = History::start().await;
    let entry = entry(&config_key("acme", "s3"), 1, NOW);
    let written = history.store.put_many(&[&entry, &entry], Retention::FOR_EVER).await;
    assert!(matches!(written, Err(StoreError::Unexpected(_))), "{written:?}");
}

#[tokio::test]
async fn pages_of_any_length_in_either_order_have_every_entry_once() {
    let history = History::start().await;
    let types = ["s3", "s3-x", "s3#0", "fire hose", "cloudwatch"];
    for delivery_type in types {
        for number in 1..=9 {
            // Three changes in each second.
            let seconds = NOW - 100 + i64::try_from(number / 3).unwrap();
            history
                .put(&entry(&config_key("acme", delivery_type), number, seconds))
                .await;
        }
    }
    for delivery_type in types {
        let key = config_key("acme", delivery_type);
        let oldest_first: Vec<_> = (1..=9)
            .map(|n| revision(n, NOW - 100 + i64::try_from(n / 3).unwrap()))
            .collect();
        let newest_first: Vec<_> = oldest_first.iter().rev().cloned().collect();
        for (order, expected) in [(Order::NewestFirst, newest_first), (Order::OldestFirst, oldest_first)] {
            for length in ["1", "2", "9", "1000"] {
                let query = PageQuery {
                    order,
                    limit: limit(length),
                    ..PageQuery::default()
                };
                assert_eq!(
                    revisions(&history.walk(&key, &query).await),
                    expected,
                    "{delivery_type} {length}"
                );
            }
        }
        let newest = history.store.newest(&key, at(NOW)).await.unwrap().unwrap();
        assert_eq!(newest.revision, revision(9, NOW - 97));
    }
    assert_eq!(history.walk(&config_key("acme", "s"), &PageQuery::default()).await, []);
}

#[tokio::test]
async fn since_includes_its_second_and_until_does_not() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    for number in 1..=5 {
        history
            .put(&entry(&key, number, NOW - 100 + i64::try_from(number).unwrap()))
            .await;
    }
    let second = |number: i64| Some(at(NOW - 100 + number));
    let half_past = |number: i64| second(number).map(|time| time + TimeDelta::milliseconds(500));
    for (since, until, expected) in [
        (second(2), second(4), 2..=3),
        (half_past(1), half_past(4), 2..=4),
        (second(4), None, 4..=5),
        (None, second(2), 1..=1),
        (second(0), second(9), 1..=5),
    ] {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let query = PageQuery {
                order,
                since,
                until,
                limit: limit("1"),
                ..PageQuery::default()
            };
            let mut found = revisions(&history.walk(&key, &query).await);
            found.sort();
            let expected: Vec<_> = expected
                .clone()
                .map(|n| revision(n, NOW - 100 + i64::try_from(n).unwrap()))
                .collect();
            assert_eq!(found, expected, "{since:?} {until:?}");
        }
    }
    let nothing = PageQuery {
        since: second(4),
        until: second(2),
        ..PageQuery::default()
    };
    assert_eq!(history.walk(&key, &nothing).await, []);
}

#[tokio::test]
async fn page_after_a_revision_outside_of_its_times_is_the_nearest_one() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    let place = |number: u64| revision(number, NOW - 100 + i64::try_from(number).unwrap());
    for number in 2..=4 {
        history
            .put(&entry(&key, number, NOW - 100 + i64::try_from(number).unwrap()))
            .await;
    }
    let (since, until) = (Some(at(NOW - 98)), Some(at(NOW - 95)));
    for (order, after, expected) in [
        (Order::NewestFirst, 9, vec![4, 3, 2]),
        (Order::NewestFirst, 3, vec![2]),
        (Order::NewestFirst, 1, vec![]),
        (Order::OldestFirst, 9, vec![]),
        (Order::OldestFirst, 3, vec![4]),
        (Order::OldestFirst, 1, vec![2, 3, 4]),
    ] {
        let query = PageQuery {
            order,
            since,
            until,
            after: Some(place(after)),
            ..PageQuery::default()
        };
        let expected: Vec<_> = expected.into_iter().map(place).collect();
        assert_eq!(
            revisions(&history.walk(&key, &query).await),
            expected,
            "{order:?} after {after}"
        );
    }
}

#[tokio::test]
async fn first_entry_after_a_time_is_that_of_a_later_second() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    for (number, seconds) in [(1, NOW - 9), (2, NOW - 5), (3, NOW - 5)] {
        history.put(&entry(&key, number, seconds)).await;
    }
    history.put(&entry(&config_key("acme", "s30"), 4, NOW - 1)).await;
    for (seconds, expected) in [
        (NOW - 20, Some(revision(1, NOW - 9))),
        (NOW - 9, Some(revision(2, NOW - 5))),
        (NOW - 6, Some(revision(2, NOW - 5))),
        (NOW - 5, None),
        (NOW, None),
    ] {
        let time = at(seconds) + TimeDelta::milliseconds(999);
        let found = history.store.first_after(&key, time, at(NOW)).await.unwrap();
        assert_eq!(found.map(|found| found.revision), expected, "{}", seconds - NOW);
    }
}

#[tokio::test]
async fn page_costs_one_call_however_long_the_history_is() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    for number in 1..=400 {
        history
            .put(&entry(&key, number, NOW - 1000 + i64::try_from(number).unwrap()))
            .await;
    }
    let proxy = FaultProxy::start(history.dynamodb.address, &[Fault::Pass]).await;
    let store = HistoryStore::new(proxy.client(), HISTORY);
    for order in [Order::NewestFirst, Order::OldestFirst] {
        for number in [1, 200, 400] {
            let query = PageQuery {
                order,
                after: Some(revision(number, NOW - 1000 + i64::try_from(number).unwrap())),
                ..PageQuery::default()
            };
            let before = proxy.requests();
            store.page(&key, &query, at(NOW)).await.unwrap();
            store
                .first_after(&key, at(NOW - 1000 + i64::try_from(number).unwrap()), at(NOW))
                .await
                .unwrap();
            assert_eq!(proxy.requests() - before, 2);
        }
    }
}

#[tokio::test]
async fn large_entries_make_short_pages() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    for number in 1..=6 {
        let large = Record {
            key: key.clone(),
            revision: revision(number, NOW - 100),
            old: None,
            new: Some(image(&"b".repeat(370_000))),
            identity: None,
        };
        history.put(&large.into_entry(at(NOW - 99)).unwrap()).await;
    }
    let page = history.store.page(&key, &PageQuery::default(), at(NOW)).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (3, Some(revision(4, NOW - 100))));
    assert_eq!(history.walk(&key, &PageQuery::default()).await.len(), 6);
    assert_eq!(
        history
            .follow(Scope::All, &FeedCursor::at(at(NOW - 200)), "1000", at(NOW))
            .await
            .len(),
        6
    );
}

#[tokio::test]
async fn entry_past_its_retention_does_not_exist() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    let day = 86_400;
    let one_day: Retention = "1".parse().unwrap();
    let (removed, kept) = (entry(&key, 1, NOW - day), entry(&key, 2, NOW - day + 1));
    for entry in [&removed, &kept] {
        history.store.put(entry, one_day).await.unwrap();
    }
    assert_eq!(
        history.walk(&key, &PageQuery::default()).await,
        std::slice::from_ref(&kept)
    );
    assert_eq!(history.store.get(&key, &removed.revision, at(NOW)).await.unwrap(), None);
    let feed = history
        .follow(Scope::All, &FeedCursor::at(at(NOW - 2 * day)), "1", at(NOW))
        .await;
    assert_eq!(feed, [kept]);
}

#[tokio::test]
async fn every_configuration_with_a_history_is_found_once() {
    let history = History::start().await;
    history
        .store
        .start_recording(Retention::default(), at(NOW))
        .await
        .unwrap();
    history.store.save_progress("here").await.unwrap();
    let mut expected = BTreeSet::new();
    for tenant_id in ["acme", "O'Neil", "#recorder", "\u{e9}"] {
        for delivery_type in ["s3", "s3-x", "cloudwatch", "a#b", "~"] {
            let key = config_key(tenant_id, delivery_type);
            for number in 1..=3 {
                history.put(&entry(&key, number, NOW)).await;
            }
            expected.insert((tenant_id.to_owned(), delivery_type.to_owned()));
        }
    }
    let (mut found, mut after) = (Vec::new(), None);
    while let Some(key) = history.store.next_key(after.as_ref()).await.unwrap() {
        found.push((key.tenant_id().to_owned(), key.delivery_type().to_owned()));
        after = Some(key);
    }
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn recording_begins_once_and_follows_its_retention() {
    let history = History::start().await;
    assert_eq!(history.store.recording().await.unwrap(), None);
    let retention = |days: &str| days.parse::<Retention>().unwrap();
    let day = TimeDelta::days(1);
    for (days, now, started_at) in [
        ("10", at(NOW), at(NOW)),
        ("10", at(NOW) + day * 30, at(NOW)),
        // What the shorter time has removed is gone.
        ("100", at(NOW) + day * 40, at(NOW) + day * 30),
        ("1", at(NOW) + day * 41, at(NOW) + day * 30),
    ] {
        let expected = Recording {
            started_at,
            retention: retention(days),
        };
        assert_eq!(
            history.store.start_recording(retention(days), now).await.unwrap(),
            expected
        );
        assert_eq!(history.store.recording().await.unwrap(), Some(expected));
    }
}

#[tokio::test]
async fn progress_is_what_was_saved_last() {
    let history = History::start().await;
    assert_eq!(history.store.progress().await.unwrap(), None);
    for progress in ["items#acme", "done"] {
        history.store.save_progress(progress).await.unwrap();
        assert_eq!(history.store.progress().await.unwrap().as_deref(), Some(progress));
    }
}

#[tokio::test]
async fn table_with_indexes_can_be_created_twice() {
    let history = History::start().await;
    ensure_table(&history.dynamodb.client, HISTORY, &SCHEMA).await.unwrap();
    let response = history
        .dynamodb
        .client
        .describe_table()
        .table_name(HISTORY)
        .send()
        .await
        .unwrap();
    let table = response.table.unwrap();
    let indexes: BTreeSet<_> = table
        .global_secondary_indexes()
        .iter()
        .filter_map(|index| index.index_name())
        .collect();
    assert_eq!(indexes, ["by-day", "by-tenant"].into());
}

#[tokio::test]
async fn images_of_the_table_are_read_page_by_page() {
    let harness = Harness::start().await;
    for n in 0..5 {
        harness
            .put(item([
                ("tenant_id", text("O'Neil")),
                ("type", text(&format!("type {n}"))),
                ("ttl", number(n)),
            ]))
            .await;
    }
    let images = ConfigImages::new(harness.client.clone(), TABLE);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = images.page(2, after.as_ref()).await.unwrap();
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 5);
    for (key, image) in found {
        assert_eq!(image.text("type"), Some(key.delivery_type()));
        assert_eq!(images.get(&key).await.unwrap(), Some(image));
    }
    assert_eq!(images.get(&config_key("acme", "s3")).await.unwrap(), None);
    // A table that is not there is a failure, not an empty history.
    let missing = HistoryStore::new(harness.client.clone(), "missing");
    assert!(missing.recording().await.is_err());
}
