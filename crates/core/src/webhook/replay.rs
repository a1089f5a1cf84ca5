//! Sending again what an endpoint missed.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    delivery::DeliveryStatus,
    id::{ReplayId, Scope, WebhookId},
    input::WebhookInputError,
};
use crate::{
    config::parse_members,
    history::FeedCursor,
    unknown_name::{nearest_name, shorten_name},
    violation::{ErrorCode, Violation},
};

named_enum! {
    /// Which events are sent again.
    pub enum ReplayStatus -> as_str {
        /// Deliveries that failed or were cancelled.
        Failed = "failed",
        /// Events that there is no delivery of, such as those of a time when the endpoint was disabled.
        Missing = "missing",
        /// All of them, also those that were delivered.
        All = "all",
    }
}

named_enum! {
    /// How far a replay is.
    pub enum ReplayState -> as_str {
        /// There are events left to examine.
        Running = "running",
        /// Every event was examined. Their deliveries may be under way.
        Completed = "completed",
        /// Its endpoint was disabled or deleted.
        Cancelled = "cancelled",
    }
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The first second.
    pub since: DateTime<Utc>,
    /// Events before this time; of the time of the request if there is none.
    pub until: DateTime<Utc>,
    /// Which events.
    pub status: ReplayStatus,
}

/// A replay as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its name.
    pub id: ReplayId,
    /// The endpoint.
    pub webhook: WebhookId,
    /// Its scope.
    pub scope: Scope,
    /// What was asked for.
    pub request: ReplayRequest,
    /// How far it is.
    pub state: ReplayState,
    /// Where in the history it goes on.
    pub cursor: Option<FeedCursor>,
    /// How many events were examined.
    pub examined: u32,
    /// How many of them were queued.
    pub queued: u32,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// A replay as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Replay))]
pub struct ReplayView {
    /// Its name.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^rp_[0-9a-f]{32}$", example = "rp_6f1c0d9ab3e84f5d8a6e2b7c9d0e1f23")
    )]
    pub id: String,
    /// The endpoint.
    pub webhook_id: String,
    /// The first second.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub since: String,
    /// The second before which it ends.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub until: String,
    /// Which events.
    #[cfg_attr(feature = "openapi", schema(required = true, schema_with = status_schema))]
    pub status: ReplayStatus,
    /// How far it is.
    #[cfg_attr(feature = "openapi", schema(required = true, schema_with = state_schema))]
    pub state: ReplayState,
    /// How many events were examined.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_147_483_647))]
    pub examined: u32,
    /// How many of them were queued.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_147_483_647))]
    pub queued: u32,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}

const SINCE: &str = "since";
const UNTIL: &str = "until";
const STATUS: &str = "status";
const FIELDS: [&str; 3] = [SINCE, UNTIL, STATUS];

/// Parses the body of a replay.
pub fn parse_replay(body: &[u8], now: DateTime<Utc>) -> Result<ReplayRequest, WebhookInputError> {
    let members = parse_members(body)?;
    let (mut since, mut until, mut status, mut errors) = (None, None, None, Vec::new());
    for (name, value) in &members {
        let parsed = match name.as_str() {
            _ if value.is_null() && FIELDS.contains(&name.as_str()) => Ok(()),
            SINCE => time(value).map(|time| since = Some(time)),
            UNTIL => time(value).map(|time| until = Some(time)),
            STATUS => replay_status(value).map(|found| status = Some(found)),
            name => Err(match nearest_name(name, FIELDS) {
                Some(meant) => Violation::new(ErrorCode::UnknownField, "is not a field of a replay").suggesting(meant),
                None => Violation::new(ErrorCode::UnknownField, "is not a field of a replay (omit it)"),
            }),
        };
        if let Err(violation) = parsed {
            errors.push(violation.for_field(shorten_name(name)));
        }
    }
    for name in [SINCE, STATUS] {
        if !members.iter().any(|(member, value)| member == name && !value.is_null()) {
            errors.push(Violation::new(ErrorCode::Required, "is required").for_field(name));
        }
    }
    let until = until.unwrap_or(now).min(now + TimeDelta::seconds(1));
    if since.is_some_and(|since| since >= until) {
        errors.push(Violation::new(ErrorCode::OutOfRange, "must be before until and in the past").for_field(SINCE));
    }
    match (since, status) {
        (Some(since), Some(status)) if errors.is_empty() => Ok(ReplayRequest { since, until, status }),
        _ => Err(WebhookInputError::BrokenRules(errors)),
    }
}

/// How long the secret of before a rotation signs, in seconds, from the body of the rotation.
pub fn parse_rotation(body: &[u8]) -> Result<TimeDelta, WebhookInputError> {
    const GRACE: &str = "grace_seconds";
    const DEFAULT_SECONDS: i64 = 24 * 60 * 60;
    const MAX_SECONDS: i64 = 7 * DEFAULT_SECONDS;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(TimeDelta::seconds(DEFAULT_SECONDS));
    }
    let (mut grace, mut errors) = (DEFAULT_SECONDS, Vec::new());
    for (name, value) in parse_members(body)? {
        let violation = match (name.as_str(), whole_number(&value)) {
            (GRACE, _) if value.is_null() => continue,
            (GRACE, Some(seconds @ 0..=MAX_SECONDS)) => {
                grace = seconds;
                continue;
            }
            (GRACE, _) if !value.is_number() => Violation::wrong_type("a number", &value),
            (GRACE, _) => Violation::new(ErrorCode::OutOfRange, "must be a whole number from 0 to 604800"),
            _ => Violation::new(ErrorCode::UnknownField, "is not a field of a rotation (omit it)"),
        };
        errors.push(violation.for_field(shorten_name(&name)));
    }
    if errors.is_empty() {
        Ok(TimeDelta::seconds(grace))
    } else {
        Err(WebhookInputError::BrokenRules(errors))
    }
}

