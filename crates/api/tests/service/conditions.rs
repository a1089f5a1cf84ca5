use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use testing::Fault;
use tokio::{sync::Notify, time::sleep};

use crate::harness::{Call, Response, Service, assert_envelope, config_path, s3, tenant_path, text};

/// Every method that writes to a configuration that exists.
fn writes() -> [Call; 3] {
    let path = config_path("acme", "s3");
    let body = json!({"enabled": false});
    [
        Call::put(&path).json(&body),
        Call::patch(&path).json(&body),
        Call::delete(&path),
    ]
}

async fn send_write(service: &Service, write: Call, name: &str, condition: &str) -> Response {
    service.send(write.header(name, condition)).await
}

#[tokio::test]
async fn write_with_the_tag_that_was_read_happens() {
    for write in writes() {
        let service = Service::start().await;
        let etag = service.create(s3("acme")).await.etag().to_owned();
        for condition in [etag.as_str(), &format!("\"7\", {etag}"), "*"] {
            let service = Service::start().await;
            let etag_now = service.create(s3("acme")).await.etag().to_owned();
            let condition = condition.replace(&etag, &etag_now);
            send_write(&service, write.clone(), "If-Match", &condition)
                .await
                .expect(200);
        }
    }
}

#[tokio::test]
async fn write_with_another_tag_returns_412_and_changes_nothing() {
    let service = Service::start().await;
    let created = service.create(s3("acme")).await;
    let weak = format!("W/{}", created.etag());
    let padded = created.etag().replacen('"', "\"0", 1);
    for write in writes() {
        for condition in ["\"7\"", "\"0\"", "\"x\"", &weak, &padded] {
            send_write(&service, write.clone(), "If-Match", condition)
                .await
                .expect(412);
        }
    }
    let read = service.send(Call::get(&config_path("acme", "s3"))).await;
    assert_eq!((read.data(), read.etag()), (created.data(), created.etag()));
    let [_, patch, _] = writes();
    assert_envelope!(send_write(&service, patch, "If-Match", "\"7\"").await);
}

#[tokio::test]
async fn every_line_of_a_repeated_condition_is_evaluated() {
    let service = Service::start().await;
    let etag = service.create(s3("acme")).await.etag().to_owned();
    let [put, ..] = writes();
    service
        .send(put.header("If-Match", &etag).header("If-Match", "\"7\""))
        .await
        .expect(200);
}

#[tokio::test]
async fn malformed_condition_returns_400_and_changes_nothing() {
    let service = Service::start().await;
    let created = service.create(s3("acme")).await;
    for write in writes().into_iter().chain([Call::get(&config_path("acme", "s3"))]) {
        for name in ["If-Match", "If-None-Match"] {
            for condition in [
                created.etag().trim_matches('"'),
                "\"7",
                "\"7\" \"8\"",
                ",",
                "*, \"7\"",
                "w/\"7\"",
                "\u{e9}",
            ] {
                send_write(&service, write.clone(), name, condition).await.expect(400);
            }
        }
    }
    let read = service.send(Call::get(&config_path("acme", "s3"))).await;
    assert_eq!(read.etag(), created.etag());
    let [put, ..] = writes();
    assert_envelope!(send_write(&service, put, "If-Match", "7").await);
}

#[tokio::test]
async fn missing_configuration_returns_404_whatever_the_condition() {
    let service = Service::start().await;
    for write in writes().into_iter().chain([Call::get(&config_path("acme", "s3"))]) {
        for name in ["If-Match", "If-None-Match"] {
            for condition in ["*", "\"7\""] {
                send_write(&service, write.clone(), name, condition).await.expect(404);
            }
        }
    }
}

#[tokio::test]
async fn write_with_if_none_match_on_the_current_tag_returns_412() {
    let service = Service::start().await;
    let created = service.create(s3("acme")).await;
    for write in writes() {
        for condition in ["*", created.etag(), &format!("\"7\", W/{}", created.etag())] {
            send_write(&service, write.clone(), "If-None-Match", condition)
                .await
                .expect(412);
        }
    }
    let [put, ..] = writes();
    send_write(&service, put.clone(), "If-None-Match", "\"7\"")
        .await
        .expect(200);
    assert_envelope!(send_write(&service, put, "If-None-Match", "*").await);
}

#[tokio::test]
async fn read_of_the_content_that_the_client_has_returns_304_without_a_body() {
    let service = Service::start().await;
    let etag = service.create(s3("acme")).await.etag().to_owned();
    for method in ["GET", "HEAD"] {
        for condition in [etag.as_str(), &format!("W/{etag}"), &format!("\"7\" , {etag}"), "*"] {
            let call = Call::new(method, &config_path("acme", "s3")).header("If-None-Match", condition);
            let response = service.send(call).await.expect(304);
            assert_eq!(response.etag(), etag);
            assert_eq!(response.header("content-type"), None);
            assert!(response.body.is_null());
        }
    }
}

