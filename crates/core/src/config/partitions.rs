//! The rule between a role and a region: a role can be assumed only within its partition.
//!
//! A create has both fields. An update may have one of them. Then the other is in the table, and the write is made on the
//! condition that it does not contradict.

use super::{
    destination::RoleArn,
    field_change::{Change, ForeignField},
    field_value::{FieldData, FieldValue},
    names::{DeliveryType, Field},
    stored::StoredConfig,
    values::{Partition, Region},
};
use crate::violation::{ErrorCode, FieldError, Violation};

/// Whether a role and a region exclude each other, as a broken rule of the region. A region whose partition is not known
/// contradicts no role.
pub(super) fn conflict(role: &RoleArn, region: &Region) -> Option<Violation> {
    let (of_role, of_region) = (role.partition(), region.partition()?);
    (of_role != of_region).then(|| {
        let message = format!(
            "is {region} in partition {of_region}, but log_distribution_role_arn is in partition {of_role} \
             (a role can be assumed only within its partition)"
        );
        Violation::new(ErrorCode::Conflict, message)
    })
}

/// The conflict between the values that a body sets, and the two values as fields that an item may have already.
pub(super) fn conflict_in(changes: &[Change]) -> Option<(FieldError, [ForeignField; 2])> {
    let (role, region) = (role_in(changes)?, region_in(changes)?);
    let error = conflict(&role, &region)?.for_field(Field::TargetRegion.name());
    let as_stored = |field, text: &str| ForeignField {
        field,
        entry: None,
        value: text.into(),
        error: error.clone(),
    };
    let fields = [
        as_stored(Field::LogDistributionRoleArn, role.as_str()),
        as_stored(Field::TargetRegion, region.as_str()),
    ];
    Some((error, fields))
}

fn role_in(changes: &[Change]) -> Option<RoleArn> {
    text_in(changes, Field::LogDistributionRoleArn)?.parse().ok()
}

fn region_in(changes: &[Change]) -> Option<Region> {
    text_in(changes, Field::TargetRegion)?.parse().ok()
}

fn text_in(changes: &[Change], field: Field) -> Option<&str> {
    changes.iter().find_map(|change| match change {
        Change::Set(value) if value.field() == field => text_of(value),
        _ => None,
    })
}

fn text_of(value: &FieldValue) -> Option<&str> {
    match value.data() {
        FieldData::Text(text) => Some(text),
        _ => None,
    }
}

/// What an update requires of a field that it does not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    field: Field,
    contradictions: Vec<Contradiction>,
    broken: FieldError,
}

/// A text contradicts if it begins with `beginning` and with none of `unless`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The beginning.
    pub beginning: String,
    /// Longer beginnings that mean something else.
    pub unless: Vec<String>,
}

impl Requirement {
    /// The field that the update does not change.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// The texts that the field must not have. Any other value, and none, is as required.
    #[must_use]
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// The broken rule, if this configuration has such a text.
    #[must_use]
    pub fn broken_by(&self, stored: &StoredConfig) -> Option<FieldError> {
        let text = stored.get(self.field)?.as_str()?;
        let begins_with = |beginning: &String| text.starts_with(beginning.as_str());
        self.contradictions
            .iter()
            .any(|contradiction| begins_with(&contradiction.beginning) && !contradiction.unless.iter().any(begins_with))
            .then(|| self.broken.clone())
    }
}

/// What these changes of an update require of the field among role and region that the update does not name.
pub(super) fn requirement(
    delivery_type: DeliveryType,
    changes: &[Change],
    is_named: impl Fn(Field) -> bool,
) -> Option<Requirement> {
    const ROLE: Field = Field::LogDistributionRoleArn;
    const REGION: Field = Field::TargetRegion;
    if !ROLE.applies_to(delivery_type) || !REGION.applies_to(delivery_type) {
        return None;
    }
    let (kept, sent, own) = if !is_named(REGION) {
        (REGION, ROLE, role_in(changes)?.partition())
    } else if !is_named(ROLE) {
        (ROLE, REGION, region_in(changes)?.partition()?)
    } else {
        return None;
    };
    let contradictions = if kept == ROLE {
        roles_outside(own)
    } else {
        regions_outside(own)
    };
    let message = format!(
        "is in partition {own}, but the stored {kept} is in another (a role can be assumed only within its partition: \
             send both fields)"
    );
    Some(Requirement {
        field: kept,
        contradictions,
        broken: Violation::new(ErrorCode::Conflict, message).for_field(sent.name()),
    })
}

