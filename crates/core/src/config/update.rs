//! A change of a configuration.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    field_change::{Change, ForeignField},
    field_value::{FieldData, FieldValue},
    merge::merge_labels,
    names::{DeliveryType, Field},
    partitions::{self, Requirement},
    spec::FieldRole,
    stored::StoredConfig,
};
use crate::violation::{ErrorCode, FieldError, Violation};

/// The changes that a PUT or PATCH makes: a field that is not named keeps its value. At least one change, each field
/// once, and every rule holds for the new values.
///
/// What a client reads and sends back unchanged must change nothing, in whatever form a person wrote it. So a change counts
/// only where the item has another value than the one that was sent ([`ConfigUpdate::resolve`]). Labels merge, key by key, with
/// those of the item.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigUpdate {
    delivery_type: DeliveryType,
    changes: Vec<Change>,
    sent: Vec<(Field, Value)>,
    foreign: Vec<ForeignField>,
}

/// What must hold for an item so that an update can be applied to it as it is. Where one of them does not hold, the update
/// must be resolved against the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assumption<'a> {
    /// The field has this text.
    HasText(Field, &'a str),
    /// The field has a text that is not blank.
    HasAnyText(Field),
    /// The field does not have this text.
    LacksText(Field, &'a str),
    /// The field does not have these texts as a set.
    LacksSet(Field, &'a [String]),
    /// The field is not stored as null.
    IsNotNull(Field),
    /// The field that the update does not name contradicts none that it changes.
    Meets(Requirement),
    /// The field is absent, or has exactly these texts.
    IsAbsentOr(Field, Option<&'a BTreeMap<String, String>>),
    /// None that a condition expresses: no item is as required.
    Never,
}

impl ConfigUpdate {
    /// `None` if there is nothing to change. `sent` has the values as they were in the body, without nulls: a null resets a
    /// field, whatever it is.
    pub(super) fn new(
        delivery_type: DeliveryType,
        changes: Vec<Change>,
        sent: Vec<(Field, Value)>,
        foreign: Vec<ForeignField>,
    ) -> Option<Self> {
        (!changes.is_empty()).then_some(Self {
            delivery_type,
            changes,
            sent,
            foreign,
        })
    }

    /// The changes, each of another field, where the item is as the [assumptions](Self::assumptions) say.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes that the update makes to this item, or the rules that it would break there.
    pub fn resolve(&self, stored: &StoredConfig) -> Result<Vec<Change>, Vec<FieldError>> {
        let mut changes = Vec::new();
        let mut too_many = None;
        for change in &self.changes {
            match self.effect(change, stored) {
                Ok(effect) => changes.extend(effect),
                Err(error) => too_many = Some(error),
            }
        }
        let foreign = self
            .foreign
            .iter()
            .filter(|foreign| !foreign.is_stored(stored))
            .map(|foreign| foreign.error.clone());
        let stub = self.required_fields(&changes).filter(|field| !stored.has_text(*field));
        let contradicted = self
            .requirement(&changes)
            .and_then(|requirement| requirement.broken_by(stored));
        let missing = stub.map(missing_in_stub);
        let mut errors: Vec<FieldError> = foreign.chain(missing).chain(contradicted).chain(too_many).collect();
        errors.dedup();
        if !errors.is_empty() {
            return Err(errors);
        }
        if !self.names(Field::Enabled) && stored.get(Field::Enabled).is_none_or(Value::is_null) {
            changes.push(Change::Set(switched_off()));
        }
        Ok(changes)
    }

    /// What must hold for the item so that [`ConfigUpdate::changes`] are the changes. `enabled` is stored as false in
    /// addition where it is absent and the update does not name it.
    #[must_use]
    pub fn assumptions(&self) -> Vec<Assumption<'_>> {
        let foreign = self.foreign.iter().map(|foreign| match foreign.text() {
            Some(text) => Assumption::HasText(foreign.field, text),
            None => Assumption::Never,
        });
        let required = self.required_fields(&self.changes).map(Assumption::HasAnyText);
        let other_forms = self.changes.iter().filter_map(|change| self.other_form(change));
        let enabled = (!self.names(Field::Enabled)).then_some(Assumption::IsNotNull(Field::Enabled));
        let requirement = self.requirement(&self.changes).map(Assumption::Meets);
        foreign
            .chain(required)
            .chain(other_forms)
            .chain(enabled)
            .chain(requirement)
            .chain(self.lack_of_labels())
            .collect()
    }

    /// The rule that the update breaks where the item would become larger than the table allows. It is reported for the
    /// largest value that the update sets.
    #[must_use]
    pub fn too_large(&self) -> FieldError {
        makes_too_large(self.changes.iter().map(|change| match change {
            Change::Set(value) => (change.field(), value.data().bytes()),
            Change::Remove(_) | Change::MergeLabels(_) => (change.field(), 0),
        }))
    }

    /// What these changes of the update require of the field among role and region that it does not name.
    pub(super) fn requirement(&self, changes: &[Change]) -> Option<Requirement> {
        partitions::requirement(self.delivery_type, changes, |field| self.names(field))
    }

    fn names(&self, field: Field) -> bool {
        self.changes.iter().any(|change| change.field() == field)
    }

    fn sent(&self, field: Field) -> Option<&Value> {
        self.sent.iter().find(|(name, _)| *name == field).map(|(_, sent)| sent)
    }

    /// What a change of this update changes in this item.
    fn effect(&self, change: &Change, stored: &StoredConfig) -> Result<Option<Change>, FieldError> {
        let field = change.field();
        let (sent, found) = (self.sent(field), stored.get(field));
        if let (Field::Labels, Some(sent)) = (field, sent) {
            return merge_labels(sent, found);
        }
        let is_stored_as_sent = match change {
            Change::Set(_) | Change::MergeLabels(_) => found.is_some() && found == sent,
            Change::Remove(_) => found.is_none(),
        };
        Ok((!is_stored_as_sent).then(|| change.clone()))
    }

    /// Sent labels are all labels of an item that has none, or the same.
    fn lack_of_labels(&self) -> Option<Assumption<'_>> {
        self.sent(Field::Labels)?;
        let labels = self.changes.iter().find_map(|change| match change {
            Change::Set(value) => match value.data() {
                FieldData::Map(labels) => Some(labels),
                _ => None,
            },
            _ => None,
        });
        Some(Assumption::IsAbsentOr(Field::Labels, labels))
    }

    /// Another form in which the item may have the value that was sent.
    fn other_form<'a>(&'a self, change: &'a Change) -> Option<Assumption<'a>> {
        let Change::Set(value) = change else { return None };
        let field = value.field();
        match (value.data(), self.sent(field)?) {
            (FieldData::Text(text), Value::String(sent)) if text != sent => Some(Assumption::LacksText(field, sent)),
            (FieldData::List(names), _) => Some(Assumption::LacksSet(field, names)),
            _ => None,
        }
    }

    /// The fields that the item must have because these changes switch the delivery on: a log processor stops every delivery
    /// of a tenant with an enabled item that lacks one.
    fn required_fields<'a>(&'a self, changes: &[Change]) -> impl Iterator<Item = Field> + use<'a> {
        let switches_on = changes.iter().any(
            |change| matches!(change, Change::Set(value) if value.field() == Field::Enabled && value.data() == &FieldData::Boolean(true)),
        );
        let fields = switches_on.then(|| self.delivery_type.required_fields());
        fields.into_iter().flatten().filter(|field| !self.names(*field))
    }
}

