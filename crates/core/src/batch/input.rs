//! From the bytes of a body to operations.

mod members;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, value::RawValue};

use self::members::{Members, Unreadable};
use super::{
    if_match::IfMatch,
    operation::{Operation, OperationKind, Subject},
};
use crate::{
    config::{ConfigKey, DeliveryType, Field, InvalidKey, create_from_members, update_from_members},
    json_object::{JsonObjectError, parse_texts},
    tenant_id::TenantId,
    unknown_name::shorten_name,
    violation::{ErrorCode, FieldError, Violation},
};

/// Operations of an atomic batch at most: the actions of one transaction. Source: "Amazon DynamoDB Transactions: How it
/// works" in the Amazon DynamoDB Developer Guide.
pub const MAX_ATOMIC_OPERATIONS: usize = 100;
/// Operations of any other batch at most.
pub const MAX_OPERATIONS: usize = 1000;
/// The JSON of one configuration, or of its changes, at most: as much as a request for one configuration may have.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// Broken rules that are reported for one operation at most. A configuration has fewer fields. Without a limit, a body full
/// of unknown names would get a response that is larger than Lambda passes on.
pub const MAX_RULES_PER_OPERATION: usize = 20;

const ATOMIC: &str = "atomic";
const DRY_RUN: &str = "dry_run";
const OPERATIONS: &str = "operations";
const OP: &str = "op";
const CONFIG: &str = "config";
const CHANGES: &str = "changes";
const IF_MATCH: &str = "if_match";
const ALLOW_MISSING: &str = "allow_missing";
const TENANT_ID: &str = Field::TenantId.name();
const TYPE: &str = Field::Type.name();

/// A parsed batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Whether to report what would happen, and write nothing.
    pub is_dry_run: bool,
    /// What is to be done.
    pub work: Work,
}

/// The operations of a batch, no two of the same configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// All of them are made, or none. All are valid.
    Atomic(Vec<Operation>),
    /// Each is made or fails by itself.
    Independent(Vec<Submitted>),
}

/// An operation, or the rules that it breaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// What it is about.
    pub subject: Subject,
    /// What it does.
    pub operation: Result<Operation, Vec<FieldError>>,
}

/// Why a batch is rejected as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No body at all.
    #[error("the request body is empty (send a JSON object with operations)")]
    Empty,
    /// Bytes that are not JSON in UTF-8.
    #[error("the request body is not valid JSON: parsing stopped at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("the request body must be a JSON object, such as {{\"operations\": [...]}}")]
    NotAnObject,
    /// A name of the body is repeated, so that its value is ambiguous.
    #[error("the request body contains {name:?} more than once (send each member once)")]
    DuplicateKey {
        /// The repeated name.
        name: String,
    },
    /// The body has a member that a batch does not have.
    #[error("the request body contains {name:?}, which is not a member of a batch ({})", suggestion(*.nearest))]
    UnknownMember {
        /// Its name, or the beginning of it.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// No operation, or too many.
    #[error("the batch has {found} operations, but {}", allowed(*.is_atomic))]
    Count {
        /// Their number.
        found: usize,
        /// Whether all of them were to be made together.
        is_atomic: bool,
    },
    /// These rules are broken: by the body itself or, with an index, by an operation of an atomic batch.
    #[error("the batch is not valid")]
    BrokenRules(Vec<FieldError>),
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(|| "omit it".to_owned(), |nearest| format!("did you mean {nearest}?"))
}

fn allowed(is_atomic: bool) -> String {
    if is_atomic {
        format!(
            "an atomic batch has 1 to {MAX_ATOMIC_OPERATIONS} (send several batches, or \"atomic\": false for up to \
             {MAX_OPERATIONS})"
        )
    } else {
        format!("a batch has 1 to {MAX_OPERATIONS} (send several batches)")
    }
}

/// Parses the body of a batch. With `"atomic": true`, the default, every operation must be valid.
pub fn parse_batch(body: &[u8], now: DateTime<Utc>) -> Result<Batch, BatchError> {
    // As for one configuration.
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BatchError::Empty);
    }
    let members = parse_texts(body).map_err(|error| match error {
        JsonObjectError::Syntax { line, column } => BatchError::NotJson { line, column },
        JsonObjectError::NotAnObject => BatchError::NotAnObject,
        JsonObjectError::Repeated(name) => BatchError::DuplicateKey { name },
    })?;
    let mut members = Members::new(members);
    if let Some((name, nearest)) = members.unknown(&[ATOMIC, DRY_RUN, OPERATIONS]) {
        return Err(BatchError::UnknownMember { name, nearest });
    }
    parse_members(&mut members, now).map_err(|error| match error {
        Failure::Unreadable(unreadable) => {
            let (line, column) = unreadable.position_in(body);
            BatchError::NotJson { line, column }
        }
        Failure::Batch(error) => error,
    })
}

/// Why parsing the parts of a body ends.
enum Failure<'a> {
    Unreadable(Unreadable<'a>),
    Batch(BatchError),
}

impl<'a> From<Unreadable<'a>> for Failure<'a> {
    fn from(unreadable: Unreadable<'a>) -> Self {
        Self::Unreadable(unreadable)
    }
}

