//! Entries become deliveries for the endpoints that want them, once each.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::Utc;
use recorder::{FanOut, Recorder};
use tenant_core::webhook::{DeliveryStatus, EventId, EventType, Networks, Scope, Webhook, WebhookId, parse_webhook};
use tenant_store::{
    schema::ensure_table,
    webhooks::{DELIVERIES, DeliveryQuery, DeliveryStore, ENDPOINTS, WakeUp, WakeUpError, WakeUps, WebhookStore},
};
use testing::{Fault, FaultProxy};

use crate::harness::{Service, Stream, deliver, invocation, item, reconcile, recorder, sequence_number};

/// Keeps the messages, or loses them.
#[derive(Debug, Default)]
struct Messages {
    sent: Mutex<Vec<WakeUp>>,
    are_lost: bool,
}

impl WakeUps for Messages {
    fn send<'a>(
        &'a self,
        wake_ups: Vec<WakeUp>,
        _delay: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<(), WakeUpError>> + Send + 'a>> {
        let outcome = if self.are_lost {
            Err(WakeUpError("lost".into()))
        } else {
            self.sent.lock().unwrap().extend(wake_ups);
            Ok(())
        };
        Box::pin(async { outcome })
    }
}

struct Subscribed {
    service: Service,
    webhooks: WebhookStore,
    deliveries: DeliveryStore,
    messages: Arc<Messages>,
    recorder: Recorder,
}

impl Subscribed {
    async fn start(messages: Messages) -> Self {
        let service = Service::start().await;
        let client = &service.dynamodb.client;
        ensure_table(client, "webhooks", &ENDPOINTS).await.unwrap();
        ensure_table(client, "deliveries", &DELIVERIES).await.unwrap();
        let webhooks = WebhookStore::new(client.clone(), "webhooks");
        let deliveries = DeliveryStore::new(client.clone(), "deliveries");
        let messages = Arc::new(messages);
        let fan_out = FanOut::new(webhooks.clone(), deliveries.clone(), messages.clone());
        Self {
            recorder: recorder(client).with_webhooks(fan_out),
            service,
            webhooks,
            deliveries,
            messages,
        }
    }

