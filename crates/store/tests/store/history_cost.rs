//! What a page of the history costs when there is much of it. Not a part of a default run: filling the table takes
//! minutes.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use tenant_core::{
    ConfigKey,
    history::{Entry, FeedCursor, Retention},
};
use tenant_store::history::{Order, PageQuery, Scope};
use tokio::task::JoinSet;

use crate::{
    harness::{NOW, at},
    history_harness::{History, config_key, entry, limit, recorded, revision},
};

const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
const WRITERS: u32 = 16;
const PAGES: u32 = 40;

async fn fill(history: &History, numbers: Range<u32>, made: fn(u32) -> Entry) {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, numbers) = (history.store.clone(), numbers.clone());
        writers.spawn(async move {
            for number in numbers.filter(|number| number % WRITERS == writer) {
                store.put(&made(number), Retention::FOR_EVER).await.unwrap();
            }
        });
    }
    writers.join_all().await;
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn seconds(number: u32) -> i64 {
    NOW - 200_000 + i64::from(number)
}

fn busy() -> ConfigKey {
    config_key("acme", "s3")
}

/// The median time of a page of 50 and of a lookup by time, anywhere in the history of one configuration.
async fn cost_of_a_page(history: &History, revisions: u32) -> [Duration; 2] {
    let (mut pages, mut lookups) = (Vec::new(), Vec::new());
    for n in 1..=PAGES {
        let number = revisions / (PAGES + 1) * n;
        let query = PageQuery {
            order: if n % 2 == 0 {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
            after: Some(revision(number.into(), seconds(number))),
            ..PageQuery::default()
        };
        let started = Instant::now();
        let page = history.store.page(&busy(), &query, at(NOW)).await.unwrap();
        pages.push(started.elapsed());
        assert!(!page.entries.is_empty());
        let started = Instant::now();
        let next = history.store.first_after(&busy(), at(seconds(number)), at(NOW)).await;
        lookups.push(started.elapsed());
        assert_eq!(next.unwrap().unwrap().changed_at(), at(seconds(number) + 1));
    }
    [median(pages), median(lookups)]
}

/// The median time of a page of 50 of the feed of all tenants, anywhere in it.
async fn cost_of_a_feed(history: &History, configs: u32) -> Duration {
    let mut pages = Vec::new();
    for n in 0..PAGES {
        let from = FeedCursor::at(at(seconds(configs / (PAGES + 1) * n)));
        let started = Instant::now();
        let page = history.store.feed(Scope::All, &from, None, limit("50"), at(NOW)).await;
        pages.push(started.elapsed());
        assert_eq!(page.unwrap().entries.len(), 50);
    }
    median(pages)
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn page_of_100_000_revisions_takes_as_long_as_one_of_1_000() {
    let history = History::start().await;
    let made = |number: u32| entry(&busy(), number.into(), seconds(number));
    fill(&history, 0..FEW, made).await;
    let few = cost_of_a_page(&history, FEW).await;
    fill(&history, FEW..MANY, made).await;
    let many = cost_of_a_page(&history, MANY).await;
    eprintln!("page and lookup: {few:?} of {FEW}, {many:?} of {MANY}");
    assert!(many[0] < few[0] * 3 && many[1] < few[1] * 3, "{few:?} {many:?}");
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn feed_of_100_000_configurations_takes_as_long_as_one_of_1_000() {
    let history = History::start().await;
    let made = |number: u32| {
        let key = config_key(&format!("tenant-{number}"), "s3");
        recorded(&key, number.into(), seconds(number), at(seconds(number)))
    };
    fill(&history, 0..FEW, made).await;
    let few = cost_of_a_feed(&history, FEW).await;
    fill(&history, FEW..MANY, made).await;
    let many = cost_of_a_feed(&history, MANY).await;
    eprintln!("feed: {few:?} of {FEW}, {many:?} of {MANY}");
    assert!(many < few * 3, "{few:?} {many:?}");
}
