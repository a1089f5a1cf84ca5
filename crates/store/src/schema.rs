//! Tables themselves: key and time to live. In production the CloudFormation template creates them; this module creates
//! the same tables for the local server and the tests.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
        TimeToLiveStatus,
    },
};

use crate::error::{StoreError, unbuildable};

/// What makes a table the table of a resource. Keys are strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSchema {
    /// The attribute that is the partition key.
    pub partition_key: &'static str,
    /// The attribute that is the sort key.
    pub sort_key: &'static str,
    /// The attribute with the time to live, in seconds since 1970.
    pub ttl: &'static str,
}

/// Creates the table unless it exists. Safe to call again.
pub async fn ensure_table(client: &Client, table: &str, schema: &TableSchema) -> Result<(), StoreError> {
    let created = client
        .create_table()
        .table_name(table)
        .set_attribute_definitions(Some(vec![
            attribute(schema.partition_key)?,
            attribute(schema.sort_key)?,
        ]))
        .set_key_schema(Some(vec![
            key(schema.partition_key, KeyType::Hash)?,
            key(schema.sort_key, KeyType::Range)?,
        ]))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
    match created {
        Ok(_) => {}
        Err(error) if already_exists(&error) => {}
        Err(error) => return Err(StoreError::from_sdk(error)),
    }
    // Read, not assumed: the table may come from a start that ended between the two steps.
    let request = client.describe_time_to_live().table_name(table);
    let response = request.send().await.map_err(StoreError::from_sdk)?;
    let description = response.time_to_live_description;
    match description.and_then(|description| description.time_to_live_status) {
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => Ok(()),
        _ => enable_ttl(client, table, schema.ttl).await,
    }
}

fn already_exists(error: &SdkError<CreateTableError>) -> bool {
    error
        .as_service_error()
        .is_some_and(CreateTableError::is_resource_in_use_exception)
}

async fn enable_ttl(client: &Client, table: &str, attribute: &str) -> Result<(), StoreError> {
    let specification = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true)
        .build()
        .map_err(unbuildable)?;
    let request = client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(specification);
    request.send().await.map(drop).map_err(StoreError::from_sdk)
}

fn attribute(name: &str) -> Result<AttributeDefinition, StoreError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(unbuildable)
}

fn key(name: &str, key_type: KeyType) -> Result<KeySchemaElement, StoreError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(key_type)
        .build()
        .map_err(unbuildable)
}
