//! Reading one configuration or a tenant's, and checking whether the table exists.

use aws_sdk_dynamodb::types::{TimeToLiveSpecification, TimeToLiveStatus};
use tenant_core::{
    ConfigKey,
    DeliveryType::{CloudWatch, S3},
};
use tenant_store::{StoreError, configs::SCHEMA};

use crate::harness::{Harness, NOW, TABLE, cloudwatch, item, key, now, number, request, s3, text};

#[tokio::test]
async fn unknown_configuration_is_not_found_and_unknown_tenant_has_an_empty_list() {
    let harness = Harness::start().await;
    assert_eq!(harness.get("acme", S3).await, None);
    assert_eq!(harness.store.list_tenant("acme", now()).await.unwrap(), []);
}

#[tokio::test]
async fn list_of_a_tenant_has_only_its_configurations_by_type() {
    let harness = Harness::start().await;
    let s3_config = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let cloudwatch_config = harness
        .store
        .create(&cloudwatch("acme"), &request(), now())
        .await
        .unwrap();
    harness.store.create(&s3("acme-corp"), &request(), now()).await.unwrap();
    let listed = harness.store.list_tenant("acme", now()).await.unwrap();
    assert_eq!(listed, [cloudwatch_config.value.clone(), s3_config.value]);
    assert_eq!(harness.get("acme", CloudWatch).await, Some(cloudwatch_config));
}

#[tokio::test]
async fn partition_of_several_megabytes_is_read_to_its_end() {
    let harness = Harness::start().await;
    let bulk = "x".repeat(350_000);
    for n in 0..10 {
        let delivery_type = format!("type{n}");
        let ttl = if n % 2 == 0 { NOW - 1 } else { NOW + 1 };
        harness
            .put(item([
                ("tenant_id", text("acme")),
                ("type", text(&delivery_type)),
                ("bulk", text(&bulk)),
                ("ttl", number(ttl)),
            ]))
            .await;
    }
    let listed = harness.store.list_tenant("acme", now()).await.unwrap();
    let types: Vec<&str> = listed.iter().map(tenant_core::StoredConfig::delivery_type).collect();
    assert_eq!(types, ["type1", "type3", "type5", "type7", "type9"]);
}

#[tokio::test]
async fn siblings_are_the_other_items_of_the_tenant_expired_or_not() {
    let harness = Harness::start().await;
    let acme = key("acme", S3);
    assert!(harness.store.get_with_siblings(&acme, now()).await.unwrap().is_none());
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    harness.store.create(&s3("other"), &request(), now()).await.unwrap();
    for (delivery_type, ttl) in [("splunk", NOW - 1), ("firehose", NOW + 1)] {
        let attributes = [
            ("tenant_id", text("acme")),
            ("type", text(delivery_type)),
            ("ttl", number(ttl)),
        ];
        harness.put(item(attributes)).await;
    }
    let found = harness.store.get_with_siblings(&acme, now()).await.unwrap().unwrap();
    assert_eq!(found.config, created.value);
    let types: Vec<&str> = found
        .siblings
        .iter()
        .map(tenant_core::StoredConfig::delivery_type)
        .collect();
    assert_eq!(types, ["firehose", "splunk"]);
    let expired = ConfigKey::new("acme", "splunk").unwrap();
    assert!(
        harness
            .store
            .get_with_siblings(&expired, now())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn ping_of_a_missing_table_is_an_error() {
    let harness = Harness::start().await;
    harness.store.ping().await.unwrap();
    let missing = Harness::start_without_table().await.store.ping().await;
    assert!(matches!(missing, Err(StoreError::TableMissing(_))), "{missing:?}");
}

#[tokio::test]
async fn creating_the_table_twice_is_safe() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    tenant_store::schema::ensure_table(&harness.client, TABLE, &SCHEMA)
        .await
        .unwrap();
    assert!(harness.get("acme", S3).await.is_some());
}

#[tokio::test]
async fn table_without_time_to_live_gets_it() {
    let harness = Harness::start().await;
    let specification = TimeToLiveSpecification::builder()
        .attribute_name("ttl")
        .enabled(false)
        .build()
        .unwrap();
    let request = harness
        .client
        .update_time_to_live()
        .table_name(TABLE)
        .time_to_live_specification(specification);
    request.send().await.unwrap();
    tenant_store::schema::ensure_table(&harness.client, TABLE, &SCHEMA)
        .await
        .unwrap();
    let response = harness
        .client
        .describe_time_to_live()
        .table_name(TABLE)
        .send()
        .await
        .unwrap();
    let description = response.time_to_live_description.unwrap();
    assert_eq!(description.time_to_live_status, Some(TimeToLiveStatus::Enabled));
    assert_eq!(description.attribute_name.as_deref(), Some("ttl"));
}
