//! Between endpoints and DynamoDB's items.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use tenant_core::{
    DeliveryType,
    webhook::{DisabledReason, EventType, Health, Networks, Scope, Settings, Webhook, WebhookId, WebhookUrl},
};

use crate::{
    item::{Item, millisecond_text, number, number_of, text, text_of, time_of},
    tag::{Tagged, entity_tag},
};

pub(super) const SCOPE: &str = "scope";
pub(super) const ID: &str = "id";
const URL: &str = "url";
const EVENTS: &str = "events";
const TYPES: &str = "types";
const ENABLED: &str = "enabled";
const DESCRIPTION: &str = "description";
const HEADERS: &str = "headers";
const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";
pub(super) const EPOCH: &str = "epoch";
const PREVIOUS_UNTIL: &str = "previous_until";
const DISABLED_REASON: &str = "disabled_reason";
const DISABLED_AT: &str = "disabled_at";
/// A map, which is absent while nothing is wrong: so a write of it can be bound to what was read.
pub(super) const HEALTH: &str = "health";

const FAILING_SINCE: &str = "failing_since";
const FAILURES: &str = "failures";
const COUNTING_SINCE: &str = "counting_since";
const OPEN_UNTIL: &str = "open_until";
const OPEN_SECONDS: &str = "open_seconds";

/// Everything but what the service notes about the attempts. The entity tag covers it.
pub(super) const MODELLED: [&str; 14] = [
    SCOPE,
    ID,
    URL,
    EVENTS,
    TYPES,
    ENABLED,
    DESCRIPTION,
    HEADERS,
    CREATED_AT,
    UPDATED_AT,
    EPOCH,
    PREVIOUS_UNTIL,
    DISABLED_REASON,
    DISABLED_AT,
];

pub(super) fn key(scope: &Scope, id: &WebhookId) -> Item {
    Item::from([
        (SCOPE.to_owned(), text(&scope.key())),
        (ID.to_owned(), text(id.as_str())),
    ])
}

/// The item of an endpoint.
pub(super) fn from_webhook(webhook: &Webhook) -> Item {
    let Settings {
        url,
        events,
        types,
        enabled,
        description,
        headers,
    } = &webhook.settings;
    let mut item = key(&webhook.scope, &webhook.id);
    let mut insert = |name: &str, value| drop(item.insert(name.to_owned(), value));
    insert(URL, text(url.as_str()));
    insert(EVENTS, list(events.iter().map(|event| event.as_str())));
    insert(TYPES, list(types.iter().map(|name| name.as_str())));
    insert(ENABLED, AttributeValue::Bool(*enabled));
    if let Some(description) = description {
        insert(DESCRIPTION, text(description));
    }
    let headers = headers.iter().map(|(name, value)| (name.clone(), text(value)));
    insert(HEADERS, AttributeValue::M(headers.collect()));
    insert(CREATED_AT, time(webhook.created_at));
    insert(UPDATED_AT, time(webhook.updated_at));
    insert(EPOCH, number(webhook.epoch));
    if let Some(until) = webhook.previous_until {
        insert(PREVIOUS_UNTIL, time(until));
    }
    if let Some((reason, at)) = webhook.disabled {
        insert(DISABLED_REASON, text(reason.as_str()));
        insert(DISABLED_AT, time(at));
    }
    if let Some(health) = from_health(&webhook.health) {
        insert(HEALTH, health);
    }
    item
}

/// Reads an item. `None` if a person changed it so that nothing can be sent.
pub(super) fn to_webhook(item: &Item) -> Option<Tagged<Webhook>> {
    // The URL was checked when it was stored, and its addresses are checked at each attempt.
    let everywhere: Networks = "0.0.0.0/0,::/0".parse().ok()?;
    let disabled = text_of(item, DISABLED_REASON).and_then(DisabledReason::from_name);
    let webhook = Webhook {
        id: text_of(item, ID)?.parse().ok()?,
        scope: Scope::from_key(text_of(item, SCOPE)?)?,
        settings: Settings {
            url: WebhookUrl::parse(text_of(item, URL)?, &everywhere).ok()?,
            events: names(item, EVENTS, EventType::from_name)?,
            types: names(item, TYPES, |name| name.parse::<DeliveryType>().ok())?,
            enabled: *item.get(ENABLED)?.as_bool().ok()?,
            description: text_of(item, DESCRIPTION).map(str::to_owned),
            headers: headers(item)?,
        },
        created_at: time_of(item, CREATED_AT)?,
        updated_at: time_of(item, UPDATED_AT)?,
        epoch: number_of(item, EPOCH)?,
        previous_until: time_of(item, PREVIOUS_UNTIL),
        health: item
            .get(HEALTH)
            .and_then(|health| health.as_m().ok())
            .map(to_health)
            .unwrap_or_default(),
        disabled: disabled.zip(time_of(item, DISABLED_AT)),
    };
    Some(Tagged {
        value: webhook,
        tag: entity_tag(item, MODELLED),
    })
}

/// `None` while nothing is wrong.
pub(super) fn from_health(health: &Health) -> Option<AttributeValue> {
    if *health == Health::default() {
        return None;
    }
    let times = [
        (FAILING_SINCE, health.failing_since),
        (COUNTING_SINCE, health.counting_since),
        (OPEN_UNTIL, health.open_until),
    ];
    let times = times
        .into_iter()
        .filter_map(|(name, at)| Some((name.to_owned(), time(at?))));
    let numbers = [(FAILURES, health.failures), (OPEN_SECONDS, health.open_seconds)];
    let numbers = numbers.map(|(name, count)| (name.to_owned(), number(count)));
    Some(AttributeValue::M(times.chain(numbers).collect()))
}

fn to_health(members: &Item) -> Health {
    Health {
        failing_since: time_of(members, FAILING_SINCE),
        failures: number_of(members, FAILURES).unwrap_or_default(),
        counting_since: time_of(members, COUNTING_SINCE),
        open_until: time_of(members, OPEN_UNTIL),
        open_seconds: number_of(members, OPEN_SECONDS).unwrap_or_default(),
    }
}

fn headers(item: &Item) -> Option<BTreeMap<String, String>> {
    let members = item.get(HEADERS)?.as_m().ok()?.iter();
    members
        .map(|(name, value)| Some((name.clone(), value.as_s().ok()?.clone())))
        .collect()
}

fn names<T>(item: &Item, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let entries = item.get(name)?.as_l().ok()?.iter();
    entries.map(|entry| parse(entry.as_s().ok()?)).collect()
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> AttributeValue {
    AttributeValue::L(names.map(text).collect())
}

fn time(at: DateTime<Utc>) -> AttributeValue {
    AttributeValue::S(millisecond_text(at))
}
