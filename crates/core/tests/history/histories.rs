//! Random histories of one configuration against a model that remembers every state: requests, hands, expiry, and a
//! history from which old entries are removed.

use chrono::{DateTime, Utc};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use tenant_core::{
    BucketPrefix, Change, DeliveryType, Field, NewConfig, StoredConfig,
    history::{
        Actor, AsOf, ChangeKind, Entry, Event, Image, LastChange, Recording, Retention, as_of, is_expired, restore_body,
    },
    parse_create, parse_update,
};

use crate::harness::{NOW, at, item, last_change, record, ttl_identity, with, without};

/// What happens next to the item. A request does nothing where the API would reject it.
#[derive(Debug, Clone)]
enum Step {
    Create(Value),
    Update(Value),
    /// Mark and deletion.
    Delete,
    /// A mark whose request ended before the deletion.
    MarkOnly,
    HandWrite(Value),
    HandChange(&'static str, Option<Value>),
    HandDelete,
    /// DynamoDB deletes the item if it has expired.
    Sweep,
    Wait(i64),
}

/// What a step should leave in the history.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Request(u64),
    Hand,
    Ttl,
}

/// The table, its stream, and every state that the item has had.
struct World {
    now: i64,
    current: Option<Image>,
    requests: u64,
    sequence_number: u64,
    entries: Vec<Entry>,
    expected: Vec<(Event, By)>,
    /// The item since that second, from the first one on.
    states: Vec<(i64, Option<Image>)>,
}

impl World {
    fn new() -> Self {
        Self {
            now: NOW,
            current: None,
            requests: 0,
            sequence_number: 0,
            entries: Vec::new(),
            expected: Vec::new(),
            states: vec![(NOW, None)],
        }
    }

    fn run(steps: &[Step]) -> Self {
        let mut world = Self::new();
        for step in steps {
            world.step(step);
        }
        world
    }

    fn step(&mut self, step: &Step) {
        let alive = self
            .current
            .clone()
            .filter(|item| !is_expired(&item.config(), at(self.now)));
        match step {
            Step::Create(body) if alive.is_none() => {
                let created = stored(&create(body, at(self.now)));
                let new = self.request(&created, ChangeKind::Create);
                self.write(Some(new), Event::Created, By::Request(self.requests));
            }
            Step::Update(body) => {
                let Some(item) = alive else { return };
                let Some(new) = update(&item, body, at(self.now)) else {
                    return;
                };
                let new = self.request(&new, ChangeKind::Update);
                self.write(Some(new), Event::Updated, By::Request(self.requests));
            }
            Step::Delete => {
                let Some(item) = self.current.clone() else { return };
                let marked = self.request(&item, ChangeKind::Delete);
                self.mark(marked);
                self.write(None, Event::Deleted, By::Request(self.requests));
            }
            Step::MarkOnly => {
                let Some(item) = self.current.clone() else { return };
                let marked = self.request(&item, ChangeKind::Delete);
                self.mark(marked);
            }
            Step::HandWrite(attributes) => {
                let new = item(attributes.clone());
                match self.current.clone() {
                    Some(item) if is_taken_back(&item, &new) => self.mark(new),
                    Some(item) if item == new => {}
                    _ => {
                        let event = self.hand_event();
                        self.write(Some(new), event, By::Hand);
                    }
                }
            }
            Step::HandChange(name, attribute) => {
                let Some(item) = self.current.clone() else { return };
                let new = match attribute {
                    Some(attribute) => with(&item, name, attribute.clone()),
                    None => without(&item, name),
                };
                if is_taken_back(&item, &new) {
                    self.mark(new);
                } else if new != item {
                    self.write(Some(new), Event::Updated, By::Hand);
                }
            }
            Step::HandDelete => {
                // A mark that was just left makes the deletion that of its request.
                let Some(item) = self.current.clone() else { return };
                let by = match mark(&item) {
                    Some((request, marked_at)) if self.now - marked_at <= 60 => By::Request(request),
                    _ => By::Hand,
                };
                self.write(None, Event::Deleted, by);
            }
            Step::Sweep if self.current.is_some() && alive.is_none() => self.write(None, Event::Expired, By::Ttl),
            Step::Wait(seconds) => self.now += seconds,
            Step::Create(_) | Step::Sweep => {}
        }
    }

