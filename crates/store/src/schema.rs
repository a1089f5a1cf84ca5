//! The table itself: its key and its time to live. In production the CloudFormation template makes the table; this makes
//! the same one for the local server and the tests.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
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
        Ok(_) => expire_by_ttl(client, table).await,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(StoreError::from_sdk(error)),
    }
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
    StoreError::from_sdk(SdkError::<CreateTableError, ()>::construction_failure(error))
}