fn parse_members<'a>(members: &mut Members<'a>, now: DateTime<Utc>) -> Result<Batch, Failure<'a>> {
    let is_atomic = members.boolean(ATOMIC)?.unwrap_or(true);
    let is_dry_run = members.boolean(DRY_RUN)?.unwrap_or(false);
    let operations: Option<Vec<&RawValue>> = members.required(OPERATIONS, "an array of operations")?;
    let Some(operations) = operations.filter(|_| members.errors.is_empty()) else {
        return Err(Failure::Batch(BatchError::BrokenRules(std::mem::take(
            &mut members.errors,
        ))));
    };
    let limit = if is_atomic {
        MAX_ATOMIC_OPERATIONS
    } else {
        MAX_OPERATIONS
    };
    if !(1..=limit).contains(&operations.len()) {
        let found = operations.len();
        return Err(Failure::Batch(BatchError::Count { found, is_atomic }));
    }
    let mut submitted = Vec::with_capacity(operations.len());
    for operation in operations {
        submitted.push(parse_operation(operation, now)?);
    }
    report_duplicates(&mut submitted);
    let work = if is_atomic {
        Work::Atomic(all_valid(submitted).map_err(|errors| Failure::Batch(BatchError::BrokenRules(errors)))?)
    } else {
        Work::Independent(submitted)
    };
    Ok(Batch { is_dry_run, work })
}

/// The operations, or the rules that any of them breaks, each with the index of its operation.
fn all_valid(submitted: Vec<Submitted>) -> Result<Vec<Operation>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut operations = Vec::with_capacity(submitted.len());
    for (index, submitted) in submitted.into_iter().enumerate() {
        match submitted.operation {
            Ok(operation) => operations.push(operation),
            Err(broken) => errors.extend(broken.into_iter().map(|error| FieldError {
                index: Some(index),
                ..error
            })),
        }
    }
    if errors.is_empty() { Ok(operations) } else { Err(errors) }
}

/// Two operations of one configuration have no order, whether they are valid or not: both are rejected.
fn report_duplicates(submitted: &mut [Submitted]) {
    let mut indices = HashMap::<_, Vec<usize>>::new();
    for (index, submitted) in submitted.iter().enumerate() {
        if let (Some(tenant_id), Some(delivery_type)) = (&submitted.subject.tenant_id, &submitted.subject.delivery_type)
        {
            let key = (tenant_id.as_str(), delivery_type.as_str());
            indices.entry(key).or_default().push(index);
        }
    }
    let repeated: Vec<_> = indices.into_values().filter(|indices| indices.len() > 1).collect();
    for indices in repeated {
        for &index in &indices {
            let other = if index == indices[0] { indices[1] } else { indices[0] };
            let message = format!(
                "is that of operation {other} too, with the same type (send one operation for each configuration)"
            );
            let error = Violation::new(ErrorCode::Duplicate, message).for_field(TENANT_ID);
            let operation = &mut submitted[index].operation;
            match operation {
                Ok(_) => *operation = Err(vec![error]),
                Err(errors) => errors.push(error),
            }
        }
    }
}

fn parse_operation(operation: &RawValue, now: DateTime<Utc>) -> Result<Submitted, Unreadable<'_>> {
    let invalid = |violation: Violation, field: &str| Submitted {
        subject: Subject::default(),
        operation: Err(vec![violation.for_field(field)]),
    };
    let members = match parse_texts(operation.get().as_bytes()) {
        Ok(members) => members,
        Err(JsonObjectError::Syntax { line, column }) => return Err(Unreadable::new(operation, line, column)),
        Err(JsonObjectError::NotAnObject) => {
            return Ok(invalid(members::wrong_type("an object", operation), OPERATIONS));
        }
        Err(JsonObjectError::Repeated(name)) => return Ok(invalid(members::repeated(), &shorten_name(&name))),
    };
    let mut members = Members::new(members);
    let kind = parse_kind(&mut members)?;
    members.report_unknown(&names(kind), kind);
    let mut subject = Subject {
        kind,
        ..Subject::default()
    };
    let operation = match kind {
        None => None,
        Some(OperationKind::Create) => parse_config(&mut members, &mut subject)?
            .and_then(|config| members.accept(CONFIG, create_from_members(&config, now)))
            .map(Operation::Create),
        Some(OperationKind::Upsert) => parse_upsert(&mut members, &mut subject, now)?,
        Some(OperationKind::Update) => parse_update(&mut members, &mut subject, now)?,
        Some(OperationKind::Delete) => parse_delete(&mut members, &mut subject)?,
    };
    let mut errors = members.errors;
    errors.truncate(MAX_RULES_PER_OPERATION);
    Ok(Submitted {
        subject,
        operation: operation.filter(|_| errors.is_empty()).ok_or(errors),
    })
}