    fn hand_event(&self) -> Event {
        match self.current {
            Some(_) => Event::Updated,
            None => Event::Created,
        }
    }

    fn request(&mut self, item: &Image, kind: ChangeKind) -> Image {
        self.requests += 1;
        let change = LastChange {
            at: at(self.now),
            ..last_change(&self.requests.to_string(), kind)
        };
        let item = match kind {
            ChangeKind::Delete => item.clone(),
            // Each write of the service replaces it, one that changes no field as well.
            _ => with(item, "version", json!({ "S": self.requests.to_string() })),
        };
        with(&item, "last_change", change.to_attribute())
    }

    fn mark(&mut self, marked: Image) {
        self.sequence_number += 1;
        let record = record(self.sequence_number, self.now, self.current.as_ref(), Some(&marked));
        assert_eq!(record.into_entry(at(self.now)), None, "a mark leaves no entry");
        self.remember(Some(marked));
    }

    fn write(&mut self, new: Option<Image>, event: Event, by: By) {
        self.sequence_number += 1;
        let mut record = record(self.sequence_number, self.now, self.current.as_ref(), new.as_ref());
        record.identity = (by == By::Ttl).then(ttl_identity);
        self.entries.push(record.into_entry(at(self.now + 1)).unwrap());
        self.expected.push((event, by));
        self.remember(new);
    }

    fn remember(&mut self, state: Option<Image>) {
        self.states.push((self.now, state.clone()));
        self.current = state;
    }

    /// The item at the end of the second.
    fn state_at(&self, seconds: i64) -> Option<&Image> {
        let state = self.states.iter().rev().find(|(since, _)| *since <= seconds);
        state.and_then(|(_, state)| state.as_ref())
    }
}

/// Whether a hand does what a request does that takes its mark back.
fn is_taken_back(item: &Image, new: &Image) -> bool {
    mark(item).is_some() && item != new && without(item, "last_change") == without(new, "last_change")
}

/// The request whose mark the item has, and when it marked it.
fn mark(item: &Image) -> Option<(u64, i64)> {
    let members = &item.get("last_change")?["M"];
    let text = |name: &str| members[name]["S"].as_str().unwrap();
    let marked_at: DateTime<Utc> = text("at").parse().unwrap();
    (text("kind") == "delete").then(|| (text("request_id").parse().unwrap(), marked_at.timestamp()))
}

fn create(body: &Value, now: DateTime<Utc>) -> NewConfig {
    parse_create(body.to_string().as_bytes(), &"acme".parse().unwrap(), now).unwrap()
}

/// The item that the store writes for a creation.
fn stored(config: &NewConfig) -> Image {
    let values = config.clone().into_values();
    let attributes = values.iter().map(|value| (value.field(), json!(value.data())));
    item(
        attributes
            .map(|(field, value)| (field.name().to_owned(), attribute(&value)))
            .collect(),
    )
}

/// The item after an update, if it is valid.
fn update(item: &Image, body: &Value, now: DateTime<Utc>) -> Option<Image> {
    let tenant = "acme".parse().unwrap();
    let update = parse_update(body.to_string().as_bytes(), &tenant, DeliveryType::S3, now).ok()?;
    let changes = update.resolve(&item.config()).ok()?;
    Some(changes.iter().fold(item.clone(), |item, change| {
        if let Change::Set(value) = change {
            with(&item, value.field().name(), attribute(&json!(value.data())))
        } else {
            without(&item, change.field().name())
        }
    }))
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "S": text }),
        Value::Bool(boolean) => json!({ "BOOL": boolean }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::Array(values) => json!({ "L": values.iter().map(attribute).collect::<Vec<_>>() }),
        other => unreachable!("no field of the tests is {other}"),
    }
}

