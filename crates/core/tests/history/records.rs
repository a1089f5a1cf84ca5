//! One record at a time: what happened, who did it, and what changed.

use serde_json::{Value, json};
use tenant_core::history::{Actor, AsOf, ChangeKind, Entry, Event, Images, Record, as_of};

use crate::harness::{
    NOW, at, by_request, entry, item, key, last_change, record, revision, ttl_identity, with, without,
};

fn changes(entry: &Entry) -> Value {
    serde_json::to_value(entry.changes()).unwrap()
}

#[test]
fn request_that_names_itself_made_the_change() {
    let created = by_request(&item(json!({"bucket_name": {"S": "one"}})), "r-1", ChangeKind::Create);
    let updated = with(&created, "bucket_name", json!({"S": "two"}));
    let updated = by_request(&updated, "r-2", ChangeKind::Batch);
    for (entry, event, request) in [
        (
            entry(None, Some(&created)),
            Event::Created,
            last_change("r-1", ChangeKind::Create),
        ),
        (
            entry(Some(&created), Some(&updated)),
            Event::Updated,
            last_change("r-2", ChangeKind::Batch),
        ),
    ] {
        assert_eq!((entry.event, entry.actor), (event, Actor::Api(request)));
    }
}

#[test]
fn hand_that_leaves_the_name_of_the_last_request_is_direct() {
    let created = by_request(&item(json!({"enabled": {"BOOL": true}})), "r-1", ChangeKind::Create);
    let by_hand = with(&created, "enabled", json!({"BOOL": false}));
    for (old, new, event) in [
        (Some(&created), Some(&by_hand), Event::Updated),
        (Some(&created), None, Event::Deleted),
        (None, Some(&without(&created, "last_change")), Event::Created),
        (Some(&created), Some(&without(&created, "last_change")), Event::Updated),
    ] {
        let entry = entry(old, new);
        assert_eq!((entry.event, entry.actor), (event, Actor::Direct));
    }
}

#[test]
fn mark_of_a_deletion_leaves_no_entry_and_names_who_deletes() {
    let created = by_request(&item(json!({"version": {"S": "v1"}})), "r-1", ChangeKind::Create);
    let marked = by_request(&created, "r-2", ChangeKind::Delete);
    let marked_again = by_request(&created, "r-3", ChangeKind::Delete);
    for (old, new) in [(&created, &marked), (&marked, &marked_again)] {
        assert_eq!(record(1, NOW, Some(old), Some(new)).into_entry(at(NOW)), None);
    }
    let deleted = entry(Some(&marked_again), None);
    assert_eq!(deleted.event, Event::Deleted);
    assert_eq!(deleted.actor, Actor::Api(last_change("r-3", ChangeKind::Delete)));
    assert_eq!(
        (deleted.version.as_deref(), deleted.configuration()),
        (Some("v1"), None)
    );
}

#[test]
fn mark_that_is_taken_back_leaves_no_entry() {
    let by_hand = item(json!({"version": {"S": "v1"}}));
    let created = by_request(&by_hand, "r-1", ChangeKind::Create);
    let odd = with(&by_hand, "last_change", json!({"S": "me"}));
    for before in [by_hand, created, odd] {
        let marked = by_request(&before, "r-2", ChangeKind::Delete);
        assert_eq!(record(1, NOW, Some(&marked), Some(&before)).into_entry(at(NOW)), None);
    }
}

#[test]
fn mark_that_was_left_does_not_name_a_later_deleter() {
    let marked = by_request(&item(json!({})), "r-1", ChangeKind::Delete);
    let request = Actor::Api(last_change("r-1", ChangeKind::Delete));
    // Clocks differ, in either direction.
    for (seconds, actor) in [
        (-61, Actor::Direct),
        (-60, request.clone()),
        (29, request.clone()),
        (60, request),
        (61, Actor::Direct),
    ] {
        let deleted = record(1, NOW + seconds, Some(&marked), None);
        let deleted = deleted.into_entry(at(NOW + seconds)).unwrap();
        assert_eq!((deleted.event, deleted.actor), (Event::Deleted, actor), "{seconds}");
    }
}

#[test]
fn hand_that_changes_a_marked_item_is_a_revision() {
    let marked = by_request(&item(json!({})), "r-1", ChangeKind::Delete);
    let changed = with(&marked, "enabled", json!({"BOOL": true}));
    assert_eq!(entry(Some(&marked), Some(&changed)).actor, Actor::Direct);
    // One write, of a person who copies the attribute.
    let copied = with(&item(json!({})), "enabled", json!({"BOOL": true}));
    let copied = by_request(&copied, "r-2", ChangeKind::Delete);
    assert_eq!(entry(Some(&item(json!({}))), Some(&copied)).event, Event::Updated);
}

