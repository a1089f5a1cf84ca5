//! From the bytes of request bodies to their meaning.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    event_type::EventType,
    id::Scope,
    networks::Networks,
    settings::{Settings, SettingsUpdate},
    url::WebhookUrl,
};
use crate::{
    config::{DeliveryType, InputError, parse_members, summarize},
    unknown_name::{nearest_name, shorten_name},
    violation::{ErrorCode, FieldError, Violation},
};

/// Why a body is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookInputError {
    /// It is not a JSON object with unique names.
    #[error(transparent)]
    Body(#[from] InputError),
    /// These rules are broken: all of them, missing fields last.
    #[error("the request is not valid: {}", summarize(.0))]
    BrokenRules(Vec<FieldError>),
    /// An update without a change.
    #[error("the request body contains nothing to update (send at least one of {})", Name::WRITABLE.join(", "))]
    NothingToUpdate,
}

/// The names of the fields.
pub(super) struct Name;

impl Name {
    pub(super) const URL: &str = "url";
    pub(super) const EVENTS: &str = "events";
    pub(super) const TYPES: &str = "types";
    pub(super) const ENABLED: &str = "enabled";
    pub(super) const DESCRIPTION: &str = "description";
    pub(super) const HEADERS: &str = "headers";
    pub(super) const WRITABLE: [&str; 6] = [
        Self::URL,
        Self::EVENTS,
        Self::TYPES,
        Self::ENABLED,
        Self::DESCRIPTION,
        Self::HEADERS,
    ];
    /// What a response contains and a client may send back. It changes nothing.
    const MANAGED: [&str; 10] = [
        "id",
        "tenant_id",
        "header_names",
        "status",
        "disabled_reason",
        "disabled_at",
        "created_at",
        "updated_at",
        "version",
        "secret",
    ];
}

/// The longest description in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 256;
/// The most headers.
pub const MAX_HEADERS: usize = 10;
const MAX_HEADER_NAME_BYTES: usize = 64;
const MAX_HEADER_VALUE_BYTES: usize = 1024;
/// Headers that the service sets, or that belong to the connection and not to the message.
const RESERVED_HEADERS: [&str; 16] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];
const RESERVED_HEADER_PREFIX: &str = "webhook-";

/// Parses the body of a creation.
pub fn parse_webhook(body: &[u8], scope: &Scope, allowed: &Networks) -> Result<Settings, WebhookInputError> {
    let members = parse_members(body)?;
    let (update, mut errors) = parse_fields(&members, scope, allowed);
    let is_sent = |name| members.iter().any(|(member, value)| member == name && !value.is_null());
    if !is_sent(Name::URL) {
        errors.push(Violation::new(ErrorCode::Required, "is required").for_field(Name::URL));
    }
    match update.url {
        Some(url) if errors.is_empty() => Ok(Settings {
            url,
            events: update.events.unwrap_or_default(),
            types: update.types.unwrap_or_default(),
            enabled: update.enabled.unwrap_or(true),
            description: update.description.flatten(),
            headers: update.headers.unwrap_or_default(),
        }),
        _ => Err(WebhookInputError::BrokenRules(errors)),
    }
}

/// Parses the body of a change. An absent field keeps its value, null resets one to what it is when a creation does not
/// name it.
pub fn parse_webhook_update(
    body: &[u8],
    scope: &Scope,
    allowed: &Networks,
) -> Result<SettingsUpdate, WebhookInputError> {
    let members = parse_members(body)?;
    let (update, mut errors) = parse_fields(&members, scope, allowed);
    if members.iter().any(|(name, value)| name == Name::URL && value.is_null()) {
        let message = "is required and cannot be removed (send a value or omit the field)";
        errors.push(Violation::new(ErrorCode::Required, message).for_field(Name::URL));
    }
    if !errors.is_empty() {
        Err(WebhookInputError::BrokenRules(errors))
    } else if update.is_empty() {
        Err(WebhookInputError::NothingToUpdate)
    } else {
        Ok(update)
    }
}

fn parse_fields(members: &[(String, Value)], scope: &Scope, allowed: &Networks) -> (SettingsUpdate, Vec<FieldError>) {
    let mut update = SettingsUpdate::default();
    let mut errors = Vec::new();
    for (name, value) in members {
        let parsed = match name.as_str() {
            Name::URL if value.is_null() => Ok(()),
            Name::URL => text(value)
                .and_then(|text| WebhookUrl::parse(text, allowed))
                .map(|url| update.url = Some(url))
                .map_err(one),
            Name::EVENTS => names(value, |name| event_type(name, scope)).map(|events| update.events = Some(events)),
            Name::TYPES => names(value, str::parse::<DeliveryType>).map(|types| update.types = Some(types)),
            Name::ENABLED => match value {
                Value::Null => Ok(true),
                Value::Bool(enabled) => Ok(*enabled),
                other => Err(one(Violation::wrong_type("a boolean", other))),
            }
            .map(|enabled| update.enabled = Some(enabled)),
            Name::DESCRIPTION => description(value)
                .map(|text| update.description = Some(text))
                .map_err(one),
            Name::HEADERS => headers(value).map(|headers| update.headers = Some(headers)),
            name if Name::MANAGED.contains(&name) => Ok(()),
            name => Err(one(unknown(name))),
        };
        if let Err(violations) = parsed {
            let name = shorten_name(name);
            errors.extend(violations.into_iter().map(|violation| violation.for_field(&name)));
        }
    }
    (update, errors)
}

