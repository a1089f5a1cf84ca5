//! One configuration through its whole life, with the generated client.

mod signing;

use std::env;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use signing::Signing;
use tenant_api::{
    apis::{
        Error, configuration::Configuration, delivery_configurations_api as configs, lists_api as lists, service_api,
    },
    models::{DeliveryConfig, DeliveryConfigChanges, DeliveryConfigCreation, DeliveryType, HealthStatus, S3Creation},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let api = client("BASE_URL")?;
    let tenant = format!("rust-{}", Utc::now().timestamp_micros());
    let s3 = DeliveryType::S3;
    ensure!(service_api::get_health(&api).await?.data.status == HealthStatus::Healthy);

    let mut creation = S3Creation::new("generated-logs".to_owned(), tenant.clone(), s3);
    creation.desired_logs = Some(Some(vec!["ü".to_owned()]));
    let creation = DeliveryConfigCreation::S3Creation(Box::new(creation));
    let created = *configs::create_delivery_config(&api, &tenant, creation, None, None, None).await?.data;
    ensure!(created.enabled && created.desired_logs == Some(vec!["ü".to_owned()]), "{created:?}");
    ensure!(created.bucket_prefix.as_deref() == Some("ROSA/cluster-logs/"), "{created:?}");

    let read = configs::get_delivery_config(&api, &tenant, s3, None, None, None).await?;
    ensure!(*read.data == created, "{read:?}");
    let listed = lists::list_tenant_delivery_configs(&api, &tenant).await?;
    ensure!(listed.data.configurations == [created.clone()], "{listed:?}");
    ensure!(walk(&api).await?.contains(&created));

    let mut changes = DeliveryConfigChanges::new();
    changes.enabled = Some(Some(false));
    let paused = configs::patch_delivery_config(&api, &tenant, s3, changes, None, None, None, None).await?;
    ensure!(!paused.data.enabled, "{paused:?}");
    let mut changes = DeliveryConfigChanges::new();
    changes.target_region = Some(Some("us-west-2".to_owned()));
    changes.desired_logs = Some(None);
    let moved = *configs::put_delivery_config(&api, &tenant, s3, changes, None, None, None, None).await?.data;
    ensure!(moved.target_region.as_deref() == Some("us-west-2") && !moved.enabled, "{moved:?}");
    ensure!(moved.desired_logs.is_none(), "{moved:?}");
    let report = configs::validate_delivery_config(&api, &tenant, s3, Some(false)).await?;
    ensure!(report.data.valid, "{report:?}");

    let deleted = configs::delete_delivery_config(&api, &tenant, s3, None, None, None).await?;
    ensure!(deleted.message.contains(&tenant), "{deleted:?}");
    match configs::get_delivery_config(&api, &tenant, s3, None, None, None).await {
        Err(Error::ResponseError(missing)) => ensure!(missing.status == 404, "{missing:?}"),
        other => anyhow::bail!("deleted, but {other:?}"),
    }

    let odd = lists::list_tenant_delivery_configs(&client("ODD_URL")?, "odd").await?;
    ensure!(odd.data.configurations.len() == variable("ODD_COUNT")?.parse::<usize>()?, "{odd:?}");
    Ok(())
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| name.to_owned())
}

fn client(url: &str) -> Result<Configuration> {
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(Signing { key: variable("PSK")? })
        .build();
    Ok(Configuration {
        base_path: variable(url)?,
        client,
        ..Configuration::default()
    })
}

async fn walk(api: &Configuration) -> Result<Vec<DeliveryConfig>> {
    let mut all = Vec::new();
    let mut last_key = None;
    loop {
        let page = lists::list_delivery_configs(api, Some(1), last_key.as_deref(), None).await?.data;
        all.extend(page.configurations);
        last_key = page.last_key;
        if last_key.is_none() {
            return Ok(all);
        }
    }
}