impl DeliveryType {
    /// The fields without which an item of this type cannot be delivered.
    pub(super) fn required_fields(self) -> impl Iterator<Item = Field> {
        self.fields()
            .filter(|field| field.is_required() && field.spec().role == FieldRole::Writable)
    }
}

/// The rule that fields of these sizes break together with what else the item has. It is reported for the largest one.
pub(super) fn makes_too_large(sizes: impl Iterator<Item = (Field, usize)>) -> FieldError {
    let largest = sizes.max_by_key(|(_, bytes)| *bytes);
    let message = "makes the stored item larger than 400 kB, the most that DynamoDB stores (send a smaller value, or remove \
        attributes of the item that are not fields of a configuration)";
    Violation::new(ErrorCode::TooLong, message).for_field(largest.map_or("", |(field, _)| field.name()))
}

fn missing_in_stub(field: Field) -> FieldError {
    Violation::new(
        ErrorCode::Required,
        "is required to switch the delivery on, and the stored item has no value for it (send one as well)",
    )
    .for_field(field.name())
}

fn switched_off() -> FieldValue {
    FieldValue::new(Field::Enabled, FieldData::Boolean(false))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::{prelude::*, sample::select};
    use serde_json::json;

    use super::*;
    use crate::config::{InputError, parse_update};

    const ROLE: &str = "arn:aws:iam::123456789012:role/LogDistributionRole";

    fn parse(body: &Value) -> Result<ConfigUpdate, InputError> {
        let tenant = "acme".parse().unwrap();
        parse_update(
            body.to_string().as_bytes(),
            &tenant,
            DeliveryType::S3,
            DateTime::UNIX_EPOCH,
        )
    }

    fn stored(attributes: Value) -> StoredConfig {
        let Value::Object(attributes) = attributes else {
            unreachable!("the tests pass objects")
        };
        StoredConfig::from_attributes(attributes)
    }

    /// Whether the assumption holds, for an item without sets.
    fn holds(assumption: &Assumption<'_>, stored: &StoredConfig) -> bool {
        let text = |field: Field| stored.get(field).and_then(Value::as_str);
        match assumption {
            Assumption::HasText(field, value) => text(*field) == Some(value),
            Assumption::HasAnyText(field) => stored.has_text(*field),
            Assumption::LacksText(field, value) => text(*field) != Some(value),
            Assumption::LacksSet(..) => true,
            Assumption::IsNotNull(field) => stored.get(*field) != Some(&Value::Null),
            Assumption::Meets(requirement) => requirement.broken_by(stored).is_none(),
            Assumption::IsAbsentOr(field, texts) => stored
                .get(*field)
                .is_none_or(|found| texts.is_some_and(|texts| *found == json!(texts))),
            Assumption::Never => false,
        }
    }

    /// The item after these changes, as a client sees it.
    fn after(stored: &StoredConfig, changes: &[Change]) -> Value {
        let mut shown = serde_json::to_value(stored).unwrap();
        for change in changes {
            let name = change.field().name();
            match change.after(stored.get(change.field())) {
                Some(value) => shown[name] = value,
                None => drop(shown.as_object_mut().unwrap().remove(name)),
            }
        }
        shown
    }

    fn any_member(field: &'static str, values: Vec<Value>) -> impl Strategy<Value = Option<(String, Value)>> {
        let value = select(values).prop_map(move |value| (field.to_owned(), value));
        proptest::option::of(value)
    }

    fn any_members() -> impl Strategy<Value = Value> {
        let members = [
            any_member("bucket_name", vec![json!("acme-logs"), json!("other-logs")]),
            any_member("bucket_prefix", vec![json!(null), json!("logs"), json!("logs/")]),
            any_member("target_region", vec![json!(null), json!("eu-west-1")]),
            any_member("enabled", vec![json!(null), json!(true), json!(false)]),
            any_member("desired_logs", vec![json!(null), json!(["a"]), json!(["a", "b"])]),
            any_member(
                "log_distribution_role_arn",
                vec![json!(null), json!(ROLE), json!("other")],
            ),
            any_member(
                "labels",
                vec![
                    json!(null),
                    json!({}),
                    json!({"env": "prod"}),
                    json!({"env": "test", "team": null}),
                    json!({"env": "prod", "Team": "a b", "n": 7, "gone": null}),
                    json!("by hand"),
                    json!(["env"]),
                ],
            ),
        ];
        members.prop_map(|members| members.into_iter().flatten().collect::<serde_json::Map<_, _>>().into())
    }

    proptest! {
        #[test]
        fn changes_are_the_resolved_ones_where_every_assumption_holds(body in any_members(), item in any_members()) {
            let item = stored(item);
            if let Ok(update) = parse(&body)
                && update.assumptions().iter().all(|assumption| holds(assumption, &item))
            {
                let resolved = update.resolve(&item);
                prop_assert!(resolved.is_ok(), "{:?}", resolved);
                prop_assert_eq!(after(&item, &resolved.unwrap()), after(&item, update.changes()));
            }
        }

        #[test]
        fn what_is_shown_changes_nothing_when_it_is_sent_back(item in any_members()) {
            let item = stored(item);
            let shown = serde_json::to_value(&item).unwrap();
            let changes = parse(&shown).unwrap().resolve(&item).unwrap();
            prop_assert_eq!(after(&item, &changes), shown);
        }
    }

    #[test]
    fn foreign_text_depends_on_the_item_only_in_an_update_that_is_valid_otherwise() {
        let foreign = json!({"log_distribution_role_arn": ROLE});
        let item = stored(foreign.clone());
        assert!(matches!(parse(&foreign), Err(InputError::BrokenRules(errors)) if errors.len() == 1));
        let both = json!({"log_distribution_role_arn": ROLE, "enabled": "no"});
        assert!(matches!(parse(&both), Err(InputError::BrokenRules(errors)) if errors.len() == 2));
        let number = json!({"log_distribution_role_arn": 7, "enabled": false});
        assert!(matches!(parse(&number), Err(InputError::BrokenRules(errors)) if errors.len() == 1));
        let update = parse(&json!({"log_distribution_role_arn": ROLE, "enabled": false})).unwrap();
        assert!(update.resolve(&item).is_ok());
        let errors = update.resolve(&stored(json!({}))).unwrap_err();
        assert_eq!(errors[0].code, ErrorCode::WrongDeliveryType);
    }

    #[test]
    fn role_and_region_of_different_partitions_may_be_sent_back_as_they_are_stored() {
        let item = json!({"log_distribution_role_arn": ROLE, "target_region": "cn-north-1"});
        let tenant = "acme".parse().unwrap();
        let body = item.to_string();
        let update = parse_update(body.as_bytes(), &tenant, DeliveryType::CloudWatch, DateTime::UNIX_EPOCH).unwrap();
        let unchanged = update.resolve(&stored(item)).unwrap();
        assert_eq!(unchanged, [Change::Set(switched_off())]);
        for other in [
            json!({}),
            json!({"log_distribution_role_arn": ROLE, "target_region": "us-east-1"}),
            json!({"log_distribution_role_arn": "other", "target_region": "cn-north-1"}),
        ] {
            let errors = update.resolve(&stored(other)).unwrap_err();
            assert_eq!((errors.len(), errors[0].code), (1, ErrorCode::Conflict));
        }
    }

    #[test]
    fn labels_count_for_the_size_of_an_item() {
        let body = json!({"labels": {"env": "production"}, "target_region": "eu-west-1", "desired_logs": ["a"]});
        assert_eq!(parse(&body).unwrap().too_large().field, "labels");
    }

    #[test]
    fn item_that_is_on_already_is_not_switched_on() {
        let update = parse(&json!({"enabled": true})).unwrap();
        for (item, is_valid) in [
            (json!({"enabled": true}), true),
            (json!({"enabled": "yes"}), false),
            (json!({"enabled": false, "bucket_name": "b"}), true),
            (json!({"bucket_name": " "}), false),
        ] {
            assert_eq!(update.resolve(&stored(item.clone())).is_ok(), is_valid, "{item}");
        }
    }
}