fn one(violation: Violation) -> Vec<Violation> {
    vec![violation]
}

fn unknown(name: &str) -> Violation {
    let meant = nearest_name(name, Name::WRITABLE);
    let message = meant.map_or_else(
        || "is not a field of a webhook (omit it)".to_owned(),
        |meant| format!("is not a field of a webhook (did you mean {meant}?)"),
    );
    Violation::new(ErrorCode::UnknownField, message)
}

fn text(value: &Value) -> Result<&str, Violation> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(Violation::wrong_type("a string", other)),
    }
}

fn names<T: PartialEq>(value: &Value, parse: impl Fn(&str) -> Result<T, Violation>) -> Result<Vec<T>, Vec<Violation>> {
    let entries = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(entries) => entries,
        other => return Err(one(Violation::wrong_type("an array", other))),
    };
    let (mut parsed, mut violations) = (Vec::new(), Vec::new());
    for entry in entries {
        match text(entry).and_then(&parse) {
            Ok(entry) if parsed.contains(&entry) => {
                violations.push(Violation::new(ErrorCode::Duplicate, "must not contain an entry twice"));
            }
            Ok(entry) => parsed.push(entry),
            Err(violation) => violations.push(violation),
        }
    }
    violations.dedup();
    if violations.is_empty() {
        Ok(parsed)
    } else {
        Err(violations)
    }
}

fn event_type(name: &str, scope: &Scope) -> Result<EventType, Violation> {
    let known = EventType::ALL.into_iter().filter(|event| event.can_be_subscribed());
    let names: Vec<_> = known.map(EventType::as_str).collect();
    let event = EventType::from_name(name).filter(|event| event.can_be_subscribed());
    match (event, scope) {
        (Some(event), Scope::Tenant(_)) if event.is_operational() => Err(Violation::new(
            ErrorCode::InvalidFormat,
            format!("must not contain {event}, which only webhooks of all tenants get"),
        )),
        (Some(event), _) => Ok(event),
        (None, _) => {
            let violation = Violation::new(
                ErrorCode::InvalidFormat,
                format!(
                    "must contain only types of events, which {:?} is not",
                    shorten_name(name)
                ),
            );
            Err(match nearest_name(name, names) {
                Some(meant) => violation.suggesting(meant),
                None => violation,
            })
        }
    }
}

fn description(value: &Value) -> Result<Option<String>, Violation> {
    if value.is_null() {
        return Ok(None);
    }
    let text = text(value)?;
    if text.chars().count() > MAX_DESCRIPTION_CHARS {
        return Err(Violation::new(
            ErrorCode::TooLong,
            "must be at most 256 characters long",
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Violation::new(
            ErrorCode::InvalidFormat,
            "must not contain control characters",
        ));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

fn headers(value: &Value) -> Result<BTreeMap<String, String>, Vec<Violation>> {
    let members = match value {
        Value::Null => return Ok(BTreeMap::new()),
        Value::Object(members) => members,
        other => return Err(one(Violation::wrong_type("an object", other))),
    };
    let (mut parsed, mut violations) = (BTreeMap::new(), Vec::new());
    for (name, value) in members {
        match header(name, value) {
            Ok(value) => {
                if parsed.insert(name.to_ascii_lowercase(), value.to_owned()).is_some() {
                    violations.push(Violation::new(ErrorCode::Duplicate, "must not be sent twice").of_entry(name));
                }
            }
            Err(violation) => violations.push(violation.of_entry(name)),
        }
    }
    if members.len() > MAX_HEADERS {
        violations.push(Violation::new(ErrorCode::TooLong, "must have at most 10 headers"));
    }
    if violations.is_empty() {
        Ok(parsed)
    } else {
        Err(violations)
    }
}

/// Source of the characters: RFC 9110, sections 5.1 and 5.5.
fn header<'a>(name: &str, value: &'a Value) -> Result<&'a str, Violation> {
    let lower = name.to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > MAX_HEADER_NAME_BYTES || !name.bytes().all(is_token) {
        return Err(Violation::new(
            ErrorCode::InvalidFormat,
            "must be the name of a header, of at most 64 characters",
        ));
    }
    if RESERVED_HEADERS.contains(&lower.as_str()) || lower.starts_with(RESERVED_HEADER_PREFIX) {
        return Err(Violation::new(ErrorCode::Reserved, "is set by the service (omit it)"));
    }
    let text = text(value)?;
    let is_visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if text.is_empty() || text.trim() != text || !text.bytes().all(is_visible) {
        Err(Violation::new(
            ErrorCode::InvalidFormat,
            "must have a value of visible ASCII characters without blanks at its ends",
        ))
    } else if text.len() > MAX_HEADER_VALUE_BYTES {
        Err(Violation::new(
            ErrorCode::TooLong,
            "must have a value of at most 1024 characters",
        ))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
