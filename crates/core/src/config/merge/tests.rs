//! Labels of an update against those of an item: by hand, and against a model.

use chrono::DateTime;
use proptest::{collection::btree_map, option, prelude::*, sample::select};
use serde_json::json;

use super::*;
use crate::{
    config::{Assumption, ConfigUpdate, DeliveryType, InputError, StoredConfig, parse_update},
    violation::ErrorCode,
};

type Outcome = Result<Option<Value>, Vec<(String, ErrorCode)>>;

fn parse(body: &Value) -> Result<ConfigUpdate, InputError> {
    let (body, tenant) = (body.to_string(), "acme".parse().unwrap());
    parse_update(body.as_bytes(), &tenant, DeliveryType::S3, DateTime::UNIX_EPOCH)
}

fn codes(errors: Vec<FieldError>) -> Vec<(String, ErrorCode)> {
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

/// The labels of an item with `stored` after an update with `sent`, or the broken rules.
fn merged(stored: Option<&Value>, sent: &Value) -> Outcome {
    let attributes = stored.map(|labels| ("labels", labels.clone()));
    let item = StoredConfig::from_attributes(attributes);
    let update = parse(&json!({ "labels": sent })).unwrap();
    let changes = update.resolve(&item).map_err(codes)?;
    let change = changes.iter().find(|change| change.field() == Field::Labels);
    Ok(match change {
        Some(change) => change.after(stored),
        None => stored.cloned(),
    })
}

fn rule(field: &str, code: ErrorCode) -> (String, ErrorCode) {
    (field.to_owned(), code)
}

#[test]
fn labels_merge_by_key() {
    for (stored, sent, expected) in [
        (None, json!({"a": "1"}), Some(json!({"a": "1"}))),
        (
            Some(json!({"a": "1"})),
            json!({"b": ""}),
            Some(json!({"a": "1", "b": ""})),
        ),
        (Some(json!({"a": "1"})), json!({"a": "2"}), Some(json!({"a": "2"}))),
        (
            Some(json!({"a": "1", "b": "2"})),
            json!({"a": null}),
            Some(json!({"b": "2"})),
        ),
        (Some(json!({"a": "1"})), json!({}), Some(json!({"a": "1"}))),
        (Some(json!({"a": "1"})), json!({"b": null}), Some(json!({"a": "1"}))),
        (Some(json!({"a": "1"})), json!({"a": null}), None),
        (Some(json!({"a": "1"})), json!(null), None),
        (None, json!({"a": null}), None),
        (None, json!({}), None),
    ] {
        assert_eq!(merged(stored.as_ref(), &sent), Ok(expected), "{stored:?} {sent}");
    }
}

#[test]
fn labels_written_by_hand_keep_their_values_whatever_they_are() {
    let odd = json!({"Team": "a b", "n": 7, "gone": null, "x": {"y": []}});
    let mut with_more = odd.clone();
    with_more["env"] = json!("prod");
    for (sent, expected) in [
        (odd.clone(), odd.clone()),
        (json!({"Team": "a b"}), odd.clone()),
        (json!({"x": {"y": []}, "n": 7}), odd.clone()),
        (json!({"env": "prod"}), with_more.clone()),
        (with_more.clone(), with_more.clone()),
        (
            json!({"Team": null, "n": "7", "x": null}),
            json!({"n": "7", "gone": null}),
        ),
    ] {
        assert_eq!(merged(Some(&odd), &sent), Ok(Some(expected)), "{sent}");
    }
    assert_eq!(
        merged(Some(&odd), &json!({"Team": "c d", "n": 8, "x": {"y": []}})),
        Err(vec![
            rule("labels.Team", ErrorCode::InvalidFormat),
            rule("labels.Team", ErrorCode::InvalidFormat),
            rule("labels.n", ErrorCode::WrongType)
        ])
    );
    let removed = json!({"Team": null, "n": null, "x": null});
    assert_eq!(merged(Some(&odd), &removed), Ok(None), "a null is no label");
}

#[test]
fn labels_of_another_type_are_kept_replaced_or_removed() {
    for stored in [json!("by hand"), json!(7), json!(["env"]), json!(true)] {
        assert_eq!(merged(Some(&stored), &stored), Ok(Some(stored.clone())));
        let other = merged(Some(&stored), &json!("other"));
        assert_eq!(other, Err(vec![rule("labels", ErrorCode::WrongType)]));
        let replaced = merged(Some(&stored), &json!({"a": "1"}));
        assert_eq!(replaced, Ok(Some(json!({"a": "1"}))));
        for removal in [json!(null), json!({}), json!({"a": null})] {
            assert_eq!(merged(Some(&stored), &removal), Ok(None));
        }
    }
}

fn labels(keys: std::ops::Range<u32>) -> Value {
    keys.map(|key| (key.to_string(), json!("x"))).collect()
}

#[test]
fn no_merge_adds_a_label_beyond_the_sixteenth() {
    let too_many = Err(vec![rule("labels", ErrorCode::TooLong)]);
    assert_eq!(merged(Some(&labels(0..16)), &json!({"new": "1"})), too_many);
    assert_eq!(merged(Some(&labels(0..15)), &json!({"new": "1", "old": "1"})), too_many);
    assert_eq!(merged(None, &labels(0..17)), too_many);
    let moved = merged(Some(&labels(0..16)), &json!({"new": "1", "0": null})).unwrap();
    assert_eq!(moved.unwrap().as_object().unwrap().len(), 16);
    // Those of a person stay, and can become fewer.
    let many = labels(0..20);
    assert_eq!(merged(Some(&many), &many), Ok(Some(many.clone())));
    let changed = merged(Some(&many), &json!({"0": "y"})).unwrap().unwrap();
    assert_eq!((changed.as_object().unwrap().len(), &changed["0"]), (20, &json!("y")));
    let fewer = merged(Some(&many), &json!({"0": null, "1": null})).unwrap().unwrap();
    assert_eq!(fewer.as_object().unwrap().len(), 18);
    assert_eq!(merged(Some(&many), &json!({"new": "1"})), too_many);
}

#[test]
fn labels_that_an_item_may_have_are_decided_by_it_and_reported_with_other_broken_rules() {
    let labels = json!({"Team": "x", "env": "a b"});
    let update = parse(&json!({ "labels": labels })).unwrap();
    assert!(update.assumptions().contains(&Assumption::Never));
    let both = parse(&json!({ "labels": labels, "enabled": "no" }));
    let Err(InputError::BrokenRules(errors)) = both else {
        panic!("{both:?}")
    };
    let mut fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["enabled", "labels.Team", "labels.env"]);
}

