//! Endpoints and deliveries.

use std::{collections::BTreeSet, sync::Arc};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use tenant_core::{
    ConfigKey,
    history::{FeedCursor, Revision},
    webhook::{
        Admission, Attempt, Content, Delivery, DeliveryOrigin, DeliveryStatus, EventId, EventType, HealthChange,
        Networks, Outcome, Progress, Replay, ReplayId, ReplayRequest, ReplayState, ReplayStatus, Scope, SettingsUpdate,
        Webhook, WebhookId, WebhookStatus, parse_webhook,
    },
};
use tenant_store::{
    Precondition, StoreError,
    schema::ensure_table,
    webhooks::{DELIVERIES, DeliveryQuery, DeliveryStore, ENDPOINTS, WakeUp, WebhookStore},
};
use testing::{EmbeddedDynamoDb, Fault, FaultProxy};

use crate::harness::{NOW, at};

const WEBHOOKS: &str = "test-webhooks";
const ROWS: &str = "test-webhook-deliveries";

struct Tables {
    dynamodb: EmbeddedDynamoDb,
    webhooks: WebhookStore,
    deliveries: DeliveryStore,
}

impl Tables {
    async fn start() -> Self {
        let dynamodb = EmbeddedDynamoDb::start().await;
        ensure_table(&dynamodb.client, WEBHOOKS, &ENDPOINTS).await.unwrap();
        ensure_table(&dynamodb.client, ROWS, &DELIVERIES).await.unwrap();
        Self {
            webhooks: WebhookStore::new(dynamodb.client.clone(), WEBHOOKS),
            deliveries: DeliveryStore::new(dynamodb.client.clone(), ROWS),
            dynamodb,
        }
    }

    async fn put(&self, table: &str, item: impl IntoIterator<Item = (&str, AttributeValue)>) {
        let item = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = self.dynamodb.client.put_item().table_name(table).set_item(Some(item));
        request.send().await.unwrap();
    }

    /// What is due at a time, by the position of the row.
    async fn due(&self, now: DateTime<Utc>) -> Vec<WakeUp> {
        let due = self.deliveries.due(now, 100).await.unwrap();
        due.into_iter().map(|due| due.wake_up).collect()
    }
}

fn acme() -> Scope {
    Scope::Tenant("acme".parse().unwrap())
}

fn webhook(number: u8, scope: Scope) -> Webhook {
    let body = br#"{"url":"https://example.com/a","events":["delivery_config.created"],"types":["s3"],"description":"one","headers":{"x-a":"b"}}"#;
    let settings = parse_webhook(body, &scope, &Networks::default()).unwrap();
    Webhook::new(
        WebhookId::new([number; 16]),
        scope,
        settings,
        at(NOW + i64::from(number)),
    )
}

fn event(number: u64, seconds: i64) -> EventId {
    let revision = Revision::from_record("2023-11-01T00:00:00.000", &number.to_string(), at(NOW + seconds));
    EventId::for_revision(&ConfigKey::new("acme", "s3").unwrap(), revision.unwrap())
}

fn delivery(webhook: u8, event: EventId, now: DateTime<Utc>) -> Delivery {
    let content = Content::Change(ConfigKey::new("acme", "s3").unwrap());
    let owner = (acme(), WebhookId::new([webhook; 16]));
    Delivery::new(
        owner,
        (event, EventType::ConfigUpdated, content),
        DeliveryOrigin::Event,
        now,
    )
}

fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        at: "2023-11-14T22:13:20.000Z".to_owned(),
        duration_ms: 12,
        status: Some(500),
        error: Some("the response has the status 500".to_owned()),
        response: Some("oops".to_owned()),
    }
}

