//! The tables of webhooks for each test, endpoints and deliveries.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use tenant_core::{
    ConfigKey,
    history::Revision,
    webhook::{
        Attempt, Content, Delivery, DeliveryOrigin, EventId, EventType, Networks, Scope, Webhook, WebhookId,
        parse_webhook,
    },
};
use tenant_store::{
    schema::ensure_table,
    webhooks::{DELIVERIES, DeliveryStore, ENDPOINTS, WakeUp, WebhookStore},
};
use testing::EmbeddedDynamoDb;

use crate::harness::{NOW, at};

pub(crate) const WEBHOOKS: &str = "test-webhooks";
pub(crate) const ROWS: &str = "test-webhook-deliveries";

pub(crate) struct Tables {
    pub(crate) dynamodb: EmbeddedDynamoDb,
    pub(crate) webhooks: WebhookStore,
    pub(crate) deliveries: DeliveryStore,
}

impl Tables {
    pub(crate) async fn start() -> Self {
        let dynamodb = EmbeddedDynamoDb::start().await;
        ensure_table(&dynamodb.client, WEBHOOKS, &ENDPOINTS).await.unwrap();
        ensure_table(&dynamodb.client, ROWS, &DELIVERIES).await.unwrap();
        Self {
            webhooks: WebhookStore::new(dynamodb.client.clone(), WEBHOOKS),
            deliveries: DeliveryStore::new(dynamodb.client.clone(), ROWS),
            dynamodb,
        }
    }

    pub(crate) async fn put(&self, table: &str, item: impl IntoIterator<Item = (&str, AttributeValue)>) {
        let item = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = self.dynamodb.client.put_item().table_name(table).set_item(Some(item));
        request.send().await.unwrap();
    }

    /// What is due at a time, by the position of the row.
    pub(crate) async fn due(&self, now: DateTime<Utc>) -> Vec<WakeUp> {
        let due = self.deliveries.due(now, 100).await.unwrap();
        due.into_iter().map(|due| due.wake_up).collect()
    }
}

pub(crate) fn acme() -> Scope {
    Scope::Tenant("acme".parse().unwrap())
}

pub(crate) fn webhook(number: u8, scope: Scope) -> Webhook {
    let body = br#"{"url":"https://example.com/a","events":["delivery_config.created"],"types":["s3"],"description":"one","headers":{"x-a":"b"}}"#;
    let settings = parse_webhook(body, &scope, &Networks::default()).unwrap();
    Webhook::new(
        WebhookId::new([number; 16]),
        scope,
        settings,
        at(NOW + i64::from(number)),
    )
}

pub(crate) fn event(number: u64, seconds: i64) -> EventId {
    let revision = Revision::from_record("2023-11-01T00:00:00.000", &number.to_string(), at(NOW + seconds));
    EventId::for_revision(&ConfigKey::new("acme", "s3").unwrap(), revision.unwrap())
}

pub(crate) fn delivery(webhook: u8, event: EventId, now: DateTime<Utc>) -> Delivery {
    let content = Content::Change(ConfigKey::new("acme", "s3").unwrap());
    let owner = (acme(), WebhookId::new([webhook; 16]));
    Delivery::new(
        owner,
        (event, EventType::ConfigUpdated, content),
        DeliveryOrigin::Event,
        now,
    )
}

pub(crate) fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        at: "2023-11-14T22:13:20.000Z".to_owned(),
        duration_ms: 12,
        status: Some(500),
        error: Some("the response has the status 500".to_owned()),
        response: Some("oops".to_owned()),
    }
}
