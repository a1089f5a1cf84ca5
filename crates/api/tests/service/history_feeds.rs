//! Feeds: the changes of many configurations in the order of recording.

use chrono::Utc;
use serde_json::{Value, json};
use tenant_core::history::{FeedCursor, Retention};

use crate::{
    harness::{Call, Service, assert_envelope},
    history_harness::{Recorded, SECONDS_AGO, item, text},
};

const ALL: &str = "/api/v1/history";
const TENANT: &str = "/api/v1/tenants/acme/history";

/// Entries of two tenants in turns, one every 10 s, each a creation or a deletion.
async fn recorded(entries: i64) -> (Recorded, Vec<String>) {
    let mut recorded = Recorded::start().await;
    let mut names = Vec::new();
    for n in 0..entries {
        let tenant = ["acme", "globex"][usize::try_from(n % 2).unwrap()];
        let bucket = Some(item(tenant, &format!("bucket-{n}")));
        let (old, new) = if n % 4 < 2 { (None, bucket) } else { (bucket, None) };
        names.push(recorded.record(tenant, 10 * n, old, new).await.unwrap());
    }
    (recorded, names)
}

fn names(data: &Value) -> Vec<String> {
    let revisions = data["revisions"].as_array().unwrap().iter();
    revisions
        .map(|revision| revision["revision"].as_str().unwrap().to_owned())
        .collect()
}

async fn walk(service: &Service, path: &str, parameters: &[(&str, &str)]) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let call = Call::get(path).query("limit", "3").query("cursor", &cursor);
        let call = parameters
            .iter()
            .fold(call, |call, (name, value)| call.query(name, value));
        let page = service.send(call).await.expect(200);
        let data = page.data();
        assert_eq!(data["count"], names(data).len());
        found.extend(names(data));
        data["cursor"].as_str().unwrap().clone_into(&mut cursor);
        if data["has_more"] == false {
            return found;
        }
    }
}

#[tokio::test]
async fn feed_has_every_revision_in_the_order_of_recording() {
    let (recorded, all) = recorded(20).await;
    assert_eq!(walk(&recorded.service, ALL, &[]).await, all);
    let of_acme: Vec<_> = all.iter().step_by(2).cloned().collect();
    assert_eq!(walk(&recorded.service, TENANT, &[]).await, of_acme);
    let since = text(recorded.at(100));
    assert_eq!(walk(&recorded.service, ALL, &[("since", &since)]).await, all[10..]);
    let long_ago = text(recorded.at(-1_000_000));
    assert_eq!(walk(&recorded.service, ALL, &[("since", &long_ago)]).await, all);
    let deleted: Vec<_> = all
        .iter()
        .enumerate()
        .filter(|(n, _)| n % 4 >= 2)
        .map(|(_, name)| name.clone())
        .collect();
    assert_eq!(walk(&recorded.service, ALL, &[("event", "deleted")]).await, deleted);
    assert_eq!(
        walk(&recorded.service, ALL, &[("event", "expired")]).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn later_change_follows_after_the_last_cursor() {
    let (mut recorded, all) = recorded(4).await;
    let page = recorded.service.send(Call::get(ALL)).await.expect(200);
    assert_eq!(names(page.data()), all);
    let cursor = page.data()["cursor"].as_str().unwrap().to_owned();
    let follow = Call::get(ALL).query("cursor", &cursor);
    assert_eq!(
        names(recorded.service.send(follow.clone()).await.expect(200).data()),
        Vec::<String>::new()
    );
    // Recorded within the overlap, and one that is too young.
    let new = Some(item("acme", "late-bucket"));
    let late = recorded
        .record("acme", SECONDS_AGO - 30, None, new.clone())
        .await
        .unwrap();
    recorded.record("acme", SECONDS_AGO, None, new).await;
    assert_eq!(names(recorded.service.send(follow).await.expect(200).data()), [late]);
}

#[tokio::test]
async fn cursor_from_before_the_history_returns_410() {
    let (recorded, all) = recorded(4).await;
    let old = FeedCursor::at(recorded.at(-1)).to_string();
    for path in [ALL, TENANT] {
        let gone = recorded
            .service
            .send(Call::get(path).query("cursor", &old))
            .await
            .expect(410);
        assert_eq!(gone.body["details"], json!({"recording_since": text(recorded.began)}));
        assert!(gone.error().contains("Start again without a cursor."), "{gone:?}");
    }
    assert_eq!(walk(&recorded.service, ALL, &[]).await, all);
}

#[tokio::test]
async fn cursor_from_before_the_retention_returns_410() {
    let (service, _, history) = Service::start_with_history().await;
    let long_ago = Utc::now() - chrono::TimeDelta::days(100);
    history
        .start_recording("1".parse::<Retention>().unwrap(), long_ago)
        .await
        .unwrap();
    let days = |days| FeedCursor::at(Utc::now() - chrono::TimeDelta::days(days)).to_string();
    service.send(Call::get(ALL).query("cursor", &days(2))).await.expect(410);
    service.send(Call::get(ALL).query("cursor", &days(0))).await.expect(200);
}

#[tokio::test]
async fn history_that_has_not_begun_is_empty() {
    let (service, ..) = Service::start_with_history().await;
    assert_envelope!(service.send(Call::get(ALL)).await.expect(200));
}

#[tokio::test]
async fn malformed_parameter_or_tenant_returns_400() {
    let (recorded, _) = recorded(0).await;
    for (name, value) in [
        ("event", "changed"),
        ("event", ""),
        ("cursor", "x"),
        ("since", "1"),
        ("limit", "1001"),
        ("until", "x"),
    ] {
        recorded
            .service
            .send(Call::get(ALL).query(name, value))
            .await
            .expect(400);
    }
    assert_envelope!(
        recorded
            .service
            .send(Call::get(ALL).query("event", "changed"))
            .await
            .expect(400)
    );
    recorded
        .service
        .send(Call::get("/api/v1/tenants/acme.corp/history"))
        .await
        .expect(400);
    recorded
        .service
        .send(Call::get("/api/v1/tenants/unknown/history"))
        .await
        .expect(200);
}