fn any_key() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "c", "team", "Team", "é", ""]).prop_map(str::to_owned)
}

fn any_label() -> impl Strategy<Value = Value> {
    select(vec![
        json!("x"),
        json!("y"),
        json!(""),
        json!(null),
        json!("a b"),
        json!(7),
        json!(["x"]),
    ])
}

fn any_labels() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let few = btree_map(any_key(), any_label(), 0..6);
    let many = btree_map((0..20_u32).prop_map(|key| key.to_string()), any_label(), 0..20);
    prop_oneof![few, many]
}

/// What the documentation says, label by label.
fn model(stored: Option<&BTreeMap<String, Value>>, sent: &BTreeMap<String, Value>) -> Result<Option<Value>, ()> {
    let as_stored = |key: &String, value| stored.and_then(|stored| stored.get(key)) == Some(value);
    let is_valid = |key: &String, value: &Value| Labels::parse(&json!({ key: value })).is_ok();
    if sent
        .iter()
        .any(|(key, value)| !is_valid(key, value) && !as_stored(key, value))
    {
        return Err(());
    }
    let mut after = stored.cloned().unwrap_or_default();
    for (key, value) in sent.iter().filter(|(key, value)| !as_stored(key, value)) {
        match value {
            Value::Null => drop(after.remove(key)),
            value => drop(after.insert(key.clone(), value.clone())),
        }
    }
    let count = |labels: &BTreeMap<String, Value>| labels.values().filter(|value| !value.is_null()).count();
    let (before, now) = (stored.map_or(0, count), count(&after));
    let is_unchanged = stored == Some(sent);
    if (count(sent) > 16 && !is_unchanged) || (now > 16 && now > before) {
        return Err(());
    }
    let stays = now > 0 || is_unchanged;
    Ok(stays.then(|| json!(after)))
}

proptest! {
    #[test]
    fn merge_equals_its_model(stored in option::of(any_labels()), sent in any_labels()) {
        let outcome = merged(stored.as_ref().map(|stored| json!(stored)).as_ref(), &json!(sent));
        prop_assert_eq!(outcome.map_err(drop), model(stored.as_ref(), &sent));
    }
}