#[tokio::test]
async fn endpoint_is_read_as_it_was_created() {
    let tables = Tables::start().await;
    let mut rotated = webhook(2, Scope::Global);
    (rotated.epoch, rotated.previous_until) = (7, Some(at(NOW + 60)));
    rotated.settings.description = None;
    for webhook in [webhook(1, acme()), rotated] {
        let created = tables.webhooks.create(&webhook).await.unwrap();
        assert_eq!(created.value, webhook);
        assert_eq!(tables.webhooks.get(&webhook.scope, &webhook.id).await.unwrap(), created);
        assert_eq!(tables.webhooks.list(&webhook.scope).await.unwrap(), [created]);
    }
    let found = tables.webhooks.for_tenant(&"acme".parse().unwrap()).await.unwrap();
    assert_eq!(found.len(), 2);
    let others = tables.webhooks.for_tenant(&"acme2".parse().unwrap()).await.unwrap();
    assert_eq!(
        others.iter().map(|webhook| &webhook.scope).collect::<Vec<_>>(),
        [&Scope::Global]
    );
    let foreign = tables.webhooks.get(&Scope::Global, &WebhookId::new([1; 16])).await;
    assert!(matches!(foreign, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn no_more_endpoints_stay_than_the_limit_allows_however_many_are_created_at_once() {
    let tables = Tables::start().await;
    for number in 0..15 {
        tables.webhooks.create(&webhook(number, acme())).await.unwrap();
    }
    let store = Arc::new(tables.webhooks.clone());
    let creations = (100..130).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.create(&webhook(number, acme())).await })
    });
    let mut created = 15;
    for creation in creations.collect::<Vec<_>>() {
        match creation.await.unwrap() {
            Ok(_) => created += 1,
            Err(error) => assert!(matches!(error, StoreError::LimitReached), "{error:?}"),
        }
    }
    assert_eq!(tables.webhooks.list(&acme()).await.unwrap().len(), created);
    assert!(created <= 20, "{created}");
    for number in 130..160 {
        let _ = tables.webhooks.create(&webhook(number, acme())).await;
    }
    assert_eq!(tables.webhooks.list(&acme()).await.unwrap().len(), 20);
    // Others have their own limit.
    tables.webhooks.create(&webhook(200, Scope::Global)).await.unwrap();
}

