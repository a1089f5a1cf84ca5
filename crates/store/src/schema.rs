//! The table itself: its key and its time to live. In production the CloudFormation template makes the table; this makes
//! the same one for the local server and the tests.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
        TimeToLiveStatus,
    },
};
use tenant_core::Field;

use crate::error::{BoxError, StoreError};

/// Makes the table unless it is there. Safe to call again.
pub async fn ensure_table(client: &Client, table: &str) -> Result<(), StoreError> {
    let created = client
        .create_table()
        .table_name(table)
        .set_attribute_definitions(Some(vec![attribute(Field::TenantId)?, attribute(Field::Type)?]))
        .set_key_schema(Some(vec![
            key(Field::TenantId, KeyType::Hash)?,
            key(Field::Type, KeyType::Range)?,
        ]))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
    match created {
        Ok(_) => {}
        Err(error) if is_already_there(&error) => {}
        Err(error) => return Err(StoreError::from_sdk(error)),
    }
    // Asked for, not assumed: the table may come from a start that ended between the two steps.
    let request = client.describe_time_to_live().table_name(table);
    let answer = request.send().await.map_err(StoreError::from_sdk)?;
    let description = answer.time_to_live_description;
    match description.and_then(|description| description.time_to_live_status) {
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => Ok(()),
        _ => expire_by_ttl(client, table).await,
    }
}

fn is_already_there(error: &SdkError<CreateTableError>) -> bool {
    error
        .as_service_error()
        .is_some_and(CreateTableError::is_resource_in_use_exception)
}

async fn expire_by_ttl(client: &Client, table: &str) -> Result<(), StoreError> {
    let specification = TimeToLiveSpecification::builder()
        .attribute_name(Field::Ttl.name())
        .enabled(true)
        .build()
        .map_err(unbuildable)?;
    let request = client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(specification);
    request.send().await.map(drop).map_err(StoreError::from_sdk)
}

fn attribute(field: Field) -> Result<AttributeDefinition, StoreError> {
    AttributeDefinition::builder()
        .attribute_name(field.name())
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(unbuildable)
}

fn key(field: Field, key_type: KeyType) -> Result<KeySchemaElement, StoreError> {
    KeySchemaElement::builder()
        .attribute_name(field.name())
        .key_type(key_type)
        .build()
        .map_err(unbuildable)
}

fn unbuildable(error: impl Into<BoxError>) -> StoreError {
    StoreError::from_sdk(SdkError::<CreateTableError>::construction_failure(error))
}