fn any_members() -> impl Strategy<Value = Value> {
    let member = |name: &'static str, values: Vec<Value>| {
        proptest::option::of(select(values).prop_map(move |value| (name.to_owned(), value)))
    };
    let members = [
        member("bucket_prefix", vec![json!("one/"), json!("two/"), json!(null)]),
        member(
            "target_region",
            vec![json!("us-east-1"), json!("eu-west-1"), json!(null)],
        ),
        member("enabled", vec![json!(true), json!(false)]),
        member("desired_logs", vec![json!(["a"]), json!(["a", "b"]), json!(null)]),
        member(
            "ttl",
            vec![json!(NOW + 50), json!(NOW + 100), json!(NOW + 200), json!(null)],
        ),
    ];
    members.prop_map(|members| members.into_iter().flatten().collect())
}

fn any_hand_item() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!({"bucket_name": {"S": "by-hand"}, "enabled": {"BOOL": true}}),
        json!({"bucket_name": {"N": "7"}, "enabled": {"S": "yes"}, "ttl": {"S": "soon"}, "note": {"M": {"a": {"NULL": true}}}}),
        json!({"bucket_name": {"S": "by-hand"}, "ttl": {"N": (NOW + 20).to_string()}}),
    ])
}

fn any_hand_change() -> impl Strategy<Value = (&'static str, Option<Value>)> {
    select(vec![
        ("enabled", Some(json!({"BOOL": false}))),
        ("enabled", Some(json!({"NULL": true}))),
        ("enabled", None),
        ("bucket_prefix", None),
        ("bucket_name", None),
        ("desired_logs", Some(json!({"SS": ["x", "y"]}))),
        ("desired_logs", None),
        ("note", Some(json!({"B": "AQI="}))),
        ("ttl", Some(json!({"N": (NOW + 150).to_string()}))),
        ("ttl", Some(json!({"N": "1E+100"}))),
        ("last_change", None),
    ])
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any_members().prop_map(|mut body| {
            for (name, value) in [("tenant_id", "acme"), ("type", "s3"), ("bucket_name", "acme-corp-logs")] {
                body[name] = value.into();
            }
            body["ttl"] = json!(null);
            Step::Create(body)
        }),
        4 => any_members().prop_map(Step::Update),
        2 => Just(Step::Delete),
        1 => Just(Step::MarkOnly),
        1 => any_hand_item().prop_map(Step::HandWrite),
        2 => any_hand_change().prop_map(|(name, attribute)| Step::HandChange(name, attribute)),
        1 => Just(Step::HandDelete),
        2 => Just(Step::Sweep),
        4 => (0..40_i64).prop_map(Step::Wait),
    ]
}

