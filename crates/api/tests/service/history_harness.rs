//! A service with a history, whose changes a test records itself: one after the other, at times that it chooses.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tenant_core::{
    ConfigKey,
    history::{ChangeKind, Entry, Image, LAST_CHANGE_ATTRIBUTE, LastChange, Record, Recording, Retention, Revision},
};
use tenant_store::history::{ConfigImages, HistoryStore};

use crate::harness::{Call, REQUEST_ID, Response, Service, TABLE, config_path, s3};

/// How long ago the recording began.
pub(crate) const SECONDS_AGO: i64 = 10_000;

pub(crate) struct Recorded {
    pub(crate) service: Service,
    pub(crate) history: HistoryStore,
    /// When the recording began.
    pub(crate) began: DateTime<Utc>,
    images: ConfigImages,
    changes: u32,
}

impl Recorded {
    pub(crate) async fn start() -> Self {
        Self::start_with(Retention::default()).await
    }

    pub(crate) async fn start_with(retention: Retention) -> Self {
        let (service, client, history) = Service::start_with_history().await;
        let began = Utc::now() - TimeDelta::seconds(SECONDS_AGO);
        let Recording { .. } = history.start_recording(retention, began).await.unwrap();
        Self {
            service,
            history,
            began,
            images: ConfigImages::new(client, TABLE),
            changes: 0,
        }
    }

    /// The time that many seconds after the recording began.
    pub(crate) fn at(&self, seconds: i64) -> DateTime<Utc> {
        self.began + TimeDelta::seconds(seconds)
    }

    /// Sends a request and records what it changes as if it had been made that many seconds after the recording began.
    pub(crate) async fn change(&mut self, seconds: i64, call: Call) -> Response {
        let before = self.image("acme").await;
        let response = self.service.send(call).await;
        let after = self.image("acme").await;
        let before = before.map(|before| match after {
            // All requests of these tests have the same id: an item that names it already would hide who changed it.
            Some(_) => with_last_change(&before, None),
            // A deletion is preceded by a mark.
            None => with_last_change(&before, Some(&self.mark(seconds))),
        });
        self.record("acme", seconds, before, after).await;
        response
    }

    fn mark(&self, seconds: i64) -> LastChange {
        LastChange {
            request_id: REQUEST_ID.to_owned(),
            kind: ChangeKind::Delete,
            key: None,
            at: self.at(seconds),
            note: None,
            cause: None,
            restored_from: None,
        }
    }

    /// Records a change of the S3 configuration of a tenant, and returns the name of its revision.
    pub(crate) async fn record(
        &mut self,
        tenant_id: &str,
        seconds: i64,
        old: Option<Image>,
        new: Option<Image>,
    ) -> Option<String> {
        let entry = self.entry(tenant_id, seconds, old, new)?;
        self.history.put(&entry, Retention::FOR_EVER).await.unwrap();
        Some(entry.revision.to_string())
    }

    /// The next entry of the S3 configuration of a tenant.
    pub(crate) fn entry(
        &mut self,
        tenant_id: &str,
        seconds: i64,
        old: Option<Image>,
        new: Option<Image>,
    ) -> Option<Entry> {
        self.changes += 1;
        let number = format!("1{:020}", self.changes);
        let record = Record {
            key: key(tenant_id),
            revision: Revision::from_record("2024-01-01T00:00:00.000", &number, self.at(seconds)).unwrap(),
            old,
            new,
            identity: None,
        };
        record.into_entry(self.at(seconds))
    }

    pub(crate) async fn image(&self, tenant_id: &str) -> Option<Image> {
        self.images.get(&key(tenant_id)).await.unwrap()
    }

    /// The revisions of the configuration of `acme`, the earliest one first.
    pub(crate) async fn revisions(&self) -> Vec<Value> {
        let call = Call::get(&history_path()).query("order", "asc").query("limit", "1000");
        let response = self.service.send(call).await.expect(200);
        response.data()["revisions"].as_array().unwrap().clone()
    }

    /// The path of a revision, by its number in time.
    pub(crate) async fn path(&self, number: usize) -> String {
        let revisions = self.revisions().await;
        format!("{}/{}", history_path(), revisions[number]["revision"].as_str().unwrap())
    }

    /// Six revisions, one every 100 s: a creation, three changes, a deletion, and another creation.
    pub(crate) async fn with_six_revisions() -> Self {
        let mut recorded = Self::start().await;
        let path = config_path("acme", "s3");
        for (number, call) in [
            Call::post("/api/v1/tenants/acme/delivery-configs").json(&s3("acme")),
            Call::patch(&path).body(r#"{"enabled":false}"#),
            Call::patch(&path).body(r#"{"desired_logs":["a","b"]}"#),
            Call::patch(&path).body(r#"{"desired_logs":["b","c"],"enabled":true}"#),
            Call::delete(&path),
            Call::post("/api/v1/tenants/acme/delivery-configs").json(&s3("acme")),
        ]
        .into_iter()
        .enumerate()
        {
            let seconds = 100 * (1 + i64::try_from(number).unwrap());
            let response = recorded.change(seconds, call).await;
            assert!(response.status < 300, "{response:?}");
        }
        recorded
    }
}

fn with_last_change(image: &Image, change: Option<&LastChange>) -> Image {
    let others = image.iter().filter(|(name, _)| *name != LAST_CHANGE_ATTRIBUTE);
    let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
    let change = change.map(|change| (LAST_CHANGE_ATTRIBUTE.to_owned(), change.to_attribute()));
    Image::new(others.chain(change))
}

pub(crate) fn key(tenant_id: &str) -> ConfigKey {
    ConfigKey::new(tenant_id, "s3").unwrap()
}

pub(crate) fn history_path() -> String {
    format!("{}/history", config_path("acme", "s3"))
}

/// An item that a person wrote, in DynamoDB's JSON.
pub(crate) fn item(tenant_id: &str, bucket_name: &str) -> Image {
    let item = serde_json::json!({
        "tenant_id": {"S": tenant_id}, "type": {"S": "s3"}, "bucket_name": {"S": bucket_name}, "enabled": {"BOOL": true}
    });
    Image::from_json(item).unwrap()
}

pub(crate) fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