#[tokio::test]
async fn creation_whose_response_was_lost_is_one_endpoint() {
    let tables = Tables::start().await;
    let proxy = FaultProxy::start(
        tables.dynamodb.address,
        &[Fault::Pass, Fault::LoseResponse, Fault::Pass],
    )
    .await;
    let store = WebhookStore::new(proxy.client(), WEBHOOKS);
    store.create(&webhook(1, acme())).await.unwrap();
    assert_eq!(tables.webhooks.list(&acme()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn change_with_a_tag_is_made_to_what_the_tag_is_of() {
    let tables = Tables::start().await;
    let created = tables.webhooks.create(&webhook(1, acme())).await.unwrap();
    let id = created.value.id.clone();
    let update = SettingsUpdate {
        enabled: Some(false),
        ..SettingsUpdate::default()
    };
    let tags = |tag| Precondition::Tags(vec![tag]);
    let changed = tables
        .webhooks
        .update(&acme(), &id, &update, &tags(created.tag), at(NOW + 5))
        .await
        .unwrap();
    assert!(!changed.value.settings.enabled && changed.tag != created.tag);
    assert_eq!(changed.value.updated_at, at(NOW + 5));
    let stale = tables
        .webhooks
        .update(&acme(), &id, &update, &tags(created.tag), at(NOW))
        .await;
    assert!(matches!(stale, Err(StoreError::PreconditionFailed)), "{stale:?}");
    let stale = tables.webhooks.delete(&acme(), &id, &tags(created.tag)).await;
    assert!(matches!(stale, Err(StoreError::PreconditionFailed)), "{stale:?}");
    tables.webhooks.delete(&acme(), &id, &tags(changed.tag)).await.unwrap();
    let gone = tables.webhooks.delete(&acme(), &id, &Precondition::None).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn attempts_change_no_tag_until_they_disable_the_endpoint() {
    let tables = Tables::start().await;
    let created = tables.webhooks.create(&webhook(1, Scope::Global)).await.unwrap();
    let id = created.value.id.clone();
    let note = async |outcome, seconds| {
        tables
            .webhooks
            .note(&Scope::Global, &id, outcome, at(NOW + seconds))
            .await
            .unwrap()
    };
    let mut changes = Vec::new();
    for second in 0..10 {
        changes.extend(note(Outcome::Failed, second).await.map(|(_, change)| change));
    }
    assert_eq!(changes, [HealthChange::Failing]);
    let failing = tables.webhooks.get(&Scope::Global, &id).await.unwrap();
    assert_eq!(
        (failing.value.status(), &failing.tag),
        (WebhookStatus::Failing, &created.tag)
    );
    let (recovered, change) = note(Outcome::Succeeded, 100).await.unwrap();
    assert_eq!(
        (change, recovered.status()),
        (HealthChange::Recovered, WebhookStatus::Enabled)
    );
    let (disabled, _) = note(Outcome::Gone, 200).await.unwrap();
    assert_eq!(disabled.status(), WebhookStatus::Disabled);
    assert_eq!(note(Outcome::Gone, 201).await, None, "it is disabled once");
    let found = tables.webhooks.get(&Scope::Global, &id).await.unwrap();
    assert!(found.value.disabled.is_some() && found.tag != created.tag);
    let enable = SettingsUpdate {
        enabled: Some(true),
        ..SettingsUpdate::default()
    };
    let enabled = tables
        .webhooks
        .update(&Scope::Global, &id, &enable, &Precondition::None, at(NOW + 300))
        .await
        .unwrap();
    assert_eq!(
        (enabled.value.status(), enabled.value.disabled),
        (WebhookStatus::Enabled, None)
    );
}

#[tokio::test]
async fn ten_outcomes_at_once_are_all_counted_and_one_probe_is_admitted() {
    let tables = Tables::start().await;
    let id = tables.webhooks.create(&webhook(1, acme())).await.unwrap().value.id;
    let notes = (0..10).map(|_| {
        let (store, id) = (tables.webhooks.clone(), id.clone());
        tokio::spawn(async move { store.note(&acme(), &id, Outcome::Failed, at(NOW)).await.unwrap() })
    });
    let mut changes = Vec::new();
    for note in notes.collect::<Vec<_>>() {
        changes.extend(note.await.unwrap().map(|(_, change)| change));
    }
    assert_eq!(changes, [HealthChange::Failing]);
    let open = tables.webhooks.get(&acme(), &id).await.unwrap().value;
    assert_eq!(
        tables.webhooks.admit(&open, at(NOW + 1)).await.unwrap(),
        Admission::Wait(at(NOW + 60))
    );
    let asking = (0..10).map(|_| {
        let (store, open) = (tables.webhooks.clone(), open.clone());
        tokio::spawn(async move { store.admit(&open, at(NOW + 60)).await.unwrap() })
    });
    let mut probes = 0;
    for asking in asking.collect::<Vec<_>>() {
        probes += usize::from(asking.await.unwrap() == Admission::Probe);
    }
    assert_eq!(probes, 1);
}

#[tokio::test]
async fn rotation_begins_the_next_epoch() {
    let tables = Tables::start().await;
    let id = tables.webhooks.create(&webhook(1, acme())).await.unwrap().value.id;
    let rotated = tables
        .webhooks
        .rotate(&acme(), &id, TimeDelta::seconds(60), at(NOW))
        .await
        .unwrap()
        .value;
    assert_eq!((rotated.epoch, rotated.previous_until), (2, Some(at(NOW + 60))));
}

#[tokio::test]
async fn endpoint_that_a_person_broke_hides_no_other_one() {
    let tables = Tables::start().await;
    tables.webhooks.create(&webhook(1, acme())).await.unwrap();
    let text = |value: &str| AttributeValue::S(value.to_owned());
    tables
        .put(WEBHOOKS, [("scope", text("tenant#acme")), ("id", text("wh_by_hand"))])
        .await;
    tables
        .put(
            WEBHOOKS,
            [
                ("scope", text("tenant#acme")),
                ("id", text("x")),
                ("url", AttributeValue::N("1".to_owned())),
            ],
        )
        .await;
    assert_eq!(tables.webhooks.list(&acme()).await.unwrap().len(), 1);
}

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
    // It is none of the deliveries.
    let page = tables
        .deliveries
        .page(&started.webhook, &DeliveryQuery::default())
        .await
        .unwrap();
    assert_eq!((page.deliveries, page.next), (vec![], None));
}
