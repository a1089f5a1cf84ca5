//! Between deliveries, replays and DynamoDB's items.

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest, Sha256};
use tenant_core::{
    ConfigKey,
    webhook::{
        Attempt, Content, Delivery, DeliveryOrigin, DeliveryStatus, EventType, Progress, Replay, ReplayId,
        ReplayRequest, ReplayState, ReplayStatus, Scope, WebhookId,
    },
};

use crate::item::{Item, millisecond_text, number, number_of, text, text_of, time_of};

pub(super) const WEBHOOK_ID: &str = "webhook_id";
/// The time of the event and the rest of its name, so that a repeated event meets itself and a time is a place.
pub(super) const POSITION: &str = "position";
pub(super) const EXPIRES_AT: &str = "expires_at";
pub(super) const DUE_SHARD: &str = "due_shard";
pub(super) const DUE_AT: &str = "due_at";
pub(super) const STATUS: &str = "status";
/// The attempt that is under way, so that no other one is concluded in its name.
pub(super) const CLAIM: &str = "claim";
pub(super) const CURSOR: &str = "cursor";

const SCOPE: &str = "scope";
const EVENT_ID: &str = "event_id";
const EVENT_TYPE: &str = "event_type";
const TENANT_ID: &str = "tenant_id";
const TYPE: &str = "type";
const BODY: &str = "body";
const ORIGIN: &str = "origin";
const TRIES: &str = "tries";
const ATTEMPTS: &str = "attempts";
const CREATED_AT: &str = "created_at";

const NUMBER: &str = "number";
const AT: &str = "at";
const DURATION_MS: &str = "duration_ms";
const ERROR: &str = "error";
const RESPONSE: &str = "response";

const REPLAY_ID: &str = "replay_id";
const SINCE: &str = "since";
const UNTIL: &str = "until";
const WHICH: &str = "which";
const EXAMINED: &str = "examined";
const QUEUED: &str = "queued";

/// Before all positions of deliveries, which begin with a digit or a lower-case letter.
const REPLAY_PREFIX: &str = "#replay#";
/// Before and after all positions of deliveries.
pub(super) const FIRST_POSITION: &str = "0";
pub(super) const AFTER_POSITIONS: &str = "~";
/// The index of what is due has this many partitions, of which one takes some 1,000 writes a second.
pub(super) const SHARDS: u8 = 8;

pub(super) fn key(webhook_id: &str, position: &str) -> Item {
    Item::from([
        (WEBHOOK_ID.to_owned(), text(webhook_id)),
        (POSITION.to_owned(), text(position)),
    ])
}

pub(super) fn replay_position(id: &ReplayId) -> String {
    format!("{REPLAY_PREFIX}{id}")
}

pub(super) fn is_replay(position: &str) -> bool {
    position.starts_with(REPLAY_PREFIX)
}

/// The same for every row of an endpoint, so that its rows are in the order of their times.
pub(super) fn shard(webhook_id: &str) -> String {
    (Sha256::digest(webhook_id)[0] % SHARDS).to_string()
}

/// The item of a delivery. While an attempt is under way, `claim` is its name.
pub(super) fn from_delivery(delivery: &Delivery, claim: Option<&str>) -> Item {
    let webhook_id = delivery.webhook.as_str();
    let mut item = key(webhook_id, &delivery.event.position());
    let mut insert = |name: &str, value| drop(item.insert(name.to_owned(), value));
    insert(SCOPE, text(&delivery.scope.key()));
    insert(EVENT_ID, text(&delivery.event.to_string()));
    insert(EVENT_TYPE, text(delivery.event_type.as_str()));
    match &delivery.content {
        Content::Change(key) => {
            insert(TENANT_ID, text(key.tenant_id()));
            insert(TYPE, text(key.delivery_type()));
        }
        Content::Body(body) => insert(BODY, text(body)),
    }
    insert(STATUS, text(delivery.progress.status().as_str()));
    if let Some(due_at) = delivery.progress.due_at() {
        insert(DUE_SHARD, text(&shard(webhook_id)));
        insert(DUE_AT, text(&millisecond_text(due_at)));
    }
    insert(ORIGIN, text(delivery.origin.as_str()));
    insert(TRIES, number(delivery.tries));
    insert(
        ATTEMPTS,
        AttributeValue::L(delivery.attempts.iter().map(from_attempt).collect()),
    );
    insert(CREATED_AT, text(&millisecond_text(delivery.created_at)));
    insert(EXPIRES_AT, number(delivery.expires_at()));
    if let Some(claim) = claim {
        insert(CLAIM, text(claim));
    }
    item
}

