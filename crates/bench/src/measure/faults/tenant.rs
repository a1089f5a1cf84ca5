//! A tenant whose one configuration is written and read in turn, and what the table says of it after each answer.

use dynoxide::AttributeValue;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tenant_core::Field;

use crate::{
    aws::Aws,
    error::BenchError,
    events::Call,
    routes::{config_path, s3_config, tenant_path},
    runtime_api::Answer,
};

/// What one answer was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The answer that an undisturbed service gives, and it is true.
    Succeeded,
    /// The answer that the fault calls for, and it is true.
    Failed,
    /// A write was acknowledged and is not there.
    Lost,
    /// Another answer, or one that is untrue.
    Wrong,
    /// No answer.
    Late,
}

/// The configuration is told apart from what it was before by a mark in its `desired_logs`; none while there is none.
type Mark = Option<String>;

pub(super) struct Tenant {
    aws: Aws,
    id: String,
    /// The status of a request that the fault has let fail.
    failure: u16,
    /// How many requests were made.
    made: usize,
    mark: Mark,
}

/// One request, and what it makes of the configuration.
pub(super) struct Request {
    call: Call,
    action: Action,
    mark: Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Update,
    Delete,
    Read,
}

/// Each before and after each other one, on a configuration that is there and one that is not.
const ACTIONS: [Action; 9] = [
    Action::Create,
    Action::Read,
    Action::Update,
    Action::Create,
    Action::Update,
    Action::Delete,
    Action::Read,
    Action::Delete,
    Action::Update,
];

impl Request {
    pub(super) fn event(&self) -> Bytes {
        self.call.api_event()
    }
}

impl Tenant {
    pub(super) fn new(aws: Aws, id: String, failure: u16) -> Self {
        Self {
            aws,
            id,
            failure,
            made: 0,
            mark: None,
        }
    }

    pub(super) fn next_request(&mut self) -> Request {
        let action = ACTIONS[self.made % ACTIONS.len()];
        self.made += 1;
        let mark = format!("mark-{}", self.made);
        let path = config_path(&self.id, "s3");
        let (call, mark) = match action {
            Action::Create => {
                let mut config = s3_config(&self.id);
                config["desired_logs"] = json!([mark]);
                (Call::new("POST", tenant_path(&self.id)).with_body(config), Some(mark))
            }
            Action::Update => (
                Call::new("PATCH", path).with_body(json!({"desired_logs": [mark]})),
                Some(mark),
            ),
            Action::Delete => (Call::new("DELETE", path), None),
            Action::Read => (Call::new("GET", path), None),
        };
        Request { call, action, mark }
    }

    /// Compares the answer with the table.
    pub(super) fn judge(&mut self, request: &Request, answer: &Answer) -> Result<Verdict, BenchError> {
        let before = self.mark.take();
        self.mark = self.stored_mark()?;
        let (after, unchanged) = (&self.mark, before == self.mark);
        let Ok(body) = &answer.body else {
            return Ok(Verdict::Wrong);
        };
        let answer: ProxyAnswer = serde_json::from_slice(body)?;
        let verdict = match (request.action, answer.status) {
            (_, status) if status == self.failure => {
                let retry_is_told = status != 503 || answer.headers.get("retry-after").is_some();
                let outcome_is_open = answer.body.contains("may or may not have been applied");
                let is_true = unchanged || (outcome_is_open && *after == request.mark);
                if retry_is_told && is_true {
                    Verdict::Failed
                } else {
                    Verdict::Wrong
                }
            }
            (Action::Create, 201) | (Action::Update | Action::Delete, 200) => {
                if *after == request.mark {
                    Verdict::Succeeded
                } else {
                    Verdict::Lost
                }
            }
            (Action::Create, 409) if before.is_some() && unchanged => Verdict::Succeeded,
            (Action::Update | Action::Delete | Action::Read, 404) if before.is_none() && unchanged => {
                Verdict::Succeeded
            }
            (Action::Read, 200) if before.as_deref().is_some_and(|mark| answer.body.contains(mark)) => {
                Verdict::Succeeded
            }
            _ => Verdict::Wrong,
        };
        Ok(verdict)
    }

    fn stored_mark(&self) -> Result<Mark, BenchError> {
        let item = self.aws.item(&self.id, "s3")?;
        Ok(item.and_then(|item| match item.get(Field::DesiredLogs.name()) {
            Some(AttributeValue::L(logs)) => match logs.as_slice() {
                [AttributeValue::S(mark)] => Some(mark.clone()),
                _ => None,
            },
            _ => None,
        }))
    }
}

#[derive(Deserialize)]
struct ProxyAnswer {
    #[serde(rename = "statusCode")]
    status: u16,
    headers: Value,
    body: String,
}
