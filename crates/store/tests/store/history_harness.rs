//! A table of the history for each test, and entries for it.

use chrono::{DateTime, Utc};
use serde_json::json;
use tenant_core::{
    ConfigKey, PageLimit,
    history::{Entry, FeedCursor, Image, Record, Retention, Revision},
};
use tenant_store::{
    history::{HistoryStore, PageQuery, SCHEMA, Scope},
    schema::ensure_table,
};
use testing::EmbeddedDynamoDb;

use crate::harness::{NOW, at};

pub(crate) const HISTORY: &str = "test-tenant-configs-history";

pub(crate) struct History {
    pub(crate) dynamodb: EmbeddedDynamoDb,
    pub(crate) store: HistoryStore,
}

impl History {
    pub(crate) async fn start() -> Self {
        let dynamodb = EmbeddedDynamoDb::start().await;
        ensure_table(&dynamodb.client, HISTORY, &SCHEMA).await.unwrap();
        let store = HistoryStore::new(dynamodb.client.clone(), HISTORY);
        Self { dynamodb, store }
    }

    pub(crate) async fn put(&self, entry: &Entry) {
        self.store.put(entry, Retention::FOR_EVER).await.unwrap();
    }

    /// All entries of a configuration, page by page.
    pub(crate) async fn walk(&self, key: &ConfigKey, query: &PageQuery) -> Vec<Entry> {
        let (mut walked, mut query) = (Vec::new(), query.clone());
        loop {
            let page = self.store.page(key, &query, at(NOW)).await.unwrap();
            assert!(page.entries.len() <= usize::from(query.limit.get()));
            walked.extend(page.entries);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return walked,
            }
        }
    }

    /// The feed from a place to its end, page by page.
    pub(crate) async fn follow(
        &self,
        scope: Scope<'_>,
        from: &FeedCursor,
        limit: &str,
        now: DateTime<Utc>,
    ) -> Vec<Entry> {
        let (mut followed, mut from) = (Vec::new(), from.clone());
        loop {
            let page = self
                .store
                .feed(scope, &from, None, limit.parse().unwrap(), now)
                .await
                .unwrap();
            followed.extend(page.entries);
            from = page.next;
            if !page.has_more {
                return followed;
            }
        }
    }
}

pub(crate) fn config_key(tenant_id: &str, delivery_type: &str) -> ConfigKey {
    ConfigKey::new(tenant_id, delivery_type).unwrap()
}

pub(crate) fn revision(number: u64, seconds: i64) -> Revision {
    Revision::from_record("2023-11-01T00:00:00.000", &number.to_string(), at(seconds)).unwrap()
}

/// The entry of a creation with this sequence number, recorded a second after it.
pub(crate) fn entry(key: &ConfigKey, number: u64, seconds: i64) -> Entry {
    recorded(key, number, seconds, at(seconds + 1))
}

pub(crate) fn recorded(key: &ConfigKey, number: u64, seconds: i64, recorded_at: DateTime<Utc>) -> Entry {
    let record = Record {
        key: key.clone(),
        revision: revision(number, seconds),
        old: None,
        new: Some(image(&number.to_string())),
        identity: None,
    };
    record.into_entry(recorded_at).unwrap()
}

pub(crate) fn image(bucket_name: &str) -> Image {
    Image::from_json(json!({"bucket_name": {"S": bucket_name}})).unwrap()
}

pub(crate) fn limit(limit: &str) -> PageLimit {
    limit.parse().unwrap()
}

pub(crate) fn revisions(entries: &[Entry]) -> Vec<Revision> {
    entries.iter().map(|entry| entry.revision.clone()).collect()
}
