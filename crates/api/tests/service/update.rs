use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3, text};

const METHODS: [&str; 2] = ["PUT", "PATCH"];

fn update(method: &str, body: &Value) -> Call {
    Call::new(method, &config_path("acme", "s3")).json(body)
}

#[tokio::test]
async fn update_returns_200_with_the_whole_configuration_and_its_new_tag() {
    let service = Service::start().await;
    let created = service.create(s3("acme")).await;
    let response = service
        .send(update("PATCH", &json!({"enabled": false})))
        .await
        .expect(200);
    assert_ne!(response.etag(), created.etag());
    let read = service.send(Call::get(&config_path("acme", "s3"))).await;
    assert_eq!((read.data(), read.etag()), (response.data(), response.etag()));
    assert_envelope!(response);
}

#[tokio::test]
async fn put_and_patch_keep_omitted_fields() {
    for method in METHODS {
        let service = Service::start().await;
        let mut config = s3("acme");
        config["enabled"] = false.into();
        config["desired_logs"] = json!(["a"]);
        service.create(config).await;
        let response = service
            .send(update(method, &json!({"bucket_name": "another-bucket"})))
            .await
            .expect(200);
        assert_eq!(response.data()["bucket_name"], "another-bucket");
        assert_eq!(response.data()["enabled"], false);
        assert_eq!(response.data()["desired_logs"], json!(["a"]));
    }
}

#[tokio::test]
async fn null_removes_an_optional_field_or_resets_it_to_its_default() {
    for method in METHODS {
        let service = Service::start().await;
        let mut config = s3("acme");
        config["enabled"] = false.into();
        config["bucket_prefix"] = "other/".into();
        config["target_region"] = "us-east-1".into();
        service.create(config).await;
        let nulls = json!({"enabled": null, "bucket_prefix": null, "target_region": null});
        let response = service.send(update(method, &nulls)).await.expect(200);
        assert_eq!(response.data()["enabled"], true);
        assert_eq!(response.data()["bucket_prefix"], "ROSA/cluster-logs/");
        assert_eq!(response.data().get("target_region"), None);
    }
}

#[tokio::test]
async fn required_field_cannot_be_removed() {
    let service = Service::start().await;
    service.create(cloudwatch("acme")).await;
    for method in METHODS {
        let call = Call::new(method, &config_path("acme", "cloudwatch")).json(&json!({"log_group_name": null}));
        let response = service.send(call).await.expect(422);
        assert_eq!(response.broken_rules(), [("log_group_name", "required")]);
    }
}

#[tokio::test]
async fn role_and_region_of_different_partitions_return_422_and_change_nothing() {
    const GOV_ROLE: &str = "arn:aws-us-gov:iam::123456789012:role/a";
    let service = Service::start().await;
    let mut config = cloudwatch("acme");
    config["target_region"] = "us-east-1".into();
    let created = service.create(config).await;
    let path = config_path("acme", "cloudwatch");
    for (body, field) in [
        (
            json!({"log_distribution_role_arn": GOV_ROLE}),
            "log_distribution_role_arn",
        ),
        (json!({"target_region": "us-gov-west-1"}), "target_region"),
        (
            json!({"target_region": "cn-north-1", "enabled": false}),
            "target_region",
        ),
        (
            json!({"log_distribution_role_arn": GOV_ROLE, "target_region": "us-east-1"}),
            "target_region",
        ),
    ] {
        for method in METHODS {
            let call = Call::new(method, &path).json(&body);
            let response = service.send(call.clone()).await.expect(422);
            assert_eq!(response.broken_rules(), [(field, "conflict")]);
            let response = service.send(call.header("If-Match", created.etag())).await.expect(422);
            assert_eq!(response.broken_rules(), [(field, "conflict")]);
        }
    }
    let unchanged = service.send(Call::get(&path)).await.expect(200);
    assert_eq!(unchanged.data(), created.data());
}

#[tokio::test]
async fn role_and_region_can_move_to_another_partition_together_or_one_after_the_other() {
    let service = Service::start().await;
    let mut config = cloudwatch("acme");
    config["target_region"] = "us-east-1".into();
    service.create(config).await;
    let path = config_path("acme", "cloudwatch");
    let gov = json!({"log_distribution_role_arn": "arn:aws-us-gov:iam::123456789012:role/a"});
    let aws = json!({"log_distribution_role_arn": "arn:aws:iam::123456789012:role/a"});
    let both =
        json!({"log_distribution_role_arn": "arn:aws-cn:iam::123456789012:role/a", "target_region": "cn-north-1"});
    for body in [
        json!({"target_region": null}),
        gov.clone(),
        json!({"target_region": "us-gov-west-1"}),
        json!({"target_region": "mars-north-1"}),
        aws,
        both,
        json!({"target_region": null}),
        gov,
    ] {
        service.send(Call::patch(&path).json(&body)).await.expect(200);
    }
    service
        .send(Call::patch(&config_path("nobody", "cloudwatch")).json(&json!({"target_region": "us-east-1"})))
        .await
        .expect(404);
}

#[tokio::test]
async fn tenant_and_type_may_only_be_absent_empty_or_equal() {
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
async fn update_without_a_change_returns_400() {
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
async fn missing_configuration_returns_404_and_is_not_created() {
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
async fn invalid_hand_written_item_can_be_fixed() {
    let service = Service::start().await;
    let broken = [
        ("tenant_id", text("acme")),
        ("type", text("s3")),
        ("bucket_name", AttributeValue::Bool(true)),
    ];
    service.put_item(broken).await;
    let fix = json!({"bucket_name": "acme-corp-logs", "enabled": true, "bucket_prefix": null});
    let read = service.send(Call::get(&config_path("acme", "s3"))).await.expect(200);
    let response = service
        .send(update("PATCH", &fix).header("If-Match", read.etag()))
        .await
        .expect(200);
    assert_ne!(response.etag(), read.etag());
    let validation = service
        .send(Call::get(&format!("{}/validate", config_path("acme", "s3"))))
        .await;
    assert_eq!(validation.data()["valid"], true);
}

#[tokio::test]
async fn merge_patch_is_accepted_by_patch_only() {
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