#[tokio::test]
async fn read_of_another_content_returns_it() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    for condition in ["\"7\"", "\"x\"", "W/\"7\""] {
        service
            .send(Call::get(&config_path("acme", "s3")).header("If-None-Match", condition))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn read_with_if_match_on_another_tag_returns_412() {
    let service = Service::start().await;
    let etag = service.create(s3("acme")).await.etag().to_owned();
    let read = |condition: &str| Call::get(&config_path("acme", "s3")).header("If-Match", condition);
    service.send(read(&etag)).await.expect(200);
    service.send(read("\"7\"")).await.expect(412);
}

#[tokio::test]
async fn guarded_create_of_what_exists_returns_412() {
    let service = Service::start().await;
    let create = Call::post(&tenant_path("acme")).json(&s3("acme"));
    service
        .send(create.clone().header("If-None-Match", "*"))
        .await
        .expect(201);
    assert_envelope!(
        service
            .send(create.clone().header("If-None-Match", "*"))
            .await
            .expect(412)
    );
    service.send(create.header("If-None-Match", "\"7\"")).await.expect(409);
}

#[tokio::test]
async fn create_with_if_match_returns_412_and_creates_nothing() {
    let service = Service::start().await;
    for condition in ["*", "\"7\""] {
        let create = Call::post(&tenant_path("acme")).json(&s3("acme"));
        service.send(create.header("If-Match", condition)).await.expect(412);
    }
    assert_eq!(service.get_item("acme", "s3").await, None);
}

#[tokio::test]
async fn rejected_body_takes_precedence_over_a_failed_condition() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let call = Call::patch(&config_path("acme", "s3"))
        .json(&json!({"enabled": "no"}))
        .header("If-Match", "\"7\"");
    service.send(call).await.expect(422);
}

/// Switches the delivery off by hand, as an operator does with the AWS CLI.
async fn switch_off_by_hand(service: &Service) {
    let mut item = service.get_item("acme", "s3").await.unwrap();
    item.insert("enabled".to_owned(), AttributeValue::Bool(false));
    let attributes = item.iter().map(|(name, value)| (name.as_str(), value.clone()));
    service.put_item(attributes).await;
}

#[tokio::test]
async fn hand_edit_changes_the_tag_so_that_304_and_stale_writes_end() {
    let service = Service::start().await;
    let path = config_path("acme", "s3");
    let etag = service.create(s3("acme")).await.etag().to_owned();
    switch_off_by_hand(&service).await;
    let read = Call::get(&path).header("If-None-Match", &etag);
    let read = service.send(read).await.expect(200);
    assert_eq!(read.data()["enabled"], false);
    assert_ne!(read.etag(), etag);
    for write in writes() {
        send_write(&service, write, "If-Match", &etag).await.expect(412);
    }
    let [put, ..] = writes();
    send_write(&service, put, "If-Match", read.etag()).await.expect(200);
}

/// Switches the delivery off by hand between the reads of each write and its own call.
async fn write_around_a_hand_edit(write: Call, name: &str, condition: Option<&str>, reads: usize) -> (u16, bool) {
    let gate = Arc::new(Notify::new());
    let mut faults = vec![Fault::Pass; reads];
    faults.extend([Fault::Hold(Arc::clone(&gate)), Fault::Pass]);
    let (service, direct, proxy) = Service::start_behind_proxy(&faults).await;
    let created = direct.create(s3("acme")).await;
    let edit = async {
        while proxy.requests() <= reads {
            sleep(Duration::from_millis(1)).await;
        }
        switch_off_by_hand(&direct).await;
        gate.notify_one();
    };
    let condition = condition.unwrap_or(created.etag());
    let (response, ()) = tokio::join!(send_write(&service, write, name, condition), edit);
    let item = direct.get_item("acme", "s3").await;
    let is_as_edited =
        item.is_some_and(|item| item["enabled"] == AttributeValue::Bool(false) && !item.contains_key("target_region"));
    (response.status, is_as_edited)
}

#[tokio::test]
async fn hand_edit_between_read_and_write_returns_412_and_is_not_lost() {
    let path = config_path("acme", "s3");
    let body = json!({"enabled": true, "target_region": "eu-west-1"});
    for write in [
        Call::put(&path).json(&body),
        Call::patch(&path).json(&body),
        Call::delete(&path),
    ] {
        // The store reads the item to compare its tag.
        let outcome = write_around_a_hand_edit(write.clone(), "If-Match", None, 1).await;
        assert_eq!(outcome, (412, true));
        // The service reads it first to exclude a tag, and the store once more.
        let outcome = write_around_a_hand_edit(write, "If-None-Match", Some("\"7\""), 2).await;
        assert_eq!(outcome, (412, true));
    }
}

#[tokio::test]
async fn hand_edit_between_the_two_reads_of_a_write_returns_412() {
    let path = config_path("acme", "s3");
    let body = json!({"enabled": true, "target_region": "eu-west-1"});
    for write in [
        Call::put(&path).json(&body),
        Call::patch(&path).json(&body),
        Call::delete(&path),
    ] {
        let outcome = write_around_a_hand_edit(write, "If-None-Match", Some("\"7\""), 1).await;
        assert_eq!(outcome, (412, true));
    }
}

#[tokio::test]
async fn tag_of_a_hand_written_item_can_be_sent_back() {
    for write in writes() {
        let service = Service::start().await;
        let attributes = [
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("version", AttributeValue::N("1.5".to_owned())),
            ("desired_logs", AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()])),
        ];
        service.put_item(attributes).await;
        let read = service.send(Call::get(&config_path("acme", "s3"))).await.expect(200);
        send_write(&service, write, "If-Match", read.etag()).await.expect(200);
    }
}
