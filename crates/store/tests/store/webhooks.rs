//! Endpoints: creation, changes, limits and health.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use tenant_core::webhook::{Admission, HealthChange, Outcome, Scope, SettingsUpdate, WebhookId, WebhookStatus};
use tenant_store::{Precondition, StoreError, webhooks::WebhookStore};
use testing::{Fault, FaultProxy};

use crate::{
    harness::{NOW, at},
    webhook_harness::{Tables, WEBHOOKS, acme, webhook},
};

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
