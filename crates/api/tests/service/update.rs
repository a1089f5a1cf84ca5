use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3, text};

const METHODS: [&str; 2] = ["PUT", "PATCH"];

fn update(method: &str, body: &Value) -> Call {
    Call::new(method, &config_path("acme", "s3")).json(body)
}

#[tokio::test]
async fn an_update_answers_200_with_the_whole_configuration_and_its_new_version() {
    let service = Service::start().await;
    let created = service.create(s3("acme")).await;
    let answer = service
        .send(update("PATCH", &json!({"enabled": false})))
        .await
        .expect(200);
    assert_ne!(answer.etag(), created.etag());
    let read = service.send(Call::get(&config_path("acme", "s3"))).await;
    assert_eq!((read.data(), read.etag()), (answer.data(), answer.etag()));
    assert_envelope!(answer);
}

#[tokio::test]
async fn put_and_patch_keep_what_is_left_out() {
    for method in METHODS {
        let service = Service::start().await;
        let mut config = s3("acme");
        config["enabled"] = false.into();
        config["desired_logs"] = json!(["a"]);
        service.create(config).await;
        let answer = service
            .send(update(method, &json!({"bucket_name": "another-bucket"})))
            .await
            .expect(200);
        assert_eq!(answer.data()["bucket_name"], "another-bucket");
        assert_eq!(answer.data()["enabled"], false);
        assert_eq!(answer.data()["desired_logs"], json!(["a"]));
    }
}

#[tokio::test]
async fn null_removes_an_optional_field_and_returns_others_to_their_default() {
    for method in METHODS {
        let service = Service::start().await;
        let mut config = s3("acme");
        config["enabled"] = false.into();
        config["bucket_prefix"] = "other/".into();
        config["target_region"] = "us-east-1".into();
        service.create(config).await;
        let nulls = json!({"enabled": null, "bucket_prefix": null, "target_region": null});
        let answer = service.send(update(method, &nulls)).await.expect(200);
        assert_eq!(answer.data()["enabled"], true);
        assert_eq!(answer.data()["bucket_prefix"], "ROSA/cluster-logs/");
        assert_eq!(answer.data().get("target_region"), None);
    }
}

#[tokio::test]
async fn a_required_field_cannot_be_removed() {
    let service = Service::start().await;
    service.create(cloudwatch("acme")).await;
    for method in METHODS {
        let call = Call::new(method, &config_path("acme", "cloudwatch")).json(&json!({"log_group_name": null}));
        let answer = service.send(call).await.expect(422);
        assert_eq!(answer.broken_rules(), [("log_group_name", "required")]);
    }
}

#[tokio::test]
async fn tenant_and_type_may_be_absent_empty_or_equal_and_nothing_else() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    for method in METHODS {
        for keys in [
            json!({}),
            json!({"tenant_id": "", "type": ""}),
            json!({"tenant_id": "acme", "type": "s3"}),
        ] {
            let mut body = json!({"enabled": false});
            body.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            service.send(update(method, &body)).await.expect(200);
        }
        for keys in [json!({"tenant_id": "other"}), json!({"type": "cloudwatch"})] {
            let mut body = json!({"enabled": true});
            body.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            service.send(update(method, &body)).await.expect(400);
        }
    }
    assert_eq!(
        service.send(Call::get(&config_path("acme", "s3"))).await.data()["enabled"],
        false
    );
}

#[tokio::test]
async fn nothing_to_update_is_a_400() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    for method in METHODS {
        for body in [
            json!({}),
            json!({"type": "s3"}),
            json!({"created_at": "2024-01-15T10:30:00Z"}),
        ] {
            service.send(update(method, &body)).await.expect(400);
        }
    }
    assert_envelope!(service.send(update("PATCH", &json!({}))).await);
}

#[tokio::test]
async fn what_does_not_exist_is_a_404_and_is_not_created() {
    let service = Service::start().await;
    for method in METHODS {
        service
            .send(update(method, &json!({"enabled": false})))
            .await
            .expect(404);
    }
    assert_eq!(service.get_item("acme", "s3").await, None);
}

#[tokio::test]
async fn attributes_outside_the_model_survive() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let mut item = service.get_item("acme", "s3").await.unwrap();
    item.insert("note".to_owned(), text("by hand"));
    service
        .put_item(item.iter().map(|(name, value)| (name.as_str(), value.clone())))
        .await;
    service
        .send(update("PUT", &json!({"enabled": false})))
        .await
        .expect(200);
    assert_eq!(service.get_item("acme", "s3").await.unwrap()["note"], text("by hand"));
}

#[tokio::test]
async fn a_broken_item_that_a_person_wrote_can_be_fixed() {
    let service = Service::start().await;
    let broken = [
        ("tenant_id", text("acme")),
        ("type", text("s3")),
        ("bucket_name", AttributeValue::Bool(true)),
    ];
    service.put_item(broken).await;
    let fix = json!({"bucket_name": "acme-corp-logs", "enabled": true, "bucket_prefix": null});
    let answer = service
        .send(update("PATCH", &fix).header("If-Match", "\"0\""))
        .await
        .expect(200);
    assert_ne!(answer.etag(), "\"0\"");
    let validation = service
        .send(Call::get(&format!("{}/validate", config_path("acme", "s3"))))
        .await;
    assert_eq!(validation.data()["valid"], true);
}

#[tokio::test]
async fn a_merge_patch_is_taken_by_patch_alone() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let merge_patch = |method| {
        Call::new(method, &config_path("acme", "s3"))
            .header("Content-Type", "application/merge-patch+json; charset=utf-8")
            .body(r#"{"enabled":false}"#)
    };
    service.send(merge_patch("PATCH")).await.expect(200);
    assert_envelope!(service.send(merge_patch("PUT")).await.expect(415));
}
