//! Tables themselves: key, indexes and time to live. In production the CloudFormation template creates them; this module
//! creates the same tables for the local server and the tests.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
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
    /// Its global secondary indexes.
    pub indexes: &'static [IndexSchema],
}

/// A global secondary index, which contains every attribute of the items that have both of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSchema {
    /// The name.
    pub name: &'static str,
    /// The attribute that is the partition key.
    pub partition_key: &'static str,
    /// The attribute that is the sort key.
    pub sort_key: &'static str,
}

/// Creates the table unless it exists. Safe to call again.
pub async fn ensure_table(client: &Client, table: &str, schema: &TableSchema) -> Result<(), StoreError> {
    let indexes = schema.indexes.iter().map(index).collect::<Result<Vec<_>, _>>()?;
    let created = client
        .create_table()
        .table_name(table)
        .set_attribute_definitions(Some(attributes(schema)?))
        .set_key_schema(Some(keys(schema.partition_key, schema.sort_key)?))
        // DynamoDB rejects an empty list.
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
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

/// Each attribute once that is part of some key.
fn attributes(schema: &TableSchema) -> Result<Vec<AttributeDefinition>, StoreError> {
    let of_indexes = schema
        .indexes
        .iter()
        .flat_map(|index| [index.partition_key, index.sort_key]);
    let names: BTreeSet<_> = [schema.partition_key, schema.sort_key]
        .into_iter()
        .chain(of_indexes)
        .collect();
    names.into_iter().map(attribute).collect()
}

fn attribute(name: &str) -> Result<AttributeDefinition, StoreError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(unbuildable)
}

fn index(schema: &IndexSchema) -> Result<GlobalSecondaryIndex, StoreError> {
    GlobalSecondaryIndex::builder()
        .index_name(schema.name)
        .set_key_schema(Some(keys(schema.partition_key, schema.sort_key)?))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .map_err(unbuildable)
}

fn keys(partition_key: &str, sort_key: &str) -> Result<Vec<KeySchemaElement>, StoreError> {
    Ok(vec![key(partition_key, KeyType::Hash)?, key(sort_key, KeyType::Range)?])
}

fn key(name: &str, key_type: KeyType) -> Result<KeySchemaElement, StoreError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(key_type)
        .build()
        .map_err(unbuildable)
}