/// Reads an item. `None` for a replay, and if a person changed the item so that it is not a delivery any more.
pub(super) fn to_delivery(item: &Item) -> Option<Delivery> {
    let content = match (text_of(item, TENANT_ID), text_of(item, TYPE), text_of(item, BODY)) {
        (Some(tenant_id), Some(delivery_type), None) => Content::Change(ConfigKey::new(tenant_id, delivery_type).ok()?),
        (None, None, Some(body)) => Content::Body(body.to_owned()),
        _ => return None,
    };
    let progress = match DeliveryStatus::from_name(text_of(item, STATUS)?)? {
        DeliveryStatus::Pending => Progress::Pending(time_of(item, DUE_AT)?),
        DeliveryStatus::Succeeded => Progress::Succeeded,
        DeliveryStatus::Failed => Progress::Failed,
        DeliveryStatus::Cancelled => Progress::Cancelled,
    };
    let attempts = item.get(ATTEMPTS)?.as_l().ok()?.iter();
    Some(Delivery {
        webhook: webhook_id(item)?,
        scope: Scope::from_key(text_of(item, SCOPE)?)?,
        event: text_of(item, EVENT_ID)?.parse().ok()?,
        event_type: EventType::from_name(text_of(item, EVENT_TYPE)?)?,
        content,
        progress,
        origin: DeliveryOrigin::from_name(text_of(item, ORIGIN)?)?,
        tries: number_of(item, TRIES)?,
        attempts: attempts
            .filter_map(|attempt| to_attempt(attempt.as_m().ok()?))
            .collect(),
        created_at: time_of(item, CREATED_AT)?,
    })
}

/// The item of a replay.
pub(super) fn from_replay(replay: &Replay) -> Item {
    let webhook_id = replay.webhook.as_str();
    let mut item = key(webhook_id, &replay_position(&replay.id));
    let mut insert = |name: &str, value| drop(item.insert(name.to_owned(), value));
    insert(REPLAY_ID, text(replay.id.as_str()));
    insert(SCOPE, text(&replay.scope.key()));
    insert(SINCE, text(&millisecond_text(replay.request.since)));
    insert(UNTIL, text(&millisecond_text(replay.request.until)));
    insert(WHICH, text(replay.request.status.as_str()));
    insert(STATUS, text(replay.state.as_str()));
    if let Some(cursor) = &replay.cursor {
        insert(CURSOR, text(cursor.as_str()));
    }
    insert(EXAMINED, number(replay.examined));
    insert(QUEUED, number(replay.queued));
    insert(CREATED_AT, text(&millisecond_text(replay.created_at)));
    insert(EXPIRES_AT, number(replay.created_at.timestamp() + 30 * 24 * 60 * 60));
    item
}

/// Reads the item of a replay.
pub(super) fn to_replay(item: &Item) -> Option<Replay> {
    Some(Replay {
        id: text_of(item, REPLAY_ID)?.parse().ok()?,
        webhook: webhook_id(item)?,
        scope: Scope::from_key(text_of(item, SCOPE)?)?,
        request: ReplayRequest {
            since: time_of(item, SINCE)?,
            until: time_of(item, UNTIL)?,
            status: ReplayStatus::from_name(text_of(item, WHICH)?)?,
        },
        state: ReplayState::from_name(text_of(item, STATUS)?)?,
        cursor: text_of(item, CURSOR).and_then(|cursor| cursor.parse().ok()),
        examined: number_of(item, EXAMINED)?,
        queued: number_of(item, QUEUED)?,
        created_at: time_of(item, CREATED_AT)?,
    })
}

fn from_attempt(attempt: &Attempt) -> AttributeValue {
    let mut members = Item::from([
        (NUMBER.to_owned(), number(attempt.number)),
        (AT.to_owned(), text(&attempt.at)),
        (DURATION_MS.to_owned(), number(attempt.duration_ms)),
    ]);
    members.extend(attempt.status.map(|status| (STATUS.to_owned(), number(status))));
    let texts = [(ERROR, &attempt.error), (RESPONSE, &attempt.response)];
    members.extend(
        texts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), text(value.as_ref()?)))),
    );
    AttributeValue::M(members)
}

fn to_attempt(members: &Item) -> Option<Attempt> {
    Some(Attempt {
        number: number_of(members, NUMBER)?,
        at: text_of(members, AT)?.to_owned(),
        duration_ms: number_of(members, DURATION_MS)?,
        status: number_of(members, STATUS),
        error: text_of(members, ERROR).map(str::to_owned),
        response: text_of(members, RESPONSE).map(str::to_owned),
    })
}

fn webhook_id(item: &Item) -> Option<WebhookId> {
    text_of(item, WEBHOOK_ID)?.parse().ok()
}
