//! An entry as clients see it in a list.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{
    actor::Actor,
    changes::FieldChange,
    entry::{Entry, Event},
    images::Images,
    last_change::{ChangeKind, ChangeNote},
};

/// A change of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevisionSummary {
    /// The name of the revision, an opaque text. Of two revisions of one configuration, the later one has the greater
    /// text.
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 64,
            example = "1f9gg2s0ma00021123456789012345678901001iqa298"
        )
    )]
    pub revision: String,
    /// The tenant.
    #[cfg_attr(feature = "openapi", schema(example = "acme-corp"))]
    pub tenant_id: String,
    /// The delivery type.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "cloudwatch"))]
    pub delivery_type: String,
    /// What happened.
    pub event: Event,
    /// When the change was made, in whole seconds.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, example = "2024-01-15T10:30:00Z"))]
    pub changed_at: String,
    /// When the change was recorded.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, example = "2024-01-15T10:30:00.250Z"))]
    pub recorded_at: String,
    /// Who made the change.
    pub actor: ActorSummary,
    /// The version that the change assigned; of a deletion, that of the deleted configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub version: Option<String>,
    /// The fields that changed. Empty where only attributes that are not fields of a configuration changed.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub changes: Vec<FieldChange>,
    /// The revision that the change restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub restored_from: Option<String>,
    /// What made the service change it, such as `rollout:ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub cause: Option<String>,
    /// Whether values are missing because they are too large for the history, or because the change could not be read.
    #[serde(skip_serializing_if = "is_false")]
    pub truncated: bool,
}

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActorSummary {
    /// `api` for a request to this service, `ttl` for DynamoDB's deletion of expired items, `direct` for a change of
    /// the table past this service.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = ActorKind))]
    pub kind: &'static str,
    /// The `X-Request-Id` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub request_id: Option<String>,
    /// What the request was for.
    #[serde(rename = "kind", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, schema_with = change_kind_schema))]
    pub change: Option<ChangeKind>,
    /// The key that signed the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub key: Option<String>,
    /// The request's `X-Change-Note`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub note: Option<String>,
}

/// No schema of its own: generators for Go name the values of all such schemas alike, and an operation of a batch has the
/// same ones.
#[cfg(feature = "openapi")]
fn change_kind_schema() -> utoipa::openapi::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .enum_values(Some(ChangeKind::ALL.map(ChangeKind::as_str)))
        .description(Some("What the request was for."))
        .build()
}

/// What kind of actor.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used: an actor names its kind itself")]
enum ActorKind {
    Api,
    Ttl,
    Direct,
}

impl Entry {
    /// The entry as clients see it in a list.
    #[must_use]
    pub fn summary(&self) -> RevisionSummary {
        RevisionSummary {
            revision: self.revision.to_string(),
            tenant_id: self.key.tenant_id().to_owned(),
            delivery_type: self.key.delivery_type().to_owned(),
            event: self.event,
            changed_at: text(self.changed_at(), SecondsFormat::Secs),
            recorded_at: text(self.recorded_at, SecondsFormat::Millis),
            actor: self.actor.summary(),
            version: self.version.clone(),
            changes: self.changes(),
            restored_from: self.restored_from().map(ToString::to_string),
            cause: self.cause().map(str::to_owned),
            truncated: matches!(self.images, Images::Names(_) | Images::Truncated),
        }
    }
}

impl Actor {
    /// `api`, `ttl` or `direct`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Api(_) => "api",
            Self::Ttl => "ttl",
            Self::Direct => "direct",
        }
    }

    /// The actor as clients see it.
    #[must_use]
    pub fn summary(&self) -> ActorSummary {
        let change = match self {
            Self::Api(change) => Some(change),
            Self::Ttl | Self::Direct => None,
        };
        let note = change.and_then(|change| change.note.as_ref());
        ActorSummary {
            kind: self.kind(),
            request_id: change.map(|change| change.request_id.clone()),
            change: change.map(|change| change.kind),
            key: change.and_then(|change| change.key.clone()),
            note: note.map(ChangeNote::as_str).map(str::to_owned),
        }
    }
}

fn text(time: DateTime<Utc>, precision: SecondsFormat) -> String {
    time.to_rfc3339_opts(precision, true)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(truth: &bool) -> bool {
    !*truth
}
