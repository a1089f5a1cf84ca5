//! Configurations, a simulated AWS in which they work, and the result of a validation.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use serde::Serialize;
use serde_json::{Value, json};
use tenant_core::{Check, StoredConfig, check_stored};
use tenant_preflight::{Prober, Settings};
use tokio::time::Instant;

use crate::aws::{Aws, Bucket, BucketPolicy, LogGroup, Role, SERVICE_ACCOUNT, SERVICE_KEY, SERVICE_ROLE, World};

pub(crate) const CENTRAL: &str = "arn:aws:iam::111122223333:role/CentralLogDistribution";
pub(crate) const CUSTOMER: &str = "arn:aws:iam::444455556666:role/LogDistribution";
pub(crate) const CUSTOMER_ACCOUNT: &str = "444455556666";
pub(crate) const GROUP: &str = "/aws/logs/acme";
pub(crate) const BUCKET: &str = "acme-logs";

/// The result of a validation.
#[derive(Debug, Serialize)]
pub(crate) struct Validation {
    pub(crate) valid: bool,
    pub(crate) checks: Vec<Check>,
}

impl Validation {
    pub(crate) fn new(config: &StoredConfig, external: Vec<Check>) -> Self {
        let checks: Vec<Check> = check_stored(config, std::time::SystemTime::now().into())
            .into_iter()
            .chain(external)
            .collect();
        Self {
            valid: !checks.iter().any(Check::is_failure),
            checks,
        }
    }

    /// Each external check as `name:code`.
    pub(crate) fn external(&self) -> Vec<String> {
        let external = self
            .checks
            .iter()
            .filter(|check| tenant_core::Field::from_name(check.field).is_none());
        external
            .map(|check| format!("{}:{}", check.field, check.code))
            .collect()
    }
}

/// Validates `config` in `world`.
pub(crate) async fn validate(world: World, config: Value) -> Validation {
    validate_at(&Aws::start(world).await, config).await
}

pub(crate) async fn validate_at(aws: &Aws, config: Value) -> Validation {
    validate_with(sdk(&aws.endpoint), settings(), config).await
}

pub(crate) async fn validate_with(sdk: SdkConfig, settings: Settings, config: Value) -> Validation {
    let in_a_minute = Instant::now() + Duration::from_mins(1);
    validate_until(in_a_minute, sdk, settings, config).await
}

pub(crate) async fn validate_until(deadline: Instant, sdk: SdkConfig, settings: Settings, config: Value) -> Validation {
    let config = stored(config);
    let external = Prober::new(sdk, settings).probe(&config, deadline).await;
    Validation::new(&config, external)
}

/// With a deadline that suits a busy machine.
pub(crate) fn settings() -> Settings {
    Settings {
        deadline: Duration::from_secs(20),
        ..Settings::new(CENTRAL.parse().unwrap())
    }
}

pub(crate) fn sdk(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(SERVICE_KEY, "service-secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

pub(crate) fn stored(config: Value) -> StoredConfig {
    let Value::Object(attributes) = config else {
        unreachable!("the tests pass objects")
    };
    StoredConfig::from_attributes(attributes)
}

/// `config` with some members changed. Null removes one.
pub(crate) fn with(mut config: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        unreachable!("the tests pass objects")
    };
    for (name, value) in changes {
        if value.is_null() {
            config.as_object_mut().unwrap().remove(&name);
        } else {
            config[name] = value;
        }
    }
    config
}

pub(crate) fn cloudwatch() -> Value {
    json!({
        "tenant_id": "acme", "type": "cloudwatch", "log_distribution_role_arn": CUSTOMER, "log_group_name": GROUP,
        "target_region": "eu-west-1", "enabled": true,
        "created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:30:00Z"
    })
}

pub(crate) fn s3() -> Value {
    json!({
        "tenant_id": "acme", "type": "s3", "bucket_name": BUCKET, "bucket_prefix": "logs/", "target_region": "eu-west-1",
        "enabled": true, "created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:30:00Z"
    })
}

/// A world in which both configurations work.
pub(crate) fn working() -> World {
    World {
        roles: vec![
            Role {
                arn: CENTRAL.to_owned(),
                trusts: SERVICE_ROLE.to_owned(),
                external_id: None,
            },
            Role {
                arn: CUSTOMER.to_owned(),
                trusts: CENTRAL.to_owned(),
                external_id: Some(SERVICE_ACCOUNT.to_owned()),
            },
        ],
        log_groups: vec![LogGroup {
            account: CUSTOMER_ACCOUNT.to_owned(),
            region: "eu-west-1".to_owned(),
            name: GROUP.to_owned(),
            streams: vec![json!({"logStreamName": "app/1", "lastIngestionTime": 1_705_314_600_000_u64})],
        }],
        buckets: vec![Bucket {
            name: BUCKET.to_owned(),
            region: "eu-west-1".to_owned(),
            allowed_roles: vec![CENTRAL.to_owned()],
            policy: BucketPolicy::Private,
            shows_its_region: true,
        }],
        log_group_account: None,
        elsewhere_status: 301,
        denied: Vec::new(),
        faults: Vec::new(),
    }
}
