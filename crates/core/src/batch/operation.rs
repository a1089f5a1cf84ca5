//! One change of a batch.

use super::if_match::IfMatch;
use crate::config::{ConfigKey, ConfigUpdate, Field, NewConfig};

named_enum! {
    /// The kind of a change: the value of `op`.
    pub enum OperationKind -> as_str {
        /// Creates a configuration.
        Create = "create",
        /// Changes fields of a configuration.
        Update = "update",
        /// Creates a configuration, or changes the fields that are sent.
        Upsert = "upsert",
        /// Deletes a configuration.
        Delete = "delete",
    }
}

/// One change of a batch. Every rule holds for its values. Whether it can be made depends on the stored item.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Creates a configuration, unless it exists.
    Create(NewConfig),
    /// Changes a configuration that exists.
    Update {
        /// The configuration.
        key: ConfigKey,
        /// The changes.
        update: ConfigUpdate,
        /// The content that it must have, if any is not enough.
        if_match: Option<IfMatch>,
    },
    /// Creates a configuration or, if it exists, changes the fields that were sent.
    Upsert {
        /// Where there is none.
        create: NewConfig,
        /// Where there is one.
        merge: ConfigUpdate,
    },
    /// Deletes an item, even one that has expired or that was written by hand under a key that breaks a rule.
    Delete {
        /// The item.
        key: ConfigKey,
        /// The content that it must have, if any is not enough.
        if_match: Option<IfMatch>,
        /// Whether it is a success that there is no such item.
        allow_missing: bool,
    },
}

/// What an operation is about, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The kind of operation.
    pub kind: Option<OperationKind>,
    /// The tenant, as it was sent.
    pub tenant_id: Option<String>,
    /// The delivery type, as it was sent.
    pub delivery_type: Option<String>,
}

impl Operation {
    /// The kind of operation.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::Create(_) => OperationKind::Create,
            Self::Update { .. } => OperationKind::Update,
            Self::Upsert { .. } => OperationKind::Upsert,
            Self::Delete { .. } => OperationKind::Delete,
        }
    }

    /// The key of the item.
    #[must_use]
    pub fn key(&self) -> ConfigKey {
        match self {
            Self::Create(config) | Self::Upsert { create: config, .. } => {
                ConfigKey::for_config(config.tenant_id(), config.delivery_type())
            }
            Self::Update { key, .. } | Self::Delete { key, .. } => key.clone(),
        }
    }

    /// What the operation is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let key = self.key();
        Subject {
            kind: Some(self.kind()),
            tenant_id: Some(key.tenant_id().to_owned()),
            delivery_type: Some(key.delivery_type().to_owned()),
        }
    }

    /// The fields that the operation sets or removes where it creates something, and where it changes something.
    #[must_use]
    pub fn fields(&self, creates: bool) -> Vec<Field> {
        match self {
            Self::Create(config) => config.fields(),
            Self::Upsert { create, .. } if creates => create.fields(),
            Self::Update { update, .. } | Self::Upsert { merge: update, .. } => update.fields(),
            Self::Delete { .. } => Vec::new(),
        }
    }
}
