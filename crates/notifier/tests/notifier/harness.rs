//! Tables for each test, a notifier over them, and messages that the test delivers.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use chrono::{DateTime, TimeDelta, Utc};
use notifier::{Handled, Notifier, Report, Stores, http::Sender};
use serde_json::json;
use tenant_aws::parameter::Secret;
use tenant_core::{
    ConfigKey,
    history::{Entry, Image, Record, Retention, Revision},
    webhook::{
        Content, Delivery, DeliveryOrigin, EventId, EventType, MasterKey, Schedule, Scope, Webhook, WebhookId,
        parse_webhook,
    },
};
use tenant_store::{
    history::{self, HistoryStore},
    schema::ensure_table,
    webhooks::{DELIVERIES, DeliveryStore, ENDPOINTS, WakeUp, WakeUpError, WakeUps, WebhookStore},
};
use testing::EmbeddedDynamoDb;

pub(crate) const KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// Keeps the messages.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    sent: Mutex<Vec<(WakeUp, Duration)>>,
    fails: AtomicBool,
}

pub(crate) struct Service {
    dynamodb: EmbeddedDynamoDb,
    pub(crate) stores: Stores,
    pub(crate) messages: Arc<Messages>,
    pub(crate) notifier: Notifier,
    schedule: Schedule,
}

pub(crate) fn key() -> Arc<Secret<MasterKey>> {
    Arc::new(Secret::known(MasterKey::new(KEY).unwrap()))
}

fn sender() -> Sender {
    Sender::new("127.0.0.0/8".parse().unwrap())
}

impl WakeUps for Messages {
    fn send<'a>(
        &'a self,
        wake_ups: Vec<WakeUp>,
        delay: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<(), WakeUpError>> + Send + 'a>> {
        if self.fails.load(Ordering::Relaxed) {
            return Box::pin(async { Err(WakeUpError("the queue is gone".into())) });
        }
        self.sent
            .lock()
            .unwrap()
            .extend(wake_ups.into_iter().map(|wake_up| (wake_up, delay)));
        Box::pin(async { Ok(()) })
    }
}

impl Messages {
    pub(crate) fn take(&self) -> Vec<(WakeUp, Duration)> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    /// Takes no more.
    pub(crate) fn fail(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with_schedule("5,300").await
    }

    pub(crate) async fn with_schedule(schedule: &str) -> Self {
        Self::with_schedule_of(schedule.parse().unwrap()).await
    }

    pub(crate) async fn with_schedule_of(schedule: Schedule) -> Self {
        let dynamodb = EmbeddedDynamoDb::start().await;
        let client = &dynamodb.client;
        ensure_table(client, "webhooks", &ENDPOINTS).await.unwrap();
        ensure_table(client, "deliveries", &DELIVERIES).await.unwrap();
        ensure_table(client, "history", &history::SCHEMA).await.unwrap();
        let stores = Stores {
            webhooks: WebhookStore::new(client.clone(), "webhooks"),
            deliveries: DeliveryStore::new(client.clone(), "deliveries"),
            history: HistoryStore::new(client.clone(), "history"),
        };
        let messages = Arc::new(Messages::default());
        let notifier = Notifier::new(stores.clone(), messages.clone(), key(), sender(), schedule.clone());
        Self {
            dynamodb,
            stores,
            messages,
            notifier,
            schedule,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.dynamodb.address
    }

    pub(crate) fn client(&self) -> Client {
        self.dynamodb.client.clone()
    }

    /// A notifier with other tables, or another key.
    pub(crate) fn notifier_with(&self, stores: Stores, key: Arc<Secret<MasterKey>>) -> Notifier {
        Notifier::new(stores, self.messages.clone(), key, sender(), self.schedule.clone())
    }

    pub(crate) async fn create(&self, number: u8, scope: Scope, url: &str) -> Webhook {
        let body = json!({"url": url, "headers": {"x-token": "secret"}}).to_string();
        let settings = parse_webhook(body.as_bytes(), &scope, &"127.0.0.0/8".parse().unwrap()).unwrap();
        let webhook = Webhook::new(WebhookId::new([number; 16]), scope, settings, Utc::now());
        self.stores.webhooks.create(&webhook).await.unwrap();
        webhook
    }

    /// The same notifier, at the time that the function returns.
    pub(crate) fn notifier_at(&self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Notifier {
        self.notifier.clone().with_clock(clock)
    }

    /// A change in the history, without a delivery.
    pub(crate) async fn change(&self, tenant: &str, number: u64, at: DateTime<Utc>) -> Entry {
        let item =
            json!({"tenant_id": {"S": tenant}, "type": {"S": "s3"}, "bucket_name": {"S": format!("bucket-{number}")}});
        let record = Record {
            key: ConfigKey::new(tenant, "s3").unwrap(),
            revision: Revision::from_record("2023-11-01T00:00:00.000", &number.to_string(), at).unwrap(),
            old: None,
            new: Some(Image::from_json(item).unwrap()),
            identity: None,
        };
        let entry = record.into_entry(at).unwrap();
        self.stores.history.put(&entry, Retention::FOR_EVER).await.unwrap();
        entry
    }

    /// The delivery of a change, due now.
    pub(crate) async fn queue(&self, webhook: &Webhook, entry: &Entry) -> Delivery {
        let event = EventId::for_entry(entry);
        let content = (event, EventType::ConfigCreated, Content::Change(entry.key.clone()));
        let owner = (webhook.scope.clone(), webhook.id.clone());
        let delivery = Delivery::new(owner, content, DeliveryOrigin::Event, Utc::now());
        assert!(self.stores.deliveries.insert(&delivery).await.unwrap());
        delivery
    }

    pub(crate) async fn report(&self, delivery: &Delivery) -> Report {
        self.notifier.handle(&WakeUp::for_delivery(delivery)).await.unwrap()
    }

    pub(crate) async fn handle(&self, delivery: &Delivery) -> Handled {
        self.report(delivery).await.handled
    }

    pub(crate) async fn delivery(&self, delivery: &Delivery) -> Delivery {
        self.stores
            .deliveries
            .get(&delivery.webhook, &delivery.event)
            .await
            .unwrap()
    }

    /// Lets time pass for a delivery: it is due now.
    pub(crate) async fn make_due(&self, delivery: &Delivery) {
        let read = self.delivery(delivery).await;
        let due_at = Utc::now() - TimeDelta::seconds(1);
        assert!(self.stores.deliveries.postpone(&read, due_at).await.unwrap());
    }

    /// Delivers all messages without their delays, until there are none.
    pub(crate) async fn drain(&self) {
        for _ in 0..1000 {
            let messages = self.messages.take();
            if messages.is_empty() {
                return;
            }
            for (wake_up, delay) in messages {
                tokio::time::sleep(delay).await;
                self.notifier.handle(&wake_up).await.unwrap();
            }
        }
        panic!("messages without end");
    }
}

pub(crate) fn acme() -> Scope {
    Scope::Tenant("acme".parse().unwrap())
}
