//! Deliveries: attempts, repetitions, and what happens to those that are lost.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use notifier::Handled;
use serde_json::Value;
use tenant_core::webhook::{
    DeliveryOrigin, DeliveryStatus, MasterKey, Scope, SettingsUpdate, WebhookSecret, signature_header,
};
use tenant_store::{Precondition, webhooks::WakeUp};
use tokio::time::timeout;

use crate::{
    harness::{KEY, Service, acme},
    subscriber::{Reaction, Subscriber, ok, response},
};

#[tokio::test]
async fn event_is_signed_and_sent_once() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[ok()]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let entry = service.change("acme", 1, Utc::now()).await;
    let delivery = service.queue(&webhook, &entry).await;
    assert_eq!(
        service.handle(&delivery).await,
        Handled::Attempted(DeliveryStatus::Succeeded)
    );
    assert_eq!(
        service.handle(&delivery).await,
        Handled::Nothing,
        "a second message changes nothing"
    );
    let [request] = &subscriber.received()[..] else {
        panic!("one request")
    };
    let timestamp = request.header("webhook-timestamp").unwrap().parse().unwrap();
    let secret = MasterKey::new(KEY).unwrap().secret(&webhook.id, 1);
    let expected = signature_header(&[secret], &delivery.event, timestamp, &request.body);
    assert_eq!(request.header("webhook-signature"), Some(&*expected));
    assert_eq!(request.header("webhook-id"), Some(&*delivery.event.to_string()));
    assert_eq!(request.header("x-token"), Some("secret"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        (&body["data"]["tenant_id"], &body["sequence"]),
        (&"acme".into(), &entry.revision.to_string().into())
    );
    let stored = service.delivery(&delivery).await;
    assert_eq!((stored.attempts.len(), stored.attempts[0].status), (1, Some(204)));
}

#[tokio::test]
async fn both_secrets_sign_after_a_rotation() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[ok()]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let entry = service.change("acme", 1, Utc::now()).await;
    service
        .stores
        .webhooks
        .rotate(&acme(), &webhook.id, TimeDelta::hours(1), Utc::now())
        .await
        .unwrap();
    let delivery = service.queue(&webhook, &entry).await;
    service.handle(&delivery).await;
    let request = &subscriber.received()[0];
    let key = MasterKey::new(KEY).unwrap();
    let secrets: Vec<WebhookSecret> = [2, 1].map(|epoch| key.secret(&webhook.id, epoch)).into();
    let timestamp = request.header("webhook-timestamp").unwrap().parse().unwrap();
    let expected = signature_header(&secrets, &delivery.event, timestamp, &request.body);
    assert_eq!(request.header("webhook-signature"), Some(&*expected));
}

#[tokio::test]
async fn failure_is_repeated_on_schedule_until_it_succeeds_with_the_same_id_and_body() {
    let failing = [
        response(500, "", "oops"),
        response(302, "location: http://127.0.0.1/\r\n", ""),
        ok(),
    ];
    let (service, subscriber) = (
        Service::with_schedule("100,300").await,
        Subscriber::start(&failing).await,
    );
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let delivery = service
        .queue(&webhook, &service.change("acme", 1, Utc::now()).await)
        .await;
    for (low, high) in [(80_u32, 120_u32), (240, 360)] {
        let before = Utc::now();
        assert_eq!(
            service.handle(&delivery).await,
            Handled::Attempted(DeliveryStatus::Pending)
        );
        let [(wake_up, delay)] = &service.messages.take()[..] else {
            panic!("one message")
        };
        assert_eq!(*wake_up, WakeUp::for_delivery(&delivery));
        assert!(
            (f64::from(low)..=f64::from(high)).contains(&delay.as_secs_f64()),
            "{delay:?}"
        );
        let due_at = service.delivery(&delivery).await.progress.due_at().unwrap();
        assert!(due_at >= before + TimeDelta::seconds(low.into()), "{due_at}");
        assert!(due_at <= Utc::now() + TimeDelta::seconds(high.into()), "{due_at}");
        assert_eq!(service.handle(&delivery).await, Handled::Nothing, "it is not due yet");
        service.make_due(&delivery).await;
    }
    assert_eq!(
        service.handle(&delivery).await,
        Handled::Attempted(DeliveryStatus::Succeeded)
    );
    let received = subscriber.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|request| request.body == received[0].body));
    assert!(
        received
            .iter()
            .all(|request| request.header("webhook-id") == received[0].header("webhook-id"))
    );
    let errors: Vec<_> = service
        .delivery(&delivery)
        .await
        .attempts
        .into_iter()
        .map(|attempt| (attempt.status, attempt.error))
        .collect();
    let error = |text: &str| Some(text.to_owned());
    assert_eq!(
        errors,
        [
            (Some(500), error("the status 500 is not 2xx")),
            (Some(302), error("the status 302 is a redirect, which is not followed")),
            (Some(204), None),
        ]
    );
}

