//! A change of a configuration, as one fact: the audit line, the metrics and whatever else reports a change read it here.

use crate::config::{Change, ConfigKey, ConfigUpdate, Field, FieldValue, NewConfig, StoredConfig};

/// A change that the store has made.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigChanged {
    /// The configuration. Only a deletion can be of an item whose key is not valid for one.
    pub key: ConfigKey,
    /// The configuration before the change. `None` for a creation, and where a retry found that an earlier attempt had made
    /// the change and nothing had been read before.
    pub before: Option<StoredConfig>,
    /// The configuration after the change; `None` for a deletion.
    pub after: Option<StoredConfig>,
    /// The fields that the request set or removed.
    pub fields: Vec<Field>,
    /// The caller.
    pub actor: Actor,
    /// The request that made the change, by the id that its client knows.
    pub request_id: String,
    /// The batch that the change was part of. The id of its request, and absent for any other request.
    pub batch_id: Option<String>,
    /// What made the change.
    pub cause: Cause,
}

/// The caller of a change, as far as the request identifies it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The version of the key that signed the request.
    pub key_version: Option<String>,
    /// The address that the request came from.
    pub source_ip: Option<String>,
}

/// What made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A creation.
    Create,
    /// An update.
    Update,
    /// A deletion.
    Delete,
    /// The restoration of an earlier revision, which creates the configuration where there is none.
    Restore,
}

impl Cause {
    /// The word for it in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
        }
    }
}

impl NewConfig {
    /// The fields that a creation sets, besides key, times and version.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        self.values().iter().map(FieldValue::field).collect()
    }
}

impl ConfigUpdate {
    /// The fields that the update sets or removes.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        self.changes().iter().map(Change::field).collect()
    }
}

impl Change {
    /// The field that the change sets or removes.
    #[must_use]
    pub const fn field(&self) -> Field {
        match self {
            Self::Set(value) => value.field(),
            Self::Remove(field) => *field,
            Self::MergeLabels(_) => Field::Labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        config::{DeliveryType, parse_create, parse_update},
        tenant_id::TenantId,
    };

    #[test]
    fn fields_are_those_that_the_request_names_and_the_defaults_of_a_creation() {
        let (tenant, now) = ("acme".parse::<TenantId>().unwrap(), DateTime::UNIX_EPOCH);
        let body = br#"{"tenant_id":"acme","type":"s3","bucket_name":"acme-corp-logs"}"#;
        let created = parse_create(body, &tenant, now).unwrap();
        assert_eq!(
            created.fields(),
            [Field::BucketName, Field::BucketPrefix, Field::Enabled]
        );
        let body = br#"{"enabled":false,"target_region":null}"#;
        let update = parse_update(body, &tenant, DeliveryType::S3, now).unwrap();
        let mut fields = update.fields();
        fields.sort_unstable();
        let mut expected = [Field::TargetRegion, Field::Enabled];
        expected.sort_unstable();
        assert_eq!(fields, expected);
    }
}
