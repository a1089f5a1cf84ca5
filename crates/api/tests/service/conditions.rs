use serde_json::json;

use crate::harness::{Call, Response, Service, assert_envelope, config_path, s3, tenant_path};

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
async fn a_write_on_the_version_that_was_read_happens() {
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
async fn a_write_on_another_version_is_a_412_and_changes_nothing() {
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
async fn every_line_of_a_repeated_condition_counts() {
    let service = Service::start().await;
    let etag = service.create(s3("acme")).await.etag().to_owned();
    let [put, ..] = writes();
    service
        .send(put.header("If-Match", &etag).header("If-Match", "\"7\""))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_malformed_condition_is_a_400_and_nothing_happens() {
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
async fn what_does_not_exist_is_a_404_whatever_the_condition() {
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
async fn a_write_that_may_only_find_nothing_is_a_412_where_something_is() {
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
async fn a_read_of_the_version_that_the_client_has_is_a_304_without_a_body() {
    let service = Service::start().await;
    let etag = service.create(s3("acme")).await.etag().to_owned();
    for method in ["GET", "HEAD"] {
        for condition in [etag.as_str(), &format!("W/{etag}"), &format!("\"7\" , {etag}"), "*"] {
            let call = Call::new(method, &config_path("acme", "s3")).header("If-None-Match", condition);
            let answer = service.send(call).await.expect(304);
            assert_eq!(answer.etag(), etag);
            assert_eq!(answer.header("content-type"), None);
            assert!(answer.body.is_null());
        }
    }
}

#[tokio::test]
async fn a_read_of_another_version_is_sent_whole() {
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
async fn a_read_that_wants_another_version_is_a_412() {
    let service = Service::start().await;
    let etag = service.create(s3("acme")).await.etag().to_owned();
    let read = |condition: &str| Call::get(&config_path("acme", "s3")).header("If-Match", condition);
    service.send(read(&etag)).await.expect(200);
    service.send(read("\"7\"")).await.expect(412);
}

#[tokio::test]
async fn a_guarded_create_is_a_412_where_something_is() {
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
async fn a_create_that_names_a_version_is_a_412_and_creates_nothing() {
    let service = Service::start().await;
    for condition in ["*", "\"7\""] {
        let create = Call::post(&tenant_path("acme")).json(&s3("acme"));
        service.send(create.header("If-Match", condition)).await.expect(412);
    }
    assert_eq!(service.get_item("acme", "s3").await, None);
}

#[tokio::test]
async fn a_refused_body_comes_before_a_failed_condition() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let call = Call::patch(&config_path("acme", "s3"))
        .json(&json!({"enabled": "no"}))
        .header("If-Match", "\"7\"");
    service.send(call).await.expect(422);
}