#[tokio::test]
async fn delivery_fails_after_its_last_attempt_and_can_be_asked_for_again() {
    let (service, subscriber) = (
        Service::with_schedule("0").await,
        Subscriber::start(&[Reaction::Close]).await,
    );
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let delivery = service
        .queue(&webhook, &service.change("acme", 1, Utc::now()).await)
        .await;
    assert_eq!(
        service.handle(&delivery).await,
        Handled::Attempted(DeliveryStatus::Pending)
    );
    assert_eq!(
        service.handle(&delivery).await,
        Handled::Attempted(DeliveryStatus::Failed)
    );
    assert_eq!(
        service
            .stores
            .deliveries
            .due(Utc::now() + TimeDelta::days(9), 10)
            .await
            .unwrap(),
        []
    );
    subscriber.react(ok());
    let deliveries = &service.stores.deliveries;
    deliveries
        .restart(&webhook.id, &delivery.event, DeliveryOrigin::Redelivery, Utc::now())
        .await
        .unwrap();
    assert_eq!(
        service.handle(&delivery).await,
        Handled::Attempted(DeliveryStatus::Succeeded)
    );
    assert_eq!(service.delivery(&delivery).await.attempts.last().unwrap().number, 3);
}

#[tokio::test]
async fn retry_after_makes_the_pause_longer() {
    let busy = response(429, "retry-after: 120\r\n", "");
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[busy]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let delivery = service
        .queue(&webhook, &service.change("acme", 1, Utc::now()).await)
        .await;
    service.handle(&delivery).await;
    assert_eq!(service.messages.take()[0].1, Duration::from_mins(2));
}

#[tokio::test]
async fn attempt_that_is_killed_on_the_way_is_made_again_with_the_same_id() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[Reaction::Hang]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let delivery = service
        .queue(&webhook, &service.change("acme", 1, Utc::now()).await)
        .await;
    let wake_up = WakeUp::for_delivery(&delivery);
    let killed = timeout(Duration::from_millis(500), service.notifier.handle(&wake_up)).await;
    assert!(killed.is_err() && subscriber.received().len() == 1);
    // Nobody else makes the attempt meanwhile, and it is due again.
    assert_eq!(service.handle(&delivery).await, Handled::Nothing);
    let lease = service.delivery(&delivery).await.progress.due_at().unwrap();
    assert!(lease > Utc::now() && lease < Utc::now() + TimeDelta::minutes(2));
    subscriber.react(ok());
    service.make_due(&delivery).await;
    let found = service.notifier.sweep(Utc::now()).await.unwrap();
    assert_eq!(found.due.iter().map(|due| &due.wake_up).collect::<Vec<_>>(), [&wake_up]);
    service.drain().await;
    assert_eq!(
        service.delivery(&delivery).await.progress.status(),
        DeliveryStatus::Succeeded
    );
    let received = subscriber.received();
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
}

#[tokio::test]
async fn message_that_is_lost_costs_time_only() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[ok()]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    for number in 1..=30 {
        service
            .queue(&webhook, &service.change("acme", number, Utc::now()).await)
            .await;
    }
    assert_eq!(service.notifier.sweep(Utc::now()).await.unwrap().due.len(), 30);
    service.drain().await;
    assert_eq!(subscriber.received().len(), 30);
    assert_eq!(service.notifier.sweep(Utc::now()).await.unwrap().due, []);
}

#[tokio::test]
async fn endpoint_that_is_disabled_or_deleted_gets_nothing_more() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[ok()]).await);
    let disabled = service.create(1, acme(), &subscriber.url()).await;
    let deleted = service.create(2, Scope::Global, &subscriber.url()).await;
    let entry = service.change("acme", 1, Utc::now()).await;
    let deliveries = [
        service.queue(&disabled, &entry).await,
        service.queue(&deleted, &entry).await,
    ];
    let update = SettingsUpdate {
        enabled: Some(false),
        ..SettingsUpdate::default()
    };
    let webhooks = &service.stores.webhooks;
    webhooks
        .update(&acme(), &disabled.id, &update, &Precondition::None, Utc::now())
        .await
        .unwrap();
    webhooks
        .delete(&Scope::Global, &deleted.id, &Precondition::None)
        .await
        .unwrap();
    for delivery in deliveries {
        assert_eq!(
            service.handle(&delivery).await,
            Handled::GivenUp(DeliveryStatus::Cancelled)
        );
        assert_eq!(service.handle(&delivery).await, Handled::Nothing);
    }
    assert_eq!(subscriber.connections(), 0);
}

#[tokio::test]
async fn event_that_the_history_does_not_have_any_more_fails() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[ok()]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let other = Service::start().await;
    let delivery = service
        .queue(&webhook, &other.change("acme", 1, Utc::now()).await)
        .await;
    assert_eq!(
        service.handle(&delivery).await,
        Handled::GivenUp(DeliveryStatus::Failed)
    );
    assert_eq!(subscriber.connections(), 0);
}
