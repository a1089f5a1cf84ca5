//! The health of endpoints: who is left alone, who is given up, and who gets an event of it.

use chrono::{TimeDelta, Utc};
use notifier::Handled;
use serde_json::Value;
use tenant_core::webhook::{DeliveryOrigin, DeliveryStatus, Scope, WebhookStatus};

use crate::{
    harness::{Service, acme},
    subscriber::{Reaction, Subscriber, ok, response},
};

#[tokio::test]
async fn endpoint_that_fails_ten_times_is_left_alone_and_the_operator_gets_an_event() {
    let service = Service::start().await;
    let (failing, healthy, operator) = (
        Subscriber::start(&[response(500, "", "")]).await,
        Subscriber::start(&[ok()]).await,
        Subscriber::start(&[ok()]).await,
    );
    let (one, other) = (
        service.create(1, acme(), &failing.url()).await,
        service.create(2, acme(), &healthy.url()).await,
    );
    service.create(3, Scope::Global, &operator.url()).await;
    let mut deliveries = Vec::new();
    for number in 1..=15 {
        let entry = service.change("acme", number, Utc::now()).await;
        deliveries.push(service.queue(&one, &entry).await);
        service.queue(&other, &entry).await;
    }
    let mut postponed = 0;
    for delivery in &deliveries {
        postponed += u32::from(service.handle(delivery).await == Handled::Postponed);
    }
    assert_eq!((failing.connections(), postponed), (10, 5));
    let stored = service.delivery(&deliveries[14]).await;
    assert_eq!(
        (stored.tries, stored.attempts.len()),
        (0, 0),
        "being left alone costs no attempt"
    );
    let wait = (stored.progress.due_at().unwrap() - Utc::now()).num_seconds();
    assert!((50..=60).contains(&wait), "{wait}");
    assert_eq!(
        service
            .stores
            .webhooks
            .get(&acme(), &one.id)
            .await
            .unwrap()
            .value
            .status(),
        WebhookStatus::Failing
    );

    // Others are not affected.
    service.messages.take();
    for due in service.notifier.sweep(Utc::now()).await.unwrap() {
        service.notifier.handle(&due.wake_up).await.unwrap();
    }
    assert_eq!(healthy.received().len(), 15);
    let [request] = &operator.received()[..] else {
        panic!("one operational event")
    };
    let event: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["webhook_id"]),
        (&"endpoint.failing".into(), &one.id.to_string().into())
    );
}

#[tokio::test]
async fn subscriber_that_is_gone_is_disabled_and_its_other_deliveries_are_cancelled() {
    let (service, subscriber) = (
        Service::start().await,
        Subscriber::start(&[response(410, "", "")]).await,
    );
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let mut deliveries = Vec::new();
    for number in 1..=3 {
        deliveries.push(
            service
                .queue(&webhook, &service.change("acme", number, Utc::now()).await)
                .await,
        );
    }
    assert_eq!(
        service.handle(&deliveries[0]).await,
        Handled::Attempted(DeliveryStatus::Failed)
    );
    for delivery in &deliveries[1..] {
        assert_eq!(
            service.handle(delivery).await,
            Handled::GivenUp(DeliveryStatus::Cancelled)
        );
    }
    let stored = service.stores.webhooks.get(&acme(), &webhook.id).await.unwrap().value;
    assert_eq!(
        (stored.status(), subscriber.connections()),
        (WebhookStatus::Disabled, 1)
    );
}

#[tokio::test]
async fn what_somebody_asks_for_says_nothing_about_the_endpoint() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[Reaction::Close]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    for number in 1..=12 {
        let delivery = service
            .queue(&webhook, &service.change("acme", number, Utc::now()).await)
            .await;
        let deliveries = &service.stores.deliveries;
        deliveries
            .restart(&webhook.id, &delivery.event, DeliveryOrigin::Redelivery, Utc::now())
            .await
            .unwrap();
        service.handle(&delivery).await;
    }
    assert_eq!(subscriber.connections(), 12);
    let stored = service.stores.webhooks.get(&acme(), &webhook.id).await.unwrap().value;
    assert_eq!(stored.status(), WebhookStatus::Enabled);
    assert!(Utc::now() - stored.created_at < TimeDelta::minutes(5));
}
