//! Condition and update expressions, built with placeholders: `ttl` and `type` are reserved words of DynamoDB.

use std::{collections::HashMap, fmt::Write as _};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use tenant_core::{Change, ConfigUpdate, Field, VERSION_ATTRIBUTE};

use crate::{
    item::{attribute, first_version, number, time},
    precondition::Precondition,
};

/// Names and values behind the placeholders of one request's expressions.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    names: Names,
    values: Values,
}

type Names = HashMap<String, String>;
type Values = HashMap<String, AttributeValue>;

impl Placeholders {
    /// `None` where there is none: DynamoDB refuses an empty map.
    pub(crate) fn into_maps(self) -> (Option<Names>, Option<Values>) {
        (
            (!self.names.is_empty()).then_some(self.names),
            (!self.values.is_empty()).then_some(self.values),
        )
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.entry(placeholder.clone()).or_insert_with(|| name.to_owned());
        placeholder
    }

    fn value(&mut self, label: &str, value: AttributeValue) -> String {
        let placeholder = format!(":{label}");
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// "This item has the partition key ...".
    pub(crate) fn tenant_is(&mut self, tenant_id: &str) -> String {
        let name = self.name(Field::TenantId.name());
        let value = self.value("tenant", AttributeValue::S(tenant_id.to_owned()));
        format!("{name} = {value}")
    }

    /// "This item is not past its time to live". A comparison with another type than a number, or with nothing, is
    /// false, so an item without a proper `ttl` lives.
    pub(crate) fn is_alive(&mut self, now: DateTime<Utc>) -> String {
        let (ttl, bound) = self.expiry(now);
        format!("NOT ({ttl} < {bound})")
    }

    /// "There is no such item, or only one past its time to live".
    pub(crate) fn is_free(&mut self, now: DateTime<Utc>) -> String {
        let tenant_id = self.name(Field::TenantId.name());
        let (ttl, bound) = self.expiry(now);
        format!("attribute_not_exists({tenant_id}) OR {ttl} < {bound}")
    }

    /// "There is such an item, it is alive, and the precondition holds".
    pub(crate) fn may_change(&mut self, precondition: &Precondition, now: DateTime<Utc>) -> String {
        let tenant_id = self.name(Field::TenantId.name());
        let mut condition = format!("attribute_exists({tenant_id}) AND {}", self.is_alive(now));
        if let Precondition::Versions(versions) = precondition {
            let _ = write!(condition, " AND ({})", self.version_is_one_of(versions));
        }
        condition
    }

    fn version_is_one_of(&mut self, versions: &[u64]) -> String {
        /// Operands of `IN` at most.
        const MAX_OPERANDS: usize = 100;
        if versions.is_empty() {
            // An item that is there is never without its key, so this never holds together with "there is such an item".
            let tenant_id = self.name(Field::TenantId.name());
            return format!("attribute_not_exists({tenant_id})");
        }
        let name = self.name(VERSION_ATTRIBUTE);
        let mut alternatives = Vec::new();
        if versions.contains(&0) {
            alternatives.push(format!("attribute_not_exists({name})"));
        }
        let mut operands = Vec::new();
        for version in versions.iter().filter(|version| **version != 0) {
            operands.push(self.value(&format!("v{}", operands.len()), number(version)));
        }
        for operands in operands.chunks(MAX_OPERANDS) {
            alternatives.push(format!("{name} IN ({})", operands.join(", ")));
        }
        alternatives.join(" OR ")
    }

    /// "There is such an item, it is alive, and its version is still the value that was read".
    pub(crate) fn may_change_at(&mut self, read: AttributeValue, now: DateTime<Utc>) -> String {
        let condition = self.may_change(&Precondition::None, now);
        let name = self.name(VERSION_ATTRIBUTE);
        let value = self.value("read", read);
        format!("{condition} AND {name} = {value}")
    }

    fn expiry(&mut self, now: DateTime<Utc>) -> (String, String) {
        // Before the next second is as good as up to this one, and takes fractions along.
        (
            self.name(Field::Ttl.name()),
            self.value("alive", number(now.timestamp() + 1)),
        )
    }

    /// The update expression of the changes. `enabled` is stored even where the change does not name it: a missing value
    /// is off, and stays off.
    pub(crate) fn apply(&mut self, update: &ConfigUpdate, version: NextVersion, now: DateTime<Utc>) -> String {
        let mut set = Vec::new();
        let mut remove = Vec::new();
        let mut names_enabled = false;
        for change in update.changes() {
            match change {
                Change::Set(value) => {
                    let field = value.field();
                    names_enabled |= field == Field::Enabled;
                    let name = self.name(field.name());
                    let value = self.value(field.name(), attribute(value.clone()));
                    set.push(format!("{name} = {value}"));
                }
                Change::Remove(field) => remove.push(self.name(field.name())),
            }
        }
        if !names_enabled {
            let name = self.name(Field::Enabled.name());
            let off = self.value(Field::Enabled.name(), AttributeValue::Bool(false));
            set.push(format!("{name} = if_not_exists({name}, {off})"));
        }
        let updated_at = self.name(Field::UpdatedAt.name());
        let now_value = self.value("now", AttributeValue::S(time(now)));
        set.push(format!("{updated_at} = {now_value}"));
        let version_name = self.name(VERSION_ATTRIBUTE);
        let first = self.value("first", number(first_version(now)));
        set.push(match version {
            NextVersion::Increment => {
                let one = self.value("one", number(1));
                format!("{version_name} = if_not_exists({version_name}, {first}) + {one}")
            }
            NextVersion::Restart => format!("{version_name} = {first}"),
        });
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            let _ = write!(expression, " REMOVE {}", remove.join(", "));
        }
        expression
    }
}

/// How an update continues the version.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NextVersion {
    /// One more than it was.
    Increment,
    /// Anew, because what stands there is no number.
    Restart,
}
