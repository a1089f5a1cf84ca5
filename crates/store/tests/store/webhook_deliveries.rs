//! Deliveries and replays: queued once, claimed by one, found when they are due.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use tenant_core::{
    history::FeedCursor,
    webhook::{
        Content, Delivery, DeliveryOrigin, DeliveryStatus, EventId, Progress, Replay, ReplayId, ReplayRequest,
        ReplayState, ReplayStatus, WebhookId,
    },
};
use tenant_store::{
    StoreError,
    webhooks::{DeliveryQuery, WakeUp},
};

use crate::{
    harness::{NOW, at},
    webhook_harness::{ROWS, Tables, acme, attempt, delivery, event},
};

#[tokio::test]
async fn event_is_queued_once_and_read_as_it_was_written() {
    let tables = Tables::start().await;
    let mut written = delivery(1, event(1, 0), at(NOW));
    assert!(tables.deliveries.insert(&written).await.unwrap());
    assert_eq!(
        tables.deliveries.get(&written.webhook, &written.event).await.unwrap(),
        written
    );
    written.attempts = (1..=3).map(attempt).collect();
    assert!(
        !tables.deliveries.insert(&written).await.unwrap(),
        "a repetition changes nothing"
    );
    assert_eq!(
        tables
            .deliveries
            .get(&written.webhook, &written.event)
            .await
            .unwrap()
            .attempts,
        []
    );
    let operational = Delivery {
        event: EventId::random([3; 16], at(NOW)),
        content: Content::Body("{}".to_owned()),
        attempts: (5..=25).map(attempt).collect(),
        tries: 3,
        origin: DeliveryOrigin::Replay,
        progress: Progress::Failed,
        ..written
    };
    tables.deliveries.insert(&operational).await.unwrap();
    assert_eq!(
        tables
            .deliveries
            .get(&operational.webhook, &operational.event)
            .await
            .unwrap(),
        operational
    );
    let unknown = tables.deliveries.get(&operational.webhook, &event(9, 0)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn one_of_many_claims_a_delivery_and_a_lost_one_is_due_again() {
    let tables = Tables::start().await;
    let read = delivery(1, event(1, 0), at(NOW));
    tables.deliveries.insert(&read).await.unwrap();
    assert_eq!(tables.due(at(NOW - 1)).await, []);
    assert_eq!(tables.due(at(NOW)).await, [WakeUp::for_delivery(&read)]);
    let claims = (0..20).map(|number| {
        let (store, read) = (tables.deliveries.clone(), read.clone());
        tokio::spawn(async move {
            store
                .claim(&read, &format!("attempt-{number}"), at(NOW + 60))
                .await
                .unwrap()
        })
    });
    let mut claimed = Vec::new();
    for (number, claim) in claims.collect::<Vec<_>>().into_iter().enumerate() {
        claimed.extend(claim.await.unwrap().then_some(number));
    }
    let [winner] = claimed[..] else { panic!("{claimed:?}") };
    assert_eq!(
        (
            tables.due(at(NOW + 59)).await.len(),
            tables.due(at(NOW + 60)).await.len()
        ),
        (0, 1)
    );
    // The one that was lost does not conclude what another one has claimed since.
    let again = tables.deliveries.get(&read.webhook, &read.event).await.unwrap();
    assert!(tables.deliveries.claim(&again, "later", at(NOW + 120)).await.unwrap());
    let concluded = Delivery {
        progress: Progress::Succeeded,
        attempts: vec![attempt(1)],
        ..again
    };
    assert!(
        !tables
            .deliveries
            .conclude(&concluded, &format!("attempt-{winner}"))
            .await
            .unwrap()
    );
    assert!(tables.deliveries.conclude(&concluded, "later").await.unwrap());
    assert_eq!(
        tables.deliveries.get(&read.webhook, &read.event).await.unwrap(),
        concluded
    );
    assert_eq!(tables.due(at(NOW + 1_000_000)).await, []);
    assert!(!tables.deliveries.claim(&concluded, "more", at(NOW)).await.unwrap());
}

#[tokio::test]
async fn restarted_delivery_has_all_attempts_before_it_and_keeps_those_behind_it() {
    let tables = Tables::start().await;
    let failed = Delivery {
        progress: Progress::Failed,
        tries: 10,
        attempts: (1..=10).map(attempt).collect(),
        ..delivery(1, event(1, 0), at(NOW))
    };
    tables.deliveries.insert(&failed).await.unwrap();
    let restart = async |now| {
        let origin = DeliveryOrigin::Redelivery;
        tables
            .deliveries
            .restart(&failed.webhook, &failed.event, origin, now)
            .await
            .unwrap()
    };
    let restarted = restart(at(NOW + 100)).await;
    assert_eq!(
        (restarted.tries, restarted.attempts.len(), restarted.origin),
        (0, 10, DeliveryOrigin::Redelivery)
    );
    assert_eq!(tables.due(at(NOW + 100)).await.len(), 1);
    // One that is under way is not sent twice.
    assert!(tables.deliveries.claim(&restarted, "a", at(NOW + 160)).await.unwrap());
    assert_eq!(restart(at(NOW + 101)).await.progress, Progress::Pending(at(NOW + 160)));
}

#[tokio::test]
async fn pages_have_the_newest_event_first_and_every_delivery_once() {
    let tables = Tables::start().await;
    for number in 0..25_u32 {
        let progress = if number % 5 == 0 {
            Progress::Failed
        } else {
            Progress::Succeeded
        };
        let event = event(u64::from(100 - number), i64::from(number));
        let row = Delivery {
            progress,
            ..delivery(1, event, at(NOW))
        };
        tables.deliveries.insert(&row).await.unwrap();
    }
    tables
        .deliveries
        .insert(&delivery(2, event(1, 5), at(NOW)))
        .await
        .unwrap();
    let walk = async |status, since: Option<i64>, until: Option<i64>| {
        let (mut times, mut query) = (Vec::new(), DeliveryQuery::default());
        (query.status, query.limit) = (status, "7".parse().unwrap());
        (query.since, query.until) = (
            since.map(|second| at(NOW + second)),
            until.map(|second| at(NOW + second)),
        );
        loop {
            let page = tables.deliveries.page(&WebhookId::new([1; 16]), &query).await.unwrap();
            times.extend(
                page.deliveries
                    .iter()
                    .map(|delivery| (delivery.event.time() - at(NOW)).num_seconds()),
            );
            match page.next {
                Some(next) => query.before = Some(next),
                None => return times,
            }
        }
    };
    assert_eq!(walk(None, None, None).await, (0..25).rev().collect::<Vec<_>>());
    assert_eq!(walk(Some(DeliveryStatus::Failed), None, None).await, [20, 15, 10, 5, 0]);
    assert_eq!(walk(None, Some(3), Some(6)).await, [5, 4, 3]);
}

#[tokio::test]
async fn what_is_due_is_found_for_every_endpoint_and_the_longest_wait_is_first() {
    let tables = Tables::start().await;
    for number in 0..40_u8 {
        let due_at = at(NOW - i64::from(number));
        tables
            .deliveries
            .insert(&delivery(number, event(u64::from(number), 0), due_at))
            .await
            .unwrap();
    }
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let by_hand = [
        ("webhook_id", text("x")),
        ("position", text("y")),
        ("due_shard", text("0")),
        ("due_at", text("0000")),
    ];
    tables.put(ROWS, by_hand).await;
    let due = tables.deliveries.due(at(NOW), 100).await.unwrap();
    let times: Vec<_> = due.iter().map(|due| (at(NOW) - due.since).num_seconds()).collect();
    assert_eq!(times, (0..40).rev().collect::<Vec<_>>());
    let positions: BTreeSet<_> = due.iter().map(|due| &due.wake_up.webhook_id).collect();
    assert_eq!(positions.len(), 40);
    assert_eq!(tables.deliveries.find("x", "y").await.unwrap(), None);
}

#[tokio::test]
async fn replay_is_due_while_it_runs_and_continued_by_one() {
    let tables = Tables::start().await;
    let started = Replay {
        id: ReplayId::new([1; 16]),
        webhook: WebhookId::new([1; 16]),
        scope: acme(),
        request: ReplayRequest {
            since: at(NOW - 100),
            until: at(NOW),
            status: ReplayStatus::Missing,
        },
        state: ReplayState::Running,
        cursor: None,
        examined: 0,
        queued: 0,
        created_at: at(NOW),
    };
    tables.deliveries.start_replay(&started).await.unwrap();
    assert_eq!(
        tables.deliveries.replay(&started.webhook, &started.id).await.unwrap(),
        started
    );
    let [wake_up] = &tables.due(at(NOW)).await[..] else {
        panic!("one row is due")
    };
    assert!(wake_up.is_replay() && *wake_up == WakeUp::for_replay(&started));
    let next = Replay {
        cursor: Some(FeedCursor::at(at(NOW - 50))),
        examined: 10,
        ..started.clone()
    };
    assert!(tables.deliveries.save_replay(&started, &next, at(NOW)).await.unwrap());
    assert!(
        !tables.deliveries.save_replay(&started, &next, at(NOW)).await.unwrap(),
        "another one was faster"
    );
    let completed = Replay {
        state: ReplayState::Completed,
        ..next.clone()
    };
    assert!(tables.deliveries.save_replay(&next, &completed, at(NOW)).await.unwrap());
    assert_eq!(tables.due(at(NOW + 1000)).await, []);
    // Replays are not among the deliveries.
    let page = tables
        .deliveries
        .page(&started.webhook, &DeliveryQuery::default())
        .await
        .unwrap();
    assert_eq!((page.deliveries, page.next), (vec![], None));
}