/// The retention of the tests is a day, so the histories are read some days later.
fn retention() -> Retention {
    "1".parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn each_change_is_one_entry_with_the_item_before_and_after_it_and_its_actor(steps in vec(any_step(), 0..40)) {
        let world = World::run(&steps);
        prop_assert_eq!(world.entries.len(), world.expected.len());
        let mut last = None::<&Entry>;
        for (entry, (event, by)) in world.entries.iter().zip(&world.expected) {
            prop_assert_eq!(entry.event, *event);
            let found = match &entry.actor {
                Actor::Api(change) => By::Request(change.request_id.parse().unwrap()),
                Actor::Ttl => By::Ttl,
                Actor::Direct => By::Hand,
            };
            prop_assert_eq!(found, *by);
            if let Some(last) = last {
                prop_assert!(last.revision < entry.revision);
                let (after, before) = (last.images.after().unwrap(), entry.images.before().unwrap());
                let same = match (after, &before) {
                    (Some(after), Some(before)) => without(after, "last_change") == without(before, "last_change"),
                    (after, before) => after.is_none() && before.is_none(),
                };
                prop_assert!(same, "{after:?} {before:?}");
            }
            last = Some(entry);
        }
        prop_assert!(last.is_none_or(|last| last.agrees_with(world.current.as_ref())));
    }

    #[test]
    fn configuration_at_any_time_is_that_of_the_model(
        steps in vec(any_step(), 0..40),
        instants in vec(0..1600_i64, 1..20),
        read_after in 0..172_800_i64,
    ) {
        let world = World::run(&steps);
        let now = world.now + read_after;
        let recording = Recording { started_at: at(NOW), retention: retention() };
        let kept: Vec<_> = world
            .entries
            .iter()
            .filter(|entry| retention().expires_at(entry.changed_at()).unwrap() > now)
            .collect();
        let current = world.current.as_ref().map(Image::config);
        // Before the start, around the end of the retention, and anywhere.
        let edge = recording.since(at(now)).timestamp();
        let instants = instants.into_iter().map(|instant| NOW + instant - 50);
        for instant in instants.chain([edge - 1, edge, edge + 1]).filter(|instant| *instant <= now) {
            let found = as_of(at(instant), recording.since(at(now)), kept.iter().copied(), current.clone());
            let state = world.state_at(instant).map(Image::config);
            let expected = match state.filter(|config| !is_expired(config, at(instant))) {
                _ if instant < edge => AsOf::Unknown,
                Some(config) => AsOf::Config(config),
                None => AsOf::Absent,
            };
            prop_assert_eq!(found, expected, "at {}", instant - NOW);
        }
    }

    #[test]
    fn restored_revision_is_what_it_was(steps in vec(any_step(), 1..40)) {
        let world = World::run(&steps);
        let now = at(world.now);
        let current = world.current.clone().filter(|item| !is_expired(&item.config(), now));
        for target in world.entries.iter().filter_map(Entry::configuration) {
            let current_config = current.as_ref().map(Image::config);
            let body = Value::from(restore_body(&target, None, current_config.as_ref()));
            let restored = match &current {
                Some(current) => update(current, &body, now),
                None => parse_create(body.to_string().as_bytes(), &"acme".parse().unwrap(), now)
                    .ok()
                    .map(|config| stored(&config)),
            };
            match restored {
                Some(restored) => {
                    prop_assert_eq!(writable(&restored.config()), expected_after(&target, current_config.as_ref()));
                }
                // Today's rules reject what a person wrote, and a time to live that has passed.
                None => prop_assert!(is_unusual(&target, now), "{target:?}"),
            }
        }
    }
}

/// The fields that clients set, as they see them.
fn writable(config: &StoredConfig) -> Value {
    let mut fields = serde_json::to_value(config).unwrap();
    for name in ["created_at", "updated_at"] {
        fields.as_object_mut().unwrap().remove(name);
    }
    fields
}

/// The target, except that the service stores the default prefix where it is reset, and a prefix is needed to remove
/// one.
fn expected_after(target: &StoredConfig, current: Option<&StoredConfig>) -> Value {
    let mut fields = writable(target);
    let is_reset = current.is_none_or(|current| current.get(Field::BucketPrefix).is_some());
    if is_reset && fields.get("bucket_prefix").is_none() {
        fields["bucket_prefix"] = json!(BucketPrefix::default().as_str());
    }
    fields
}

/// Whether the configuration breaks a rule of today.
fn is_unusual(config: &StoredConfig, now: DateTime<Utc>) -> bool {
    let is_valid_ttl = match config.get(Field::Ttl) {
        None => true,
        Some(ttl) => ttl.as_i64().is_some_and(|ttl| ttl > now.timestamp()),
    };
    let has_name = config.get(Field::BucketName).is_some_and(Value::is_string);
    let has_switch = config
        .get(Field::Enabled)
        .is_none_or(|enabled| enabled.is_boolean() || enabled.is_null());
    !(is_valid_ttl && has_name && has_switch)
}
