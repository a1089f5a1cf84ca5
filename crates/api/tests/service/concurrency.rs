use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    harness::{Call, Service, config_path, s3, tenant_path},
    lists::walk,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_hundred_concurrent_creates_returns_201() {
    let service = Arc::new(Service::start().await);
    let mut creates = JoinSet::new();
    for _ in 0..100 {
        let service = Arc::clone(&service);
        creates.spawn(async move {
            service
                .send(Call::post(&tenant_path("acme")).json(&s3("acme")))
                .await
                .status
        });
    }
    let mut statuses = creates.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(statuses[1..].iter().all(|&status| status == 409), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost_between_writers_that_send_the_tag_they_read() {
    let service = Arc::new(Service::start().await);
    let mut config = s3("acme");
    config["desired_logs"] = json!(["start"]);
    service.create(config).await;
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let service = Arc::clone(&service);
        writers.spawn(async move {
            let path = config_path("acme", "s3");
            loop {
                let read = service.send(Call::get(&path)).await.expect(200);
                let mut logs = read.data()["desired_logs"].clone();
                logs.as_array_mut().unwrap().push(format!("writer-{number}").into());
                let write = Call::patch(&path)
                    .json(&json!({"desired_logs": logs}))
                    .header("If-Match", read.etag());
                match service.send(write).await.status {
                    200 => return,
                    status => assert_eq!(status, 412),
                }
            }
        });
    }
    writers.join_all().await;
    let read = service.send(Call::get(&config_path("acme", "s3"))).await;
    let logs: BTreeSet<_> = read.data()["desired_logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(logs.len(), 21, "{logs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_returns_lasting_configurations_once_while_others_write_and_delete() {
    let service = Arc::new(Service::start().await);
    let mut staying = BTreeSet::new();
    for number in 0..15 {
        service.create(s3(&format!("staying-{number}"))).await;
        staying.insert((format!("staying-{number}"), "s3".to_owned()));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..2 {
        let (service, stop) = (Arc::clone(&service), Arc::clone(&stop));
        writers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                for number in 0..5 {
                    let tenant_id = format!("passing-{writer}-{number}");
                    service.create(s3(&tenant_id)).await;
                    service
                        .send(Call::delete(&config_path(&tenant_id, "s3")))
                        .await
                        .expect(200);
                }
                let touched = Call::patch(&config_path("staying-7", "s3")).json(&json!({"enabled": writer == 0}));
                service.send(touched).await.expect(200);
            }
        });
    }
    for limit in [1, 2, 7, 1000] {
        for _ in 0..3 {
            let found = walk(&service, limit).await;
            let once: BTreeSet<_> = found.iter().cloned().collect();
            assert_eq!(once.len(), found.len(), "{limit}: {found:?}");
            assert!(staying.is_subset(&once), "{limit}: {found:?}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    writers.join_all().await;
}