    async fn subscribe(&self, number: u8, scope: Scope, more: &str) -> WebhookId {
        let body = format!(r#"{{"url":"https://example.com"{more}}}"#);
        let settings = parse_webhook(body.as_bytes(), &scope, &Networks::default()).unwrap();
        let webhook = Webhook::new(WebhookId::new([number; 16]), scope, settings, Utc::now());
        self.webhooks.create(&webhook).await.unwrap().value.id
    }

    /// What is queued for an endpoint: the types of the events, and their tenants.
    async fn queued(&self, webhook: &WebhookId) -> Vec<(EventType, String)> {
        let page = self.deliveries.page(webhook, &DeliveryQuery::default()).await.unwrap();
        let mut queued: Vec<_> = page
            .deliveries
            .iter()
            .map(|delivery| {
                assert_eq!(delivery.progress.status(), DeliveryStatus::Pending);
                (delivery.event_type, delivery.view().tenant_id.unwrap())
            })
            .collect();
        queued.sort();
        queued
    }
}

fn tenant(id: &str) -> Scope {
    Scope::Tenant(id.parse().unwrap())
}

#[tokio::test]
async fn change_is_queued_once_for_each_endpoint_that_wants_it() {
    let subscribed = Subscribed::start(Messages::default()).await;
    let acme = subscribed.subscribe(1, tenant("acme"), "").await;
    let other = subscribed.subscribe(2, tenant("other"), "").await;
    let all = subscribed
        .subscribe(3, Scope::Global, r#","events":["delivery_config.deleted"]"#)
        .await;
    let cloudwatch = subscribed
        .subscribe(4, Scope::Global, r#","types":["cloudwatch"]"#)
        .await;
    let mut stream = Stream::default();
    let (one, two) = (item("acme", "one"), item("acme", "two"));
    let records = [
        stream.record(None, Some(&one)),
        stream.record(Some(&one), Some(&two)),
        stream.record(Some(&two), Some(&two)),
        stream.record(Some(&two), None),
        stream.record(None, Some(&item("other", "one"))),
    ];
    for _ in 0..2 {
        assert_eq!(deliver(&subscribed.recorder, &records).await, None);
        let acme_events = [
            EventType::ConfigCreated,
            EventType::ConfigUpdated,
            EventType::ConfigDeleted,
        ];
        assert_eq!(
            subscribed.queued(&acme).await,
            acme_events.map(|event| (event, "acme".to_owned()))
        );
        assert_eq!(
            subscribed.queued(&other).await,
            [(EventType::ConfigCreated, "other".to_owned())]
        );
        assert_eq!(
            subscribed.queued(&all).await,
            [(EventType::ConfigDeleted, "acme".to_owned())]
        );
        assert_eq!(subscribed.queued(&cloudwatch).await, []);
    }
    let messages = subscribed.messages.sent.lock().unwrap();
    let rows: BTreeSet<_> = messages
        .iter()
        .map(|wake_up| (&wake_up.webhook_id, &wake_up.position))
        .collect();
    assert_eq!((rows.len(), messages.len()), (5, 5));
}

#[tokio::test]
async fn event_is_that_of_its_entry() {
    let subscribed = Subscribed::start(Messages::default()).await;
    let all = subscribed.subscribe(1, Scope::Global, "").await;
    deliver(
        &subscribed.recorder,
        &[Stream::default().record(None, Some(&item("acme", "one")))],
    )
    .await;
    let entry = &subscribed.service.entries("acme").await[0];
    assert!(
        subscribed
            .deliveries
            .get(&all, &EventId::for_entry(entry))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn messages_that_are_lost_keep_no_record_from_being_finished() {
    let lost = Messages {
        are_lost: true,
        ..Messages::default()
    };
    let subscribed = Subscribed::start(lost).await;
    let all = subscribed.subscribe(1, Scope::Global, "").await;
    let records = [Stream::default().record(None, Some(&item("acme", "one")))];
    assert_eq!(deliver(&subscribed.recorder, &records).await, None);
    assert_eq!(subscribed.queued(&all).await.len(), 1);
}

#[tokio::test]
async fn record_whose_deliveries_cannot_be_stored_is_delivered_again() {
    let subscribed = Subscribed::start(Messages::default()).await;
    let all = subscribed.subscribe(1, Scope::Global, "").await;
    let address = subscribed.service.dynamodb.address;
    let proxy = FaultProxy::start(address, &[Fault::Reject(400, "AccessDeniedException")]).await;
    let broken = DeliveryStore::new(proxy.client(), "deliveries");
    let fan_out = FanOut::new(subscribed.webhooks.clone(), broken, subscribed.messages.clone());
    let failing = recorder(&subscribed.service.dynamodb.client).with_webhooks(fan_out);
    let records = [Stream::default().record(None, Some(&item("acme", "one")))];
    assert_eq!(deliver(&failing, &records).await, Some(sequence_number(&records[0])));
    assert_eq!(subscribed.service.entries("acme").await.len(), 1, "the history has it");
    assert_eq!(deliver(&subscribed.recorder, &records).await, None);
    assert_eq!(subscribed.queued(&all).await.len(), 1);
}

#[tokio::test]
async fn what_a_comparison_observes_is_an_event() {
    let subscribed = Subscribed::start(Messages::default()).await;
    let all = subscribed.subscribe(1, Scope::Global, "").await;
    for tenant in ["acme", "other"] {
        subscribed.service.put(tenant, "one").await;
    }
    reconcile(&subscribed.recorder, &invocation()).await.unwrap();
    let observed = |tenant: &str| (EventType::ConfigObserved, tenant.to_owned());
    assert_eq!(subscribed.queued(&all).await, [observed("acme"), observed("other")]);
}