#[test]
fn service_deletes_expired_items_even_if_they_are_marked() {
    let marked = by_request(&item(json!({"ttl": {"N": "1"}})), "r-1", ChangeKind::Delete);
    let expired = Record {
        identity: Some(ttl_identity()),
        ..record(1, NOW, Some(&marked), None)
    };
    let expired = expired.into_entry(at(NOW)).unwrap();
    assert_eq!((expired.event, expired.actor), (Event::Expired, Actor::Ttl));
}

#[test]
fn creation_over_an_expired_item_is_a_creation() {
    let ttl = |seconds: i64| json!({ "N": seconds.to_string() });
    let expired = item(json!({"bucket_name": {"S": "one"}, "ttl": ttl(NOW - 5)}));
    let created = by_request(&item(json!({"bucket_name": {"S": "two"}})), "r-1", ChangeKind::Batch);
    let entry = entry(Some(&expired), Some(&created));
    assert_eq!((entry.event, entry.previous()), (Event::Created, None));
    assert_eq!(
        changes(&entry),
        json!([{"field": "bucket_name", "from": null, "to": "two"}, {"field": "enabled", "from": null, "to": false}])
    );
    // It was one until it expired.
    let before = as_of(at(NOW - 10), at(NOW - 100), [&entry], None);
    assert_eq!(before, AsOf::Config(expired.config()));
    assert_eq!(as_of(at(NOW - 5), at(NOW - 100), [&entry], None), AsOf::Absent);
    // A person may update an expired item.
    let revived = with(&expired, "ttl", ttl(NOW + 5));
    let entry = crate::harness::entry(Some(&expired), Some(&revived));
    assert_eq!(entry.event, Event::Updated);
}

#[test]
fn changes_are_the_modelled_fields_as_clients_see_them() {
    let old = item(json!({
        "enabled": {"NULL": true}, "desired_logs": {"SS": ["b", "a"]}, "ttl": {"N": "1E+100"}, "bucket_prefix": {"NULL": true},
        "note": {"S": "by hand"}, "updated_at": {"S": "then"}, "version": {"S": "v1"}
    }));
    let new = item(json!({
        "enabled": {"BOOL": true}, "desired_logs": {"L": [{"S": "b"}, {"S": "c"}]}, "updated_at": {"S": "now"},
        "version": {"S": "v2"}, "created_at": {"S": "then"}
    }));
    let entry = entry(Some(&old), Some(&new));
    assert_eq!(
        changes(&entry),
        json!([
            {"field": "enabled", "from": false, "to": true},
            {"field": "desired_logs", "from": ["a", "b"], "to": ["b", "c"], "added": ["c"], "removed": ["a"]},
            {"field": "ttl", "from": {"N": "1E+100"}, "to": null},
            {"field": "created_at", "from": null, "to": "then"},
        ])
    );
    assert_eq!(
        entry.changed_attributes(),
        ["bucket_prefix", "created_at", "desired_logs", "enabled", "note", "ttl"]
    );
    assert_eq!(entry.version.as_deref(), Some("v2"));
}

#[test]
fn bookkeeping_alone_is_a_revision_without_changes() {
    let old = by_request(
        &item(json!({"updated_at": {"S": "then"}, "version": {"S": "v1"}})),
        "r-1",
        ChangeKind::Create,
    );
    let new = item(json!({"updated_at": {"S": "now"}, "version": {"S": "v2"}}));
    let new = by_request(&new, "r-2", ChangeKind::Update);
    let entry = entry(Some(&old), Some(&new));
    assert_eq!((entry.event, changes(&entry)), (Event::Updated, json!([])));
    assert_eq!(entry.changed_attributes(), [""; 0]);
    assert_eq!(entry.images.before(), Some(Some(old)), "the item before is known whole");
}

#[test]
fn lists_that_appear_and_disappear_are_added_and_removed() {
    let (without, with) = (item(json!({})), item(json!({"desired_logs": {"L": [{"S": "a"}]}})));
    let appears = json!([{"field": "desired_logs", "from": null, "to": ["a"], "added": ["a"], "removed": []}]);
    assert_eq!(changes(&entry(Some(&without), Some(&with))), appears);
    let disappears = json!([{"field": "desired_logs", "from": ["a"], "to": null, "added": [], "removed": ["a"]}]);
    assert_eq!(changes(&entry(Some(&with), Some(&without))), disappears);
}

