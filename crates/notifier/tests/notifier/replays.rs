//! Replays of what an endpoint missed.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use tenant_core::webhook::{
    DeliveryOrigin, DeliveryStatus, Replay, ReplayId, ReplayRequest, ReplayState, ReplayStatus, Webhook,
};
use tenant_store::webhooks::WakeUp;

use crate::{
    harness::{Service, acme},
    subscriber::{Subscriber, ok, response},
};

async fn replay(
    service: &Service,
    webhook: &Webhook,
    status: ReplayStatus,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Replay {
    let replay = Replay {
        id: ReplayId::new([u8::try_from(status as usize).unwrap(); 16]),
        webhook: webhook.id.clone(),
        scope: webhook.scope.clone(),
        request: ReplayRequest { since, until, status },
        state: ReplayState::Running,
        cursor: None,
        examined: 0,
        queued: 0,
        created_at: Utc::now(),
    };
    service.stores.deliveries.start_replay(&replay).await.unwrap();
    service.notifier.handle(&WakeUp::for_replay(&replay)).await.unwrap();
    service.drain().await;
    service.stores.deliveries.replay(&webhook.id, &replay.id).await.unwrap()
}

#[tokio::test]
async fn missing_events_are_sent_and_no_others() {
    let (service, subscriber) = (Service::start().await, Subscriber::start(&[ok()]).await);
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let start = DateTime::from_timestamp(Utc::now().timestamp() - 3600, 0).unwrap();
    let mut missing = BTreeSet::new();
    for number in 1..=250_u64 {
        let at = start + TimeDelta::seconds(i64::try_from(number).unwrap());
        let entry = service.change("acme", number, at).await;
        service.change("other", 1000 + number, at).await;
        if number <= 30 {
            service.queue(&webhook, &entry).await;
        } else if number <= 240 {
            missing.insert(format!("evt_{}", entry.revision));
        }
    }
    let until = start + TimeDelta::seconds(241);
    let done = replay(&service, &webhook, ReplayStatus::Missing, start, until).await;
    assert_eq!((done.state, done.queued), (ReplayState::Completed, 210));
    let sent: BTreeSet<_> = subscriber
        .received()
        .iter()
        .map(|request| request.header("webhook-id").unwrap().to_owned())
        .collect();
    assert_eq!(sent, missing);
    assert_eq!(subscriber.received().len(), 210);
}

#[tokio::test]
async fn failed_deliveries_are_sent_again_and_all_includes_those_that_arrived() {
    let (service, subscriber) = (
        Service::with_schedule("0").await,
        Subscriber::start(&[response(500, "", "")]).await,
    );
    let webhook = service.create(1, acme(), &subscriber.url()).await;
    let start = DateTime::from_timestamp(Utc::now().timestamp() - 3600, 0).unwrap();
    let mut deliveries = Vec::new();
    for number in 1..=4 {
        let entry = service.change("acme", number, start + TimeDelta::seconds(1)).await;
        let delivery = service.queue(&webhook, &entry).await;
        let _ = (service.handle(&delivery).await, service.handle(&delivery).await);
        deliveries.push(delivery);
    }
    service.messages.take();
    subscriber.react(ok());
    let until = start + TimeDelta::minutes(1);
    let done = replay(&service, &webhook, ReplayStatus::Failed, start, until).await;
    assert_eq!((done.state, done.queued), (ReplayState::Completed, 4));
    assert_eq!(subscriber.received().len(), 8 + 4);
    for delivery in &deliveries {
        let stored = service.delivery(delivery).await;
        assert_eq!(
            (stored.progress.status(), stored.origin),
            (DeliveryStatus::Succeeded, DeliveryOrigin::Replay)
        );
    }
    assert_eq!(
        replay(&service, &webhook, ReplayStatus::Missing, start, until)
            .await
            .queued,
        0
    );
    assert_eq!(
        replay(&service, &webhook, ReplayStatus::All, start, until).await.queued,
        4
    );
    assert_eq!(subscriber.received().len(), 8 + 4 + 4);
}