/// The members of an operation; without a kind, those of every one.
fn names(kind: Option<OperationKind>) -> Vec<&'static str> {
    match kind {
        Some(OperationKind::Create | OperationKind::Upsert) => vec![OP, CONFIG],
        Some(OperationKind::Update) => vec![OP, TENANT_ID, TYPE, CHANGES, IF_MATCH],
        Some(OperationKind::Delete) => vec![OP, TENANT_ID, TYPE, IF_MATCH, ALLOW_MISSING],
        None => vec![OP, CONFIG, TENANT_ID, TYPE, CHANGES, IF_MATCH, ALLOW_MISSING],
    }
}

fn parse_kind<'a>(members: &mut Members<'a>) -> Result<Option<OperationKind>, Unreadable<'a>> {
    let Some(name) = members.required::<String>(OP, "a string")? else {
        return Ok(None);
    };
    let kind = OperationKind::from_name(&name);
    if kind.is_none() {
        let kinds = OperationKind::ALL.map(|kind| format!("\"{kind}\"")).join(", ");
        members.report(
            OP,
            Violation::new(ErrorCode::InvalidFormat, format!("must be one of {kinds}")),
        );
    }
    Ok(kind)
}

type ConfigMembers = Vec<(String, Value)>;

/// The members of the configuration, which contain the key of the operation.
fn parse_config<'a>(members: &mut Members<'a>, subject: &mut Subject) -> Result<Option<ConfigMembers>, Unreadable<'a>> {
    let config = members.object(CONFIG, MAX_CONFIG_BYTES)?;
    for (field, part) in [
        (Field::TenantId, &mut subject.tenant_id),
        (Field::Type, &mut subject.delivery_type),
    ] {
        let sent = config.iter().flatten().find(|(name, _)| name == field.name());
        *part = sent.and_then(|(_, value)| value.as_str()).and_then(key_text);
    }
    Ok(config)
}

/// A part of a key, as far as an item can have it. A longer text is not repeated in a response.
fn key_text(text: &str) -> Option<String> {
    (1..=ConfigKey::MAX_TENANT_ID_BYTES)
        .contains(&text.len())
        .then(|| text.to_owned())
}

fn parse_upsert<'a>(
    members: &mut Members<'a>,
    subject: &mut Subject,
    now: DateTime<Utc>,
) -> Result<Option<Operation>, Unreadable<'a>> {
    let Some(config) = parse_config(members, subject)? else {
        return Ok(None);
    };
    let Some(create) = members.accept(CONFIG, create_from_members(&config, now)) else {
        return Ok(None);
    };
    let merge = update_from_members(config, create.tenant_id(), create.delivery_type(), now);
    let merge = members.accept(CONFIG, merge);
    Ok(merge.map(|merge| Operation::Upsert { create, merge }))
}

fn parse_update<'a>(
    members: &mut Members<'a>,
    subject: &mut Subject,
    now: DateTime<Utc>,
) -> Result<Option<Operation>, Unreadable<'a>> {
    let key = parse_key(members, subject)?;
    let if_match = parse_if_match(members)?;
    let Some(key) = key else {
        return Ok(None);
    };
    let tenant = members.valid(TENANT_ID, key.tenant_id().parse::<TenantId>());
    let delivery_type = members.valid(TYPE, key.delivery_type().parse::<DeliveryType>());
    let changes = members.object(CHANGES, MAX_CONFIG_BYTES)?;
    let (Some(tenant), Some(delivery_type), Some(changes)) = (tenant, delivery_type, changes) else {
        return Ok(None);
    };
    let update = members.accept(CHANGES, update_from_members(changes, &tenant, delivery_type, now));
    Ok(update.map(|update| Operation::Update { key, update, if_match }))
}

fn parse_delete<'a>(members: &mut Members<'a>, subject: &mut Subject) -> Result<Option<Operation>, Unreadable<'a>> {
    let key = parse_key(members, subject)?;
    let if_match = parse_if_match(members)?;
    let allow_missing = members.boolean(ALLOW_MISSING)?.unwrap_or(false);
    Ok(key.map(|key| Operation::Delete {
        key,
        if_match,
        allow_missing,
    }))
}

/// Any key that the table can hold.
fn parse_key<'a>(members: &mut Members<'a>, subject: &mut Subject) -> Result<Option<ConfigKey>, Unreadable<'a>> {
    let tenant_id = members.required::<String>(TENANT_ID, "a string")?;
    let delivery_type = members.required::<String>(TYPE, "a string")?;
    subject.tenant_id = tenant_id.as_deref().and_then(key_text);
    subject.delivery_type = delivery_type.as_deref().and_then(key_text);
    let (Some(tenant_id), Some(delivery_type)) = (tenant_id, delivery_type) else {
        return Ok(None);
    };
    Ok(match ConfigKey::new(tenant_id, delivery_type) {
        Ok(key) => Some(key),
        Err(InvalidKey::TenantId(violation)) => members.valid(TENANT_ID, Err(violation)),
        Err(InvalidKey::DeliveryType(violation)) => members.valid(TYPE, Err(violation)),
    })
}

fn parse_if_match<'a>(members: &mut Members<'a>) -> Result<Option<IfMatch>, Unreadable<'a>> {
    let text = members.optional::<String>(IF_MATCH, "a string")?;
    Ok(text.and_then(|text| members.valid(IF_MATCH, text.parse())))
}

#[cfg(test)]
mod tests;
