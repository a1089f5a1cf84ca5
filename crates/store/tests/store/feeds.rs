//! Feeds of the history: entries in the order of recording.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use tenant_core::history::{Event, FeedCursor, Record};
use tenant_store::history::{HistoryStore, Scope};
use testing::{Fault, FaultProxy};

use crate::{
    harness::{NOW, at},
    history_harness::{HISTORY, History, config_key, entry, image, limit, recorded, revision, revisions},
};

#[tokio::test]
async fn feed_has_each_entry_in_the_order_of_recording_and_nothing_younger_than_5_seconds() {
    let history = History::start().await;
    let (acme, other) = (config_key("acme", "s3"), config_key("other", "s3"));
    let day = 86_400;
    // Recorded in another order than they were made, over several days, and two in one millisecond.
    let entries = [
        recorded(&acme, 7, NOW - 900, at(NOW - 3 * day)),
        recorded(&other, 6, NOW - 800, at(NOW - 3 * day)),
        recorded(&acme, 5, NOW - 700, at(NOW - day)),
        recorded(&other, 4, NOW - 600, at(NOW - 6)),
        recorded(&acme, 3, NOW - 500, at(NOW - 5) - TimeDelta::milliseconds(1)),
        recorded(&acme, 2, NOW - 400, at(NOW - 5)),
        recorded(&acme, 1, NOW - 300, at(NOW)),
    ];
    for entry in &entries {
        history.put(entry).await;
    }
    let from = FeedCursor::at(at(NOW - 5 * day));
    for length in ["1", "2", "1000"] {
        let all = history.follow(Scope::All, &from, length, at(NOW)).await;
        let places: Vec<_> = all.iter().map(FeedCursor::for_entry).collect();
        assert!(places.is_sorted(), "{places:?}");
        let expected: BTreeSet<_> = revisions(&entries[..5]).into_iter().collect();
        assert_eq!(revisions(&all).into_iter().collect::<BTreeSet<_>>(), expected);
        let acme_only = history.follow(Scope::Tenant("acme"), &from, length, at(NOW)).await;
        assert_eq!(acme_only, [entries[0].clone(), entries[2].clone(), entries[4].clone()]);
    }
    let later = history.follow(Scope::All, &from, "2", at(NOW + 6)).await;
    assert_eq!(later.len(), entries.len());
}

#[tokio::test]
async fn entry_that_appears_late_is_in_the_next_page() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    let page = |from: FeedCursor| {
        let store = history.store.clone();
        async move { store.feed(Scope::All, &from, None, limit("10"), at(NOW)).await.unwrap() }
    };
    let first = page(FeedCursor::at(at(NOW - 86_400))).await;
    assert_eq!((first.entries.len(), first.has_more), (0, false));
    let late = recorded(&key, 1, NOW - 70, at(NOW - 60));
    history.put(&late).await;
    let second = page(first.next).await;
    assert_eq!(second.entries, [late]);
    let third = page(second.next).await;
    assert_eq!((third.entries.len(), third.has_more), (0, false));
}

#[tokio::test]
async fn feed_of_one_event_skips_the_others_and_goes_on_after_them() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    for number in 1..=20 {
        let seconds = NOW - 100 + i64::try_from(number).unwrap();
        history.put(&entry(&key, number, seconds)).await;
    }
    let deleted = Record {
        key: key.clone(),
        revision: revision(21, NOW - 50),
        old: Some(image("last")),
        new: None,
        identity: None,
    };
    let deleted = deleted.into_entry(at(NOW - 49)).unwrap();
    history.put(&deleted).await;
    let from = FeedCursor::at(at(NOW - 200));
    let (mut found, mut next) = (Vec::new(), from);
    loop {
        let feed = history
            .store
            .feed(Scope::All, &next, Some(Event::Deleted), limit("3"), at(NOW));
        let page = feed.await.unwrap();
        found.extend(page.entries);
        next = page.next;
        if !page.has_more {
            break;
        }
    }
    assert_eq!(found, [deleted]);
}

#[tokio::test]
async fn feed_passes_a_time_without_changes_page_by_page() {
    let history = History::start().await;
    let key = config_key("acme", "s3");
    let last = recorded(&key, 1, NOW - 60, at(NOW - 59));
    history.put(&last).await;
    let proxy = FaultProxy::start(history.dynamodb.address, &[Fault::Pass]).await;
    let store = HistoryStore::new(proxy.client(), HISTORY);
    let (mut next, mut pages) = (FeedCursor::at(at(NOW - 100 * 86_400)), 0);
    let found = loop {
        let before = proxy.requests();
        let page = store.feed(Scope::All, &next, None, limit("10"), at(NOW)).await.unwrap();
        assert!(proxy.requests() - before <= 40);
        pages += 1;
        if !page.entries.is_empty() {
            break page.entries;
        }
        assert!(page.has_more && page.next > next);
        next = page.next;
    };
    assert_eq!((found, pages), (vec![last], 3));
}