fn roles_outside(own: Partition) -> Vec<Contradiction> {
    let others = Partition::ALL.into_iter().filter(|partition| *partition != own);
    others
        .map(|partition| Contradiction {
            beginning: format!("arn:{partition}:"),
            unless: Vec::new(),
        })
        .collect()
}

/// An area may begin another one of another partition, as `us` begins `us-gov`.
fn regions_outside(own: Partition) -> Vec<Contradiction> {
    let beginning = |area: &str| format!("{area}-");
    let (inside, outside): (Vec<_>, Vec<_>) = Region::AREAS.into_iter().partition(|(_, partition)| *partition == own);
    outside
        .into_iter()
        .map(|(area, _)| Contradiction {
            beginning: beginning(area),
            unless: inside
                .iter()
                .map(|(inner, _)| beginning(inner))
                .filter(|inner| inner.starts_with(&beginning(area)))
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{ConfigUpdate, parse_update};

    fn parse(delivery_type: DeliveryType, body: &Value) -> ConfigUpdate {
        let tenant = "acme".parse().unwrap();
        let body = body.to_string();
        parse_update(body.as_bytes(), &tenant, delivery_type, DateTime::UNIX_EPOCH).unwrap()
    }

    fn update(body: &Value) -> ConfigUpdate {
        parse(DeliveryType::CloudWatch, body)
    }

    fn role(partition: Partition) -> String {
        format!("arn:{partition}:iam::123456789012:role/a")
    }

    fn broken(update: &ConfigUpdate, field: Field, stored: Value) -> Option<FieldError> {
        let stored = StoredConfig::from_attributes([(field.name(), stored)]);
        update.requirement(update.changes())?.broken_by(&stored)
    }

    #[test]
    fn every_pair_of_partitions_is_decided_as_their_values_are() {
        for partition in Partition::ALL {
            let role: RoleArn = role(partition).parse().unwrap();
            let sets_role = update(&json!({"log_distribution_role_arn": role.as_str()}));
            for (area, _) in Region::AREAS {
                let region: Region = format!("{area}-north-1").parse().unwrap();
                let sets_region = update(&json!({"target_region": region.as_str()}));
                let expected = conflict(&role, &region).is_some();
                assert_eq!(
                    broken(&sets_role, Field::TargetRegion, region.as_str().into()).is_some(),
                    expected,
                    "{role} {region}"
                );
                assert_eq!(
                    broken(&sets_region, Field::LogDistributionRoleArn, role.as_str().into()).is_some(),
                    expected,
                    "{region} {role}"
                );
            }
        }
    }

    #[test]
    fn broken_rule_names_the_changed_field() {
        let sets_region = update(&json!({"target_region": "us-east-1"}));
        let error = broken(
            &sets_region,
            Field::LogDistributionRoleArn,
            role(Partition::AwsUsGov).into(),
        )
        .unwrap();
        assert_eq!(
            (error.field.as_str(), error.code),
            ("target_region", ErrorCode::Conflict)
        );
        let sets_role = update(&json!({"log_distribution_role_arn": role(Partition::AwsUsGov)}));
        let error = broken(&sets_role, Field::TargetRegion, "us-east-1".into()).unwrap();
        assert_eq!(
            (error.field.as_str(), error.code),
            ("log_distribution_role_arn", ErrorCode::Conflict)
        );
    }

    #[test]
    fn absent_unknown_and_odd_values_contradict_nothing() {
        let sets_role = update(&json!({"log_distribution_role_arn": role(Partition::AwsCn)}));
        for stored in [
            json!(null),
            json!(7),
            json!("mars-north-1"),
            json!(""),
            json!(["us-east-1"]),
        ] {
            assert_eq!(broken(&sets_role, Field::TargetRegion, stored), None);
        }
        let unknown = update(&json!({"target_region": "mars-north-1"}));
        assert_eq!(unknown.requirement(unknown.changes()), None);
    }

    #[test]
    fn update_of_both_fields_or_of_none_requires_nothing() {
        for body in [
            json!({"enabled": true}),
            json!({"target_region": null}),
            json!({"log_distribution_role_arn": role(Partition::Aws), "target_region": "us-east-1"}),
            json!({"log_distribution_role_arn": role(Partition::Aws), "target_region": null}),
        ] {
            let update = update(&body);
            assert_eq!(update.requirement(update.changes()), None, "{body}");
        }
        let update = parse(DeliveryType::S3, &json!({"target_region": "us-east-1"}));
        assert_eq!(update.requirement(update.changes()), None);
    }
}