#[test]
fn change_of_a_huge_value_has_its_field_without_values() {
    let huge = |letter: &str| item(json!({"bucket_name": {"S": letter.repeat(250_000)}, "version": {"S": "v1"}}));
    let (old, new) = (huge("a"), huge("b"));
    let entry = entry(Some(&old), Some(&new));
    assert_eq!(changes(&entry), json!([{"field": "bucket_name"}]));
    assert_eq!((entry.configuration(), entry.version.as_deref()), (None, Some("v1")));
    assert!(entry.summary().truncated);
    assert_eq!(
        as_of(at(NOW - 1), at(NOW - 9), [&entry], Some(new.config())),
        AsOf::Unknown
    );
    assert!(entry.agrees_with(Some(&new)) && !entry.agrees_with(None));
    assert!(!entry.agrees_with(Some(&with(&new, "version", json!({"S": "v2"})))));
}

#[test]
fn record_without_images_is_observed() {
    let entry = entry(None, None);
    assert_eq!((entry.event, entry.images), (Event::Observed, Images::Truncated));
}

#[test]
fn summary_is_what_clients_read() {
    let old = item(json!({"bucket_name": {"S": "one"}}));
    let mut change = last_change("r-1", ChangeKind::Restore);
    change.note = Some("back".parse().unwrap());
    change.cause = Some("rollout:7".to_owned());
    change.restored_from = Some(revision(1, NOW - 60));
    let new = with(
        &with(&old, "bucket_name", json!({"S": "two"})),
        "last_change",
        change.to_attribute(),
    );
    let entry = record(2, NOW, Some(&old), Some(&new)).into_entry(at(NOW + 1)).unwrap();
    let expected = json!({
        "revision": revision(2, NOW).to_string(), "tenant_id": "acme", "type": "s3", "event": "updated",
        "changed_at": "2023-11-14T22:13:20Z", "recorded_at": "2023-11-14T22:13:21.000Z",
        "actor": {"type": "api", "request_id": "r-1", "kind": "restore", "key": "current:1", "note": "back"},
        "changes": [{"field": "bucket_name", "from": "one", "to": "two"}],
        "restored_from": revision(1, NOW - 60).to_string(), "cause": "rollout:7"
    });
    assert_eq!(serde_json::to_value(entry.summary()).unwrap(), expected);
    let direct = crate::harness::entry(Some(&old), None).summary();
    assert_eq!(serde_json::to_value(direct.actor).unwrap(), json!({"type": "direct"}));
}

#[test]
fn observed_item_continues_the_last_entry() {
    let (old, new) = (
        item(json!({"enabled": {"BOOL": true}})),
        item(json!({"enabled": {"BOOL": false}})),
    );
    let last = entry(None, Some(&old));
    assert!(last.agrees_with(Some(&old)));
    assert!(
        last.agrees_with(Some(&by_request(&old, "r-9", ChangeKind::Delete))),
        "a mark that was left"
    );
    assert!(!last.agrees_with(Some(&new)) && !last.agrees_with(None));
    let observed = Entry::observed(key(), Some(&last), Some(new.clone()), at(NOW + 60));
    assert!(observed.revision > last.revision && observed.revision < revision(2, NOW));
    assert_eq!((observed.event, observed.changed_at()), (Event::Observed, at(NOW + 60)));
    assert_eq!(
        changes(&observed),
        json!([{"field": "enabled", "from": true, "to": false}])
    );
    assert!(observed.agrees_with(Some(&new)));
    let gone = Entry::observed(key(), Some(&observed), None, at(NOW + 61));
    assert!(gone.agrees_with(None) && !gone.agrees_with(Some(&new)));
    assert_eq!(gone.previous(), Some(new.config()));
}

#[test]
fn baseline_knows_nothing_of_before() {
    let found = item(json!({"enabled": {"BOOL": true}}));
    let baseline = Entry::observed(key(), None, Some(found.clone()), at(NOW));
    assert_eq!(
        (changes(&baseline), baseline.configuration()),
        (json!([]), Some(found.config()))
    );
    assert_eq!(as_of(at(NOW - 1), at(NOW - 9), [&baseline], None), AsOf::Unknown);
    assert_eq!(
        as_of(at(NOW), at(NOW - 9), [&baseline], Some(found.config())),
        AsOf::Config(found.config())
    );
}

#[test]
fn item_with_a_large_attribute_continues_in_what_the_model_knows() {
    let large = |letter: &str| with(&item(json!({})), "note", json!({ "S": letter.repeat(200_000) }));
    let last = entry(Some(&large("a")), Some(&large("b")));
    assert!(matches!(last.images, Images::Modelled { .. }));
    assert!(last.agrees_with(Some(&large("c"))));
    let found = with(&large("c"), "enabled", json!({"BOOL": true}));
    assert!(!last.agrees_with(Some(&found)));
    let observed = Entry::observed(key(), Some(&last), Some(found), at(NOW));
    assert_eq!(observed.changed_attributes(), ["enabled"]);
}