/// JSON has one type of numbers: 60.0 is 60.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a number that is too large saturates, and is out of range"
)]
fn whole_number(value: &Value) -> Option<i64> {
    let fraction = || value.as_f64().filter(|number| number.fract() == 0.0);
    value.as_i64().or_else(|| fraction().map(|number| number as i64))
}

fn time(value: &Value) -> Result<DateTime<Utc>, Violation> {
    let Value::String(text) = value else {
        return Err(Violation::wrong_type("a string", value));
    };
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc()).map_err(|_| {
        Violation::new(
            ErrorCode::InvalidFormat,
            "must be a time of RFC 3339, such as 2024-01-15T10:30:00Z",
        )
    })
}

fn replay_status(value: &Value) -> Result<ReplayStatus, Violation> {
    let Value::String(text) = value else {
        return Err(Violation::wrong_type("a string", value));
    };
    ReplayStatus::from_name(text)
        .ok_or_else(|| Violation::new(ErrorCode::InvalidFormat, "must be failed, missing or all"))
}

impl ReplayRequest {
    /// Whether events are found in the history, and not only among the deliveries.
    #[must_use]
    pub const fn reads_history(&self) -> bool {
        matches!(self.status, ReplayStatus::Missing | ReplayStatus::All)
    }

    /// Whether a delivery in this state is attempted again.
    #[must_use]
    pub const fn repeats(&self, delivery: DeliveryStatus) -> bool {
        match (self.status, delivery) {
            (_, DeliveryStatus::Pending) | (ReplayStatus::Missing, _) => false,
            (ReplayStatus::All, _) => true,
            (ReplayStatus::Failed, status) => matches!(status, DeliveryStatus::Failed | DeliveryStatus::Cancelled),
        }
    }
}

impl Replay {
    /// The replay as clients see it.
    #[must_use]
    pub fn view(&self) -> ReplayView {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        ReplayView {
            id: self.id.to_string(),
            webhook_id: self.webhook.to_string(),
            since: text(self.request.since),
            until: text(self.request.until),
            status: self.request.status,
            state: self.state,
            examined: self.examined,
            queued: self.queued,
            created_at: text(self.created_at),
        }
    }
}

#[cfg(feature = "openapi")]
fn status_schema() -> utoipa::openapi::Object {
    crate::openapi::one_of(&ReplayStatus::ALL.map(ReplayStatus::as_str), "Which events.")
}

#[cfg(feature = "openapi")]
fn state_schema() -> utoipa::openapi::Object {
    crate::openapi::one_of(&ReplayState::ALL.map(ReplayState::as_str), "How far it is.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn fields(result: Result<impl std::fmt::Debug, WebhookInputError>) -> Vec<String> {
        match result.unwrap_err() {
            WebhookInputError::BrokenRules(errors) => errors.into_iter().map(|error| error.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn replay_needs_its_beginning_and_which_events() {
        let parse = |body: Value| parse_replay(body.to_string().as_bytes(), now());
        let request = parse(json!({"since": "2023-11-14T00:00:00+01:00", "status": "missing"})).unwrap();
        assert_eq!(
            (request.since.to_rfc3339(), request.until),
            ("2023-11-13T23:00:00+00:00".to_owned(), now())
        );
        assert_eq!(fields(parse(json!({}))), ["since", "status"]);
        assert_eq!(
            fields(parse(json!({"since": "today", "status": 1, "sinc": 1}))),
            ["sinc", "since", "status"]
        );
        assert_eq!(
            fields(parse(json!({"since": "2024-11-14T00:00:00Z", "status": "all"}))),
            ["since"]
        );
        let backwards = json!({"since": "2023-11-02T00:00:00Z", "until": "2023-11-01T00:00:00Z", "status": "all"});
        assert_eq!(fields(parse(backwards)), ["since"]);
    }

    #[test]
    fn what_is_repeated_depends_on_what_was_asked_for() {
        let (pending, succeeded, failed, cancelled) = (
            DeliveryStatus::Pending,
            DeliveryStatus::Succeeded,
            DeliveryStatus::Failed,
            DeliveryStatus::Cancelled,
        );
        for (status, expected) in [
            (ReplayStatus::Failed, [false, false, true, true]),
            (ReplayStatus::Missing, [false; 4]),
            (ReplayStatus::All, [false, true, true, true]),
        ] {
            let request = ReplayRequest {
                since: now(),
                until: now(),
                status,
            };
            assert_eq!(
                [pending, succeeded, failed, cancelled].map(|state| request.repeats(state)),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn grace_of_a_rotation_is_a_day_unless_it_is_given() {
        for (body, seconds) in [
            ("", 86_400),
            ("{}", 86_400),
            (r#"{"grace_seconds":0}"#, 0),
            (r#"{"grace_seconds":60.0}"#, 60),
            (r#"{"grace_seconds":null}"#, 86_400),
        ] {
            assert_eq!(
                parse_rotation(body.as_bytes()),
                Ok(TimeDelta::seconds(seconds)),
                "{body}"
            );
        }
        for body in [
            r#"{"grace_seconds":-1}"#,
            r#"{"grace_seconds":604801}"#,
            r#"{"grace_seconds":1.5}"#,
            r#"{"grace_seconds":"1"}"#,
        ] {
            assert_eq!(fields(parse_rotation(body.as_bytes())), ["grace_seconds"], "{body}");
        }
        assert_eq!(fields(parse_rotation(br#"{"grace":1}"#)), ["grace"]);
    }
}
