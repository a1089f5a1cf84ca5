//! A tenant whose one configuration is written and read in turn, and its state in the table after each response.

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
    runtime_api::Reply,
};

/// The evaluation of one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The response of a service without faults, and it is true.
    Succeeded,
    /// The response that the fault requires, and it is true.
    Failed,
    /// A write was acknowledged and is missing from the table.
    Lost,
    /// Another response, or an untrue one.
    Wrong,
    /// No response.
    Late,
}

/// A mark in `desired_logs` distinguishes the versions of the configuration. `None` while there is no configuration.
type Mark = Option<String>;

pub(super) struct Tenant {
    aws: Aws,
    id: String,
    /// The status of a request that fails because of the fault.
    failure: u16,
    /// The number of requests so far.
    made: usize,
    mark: Mark,
}

/// One request, and the mark of the configuration after it.
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

/// Each before and after each other one, on an existing and on a missing configuration.
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

    /// Compares the response with the table.
    pub(super) fn evaluate(&mut self, request: &Request, reply: &Reply) -> Result<Verdict, BenchError> {
        let before = self.mark.take();
        self.mark = self.stored_mark()?;
        let (after, unchanged) = (&self.mark, before == self.mark);
        let Ok(body) = &reply.body else {
            return Ok(Verdict::Wrong);
        };
        let reply: ProxyResponse = serde_json::from_slice(body)?;
        let verdict = match (request.action, reply.status) {
            (_, status) if status == self.failure => {
                let has_retry_after = status != 503 || reply.headers.get("retry-after").is_some();
                let outcome_is_unknown = reply.body.contains("may or may not have been applied");
                let is_true = unchanged || (outcome_is_unknown && *after == request.mark);
                if has_retry_after && is_true {
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
            (Action::Read, 200) if before.as_deref().is_some_and(|mark| reply.body.contains(mark)) => {
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
struct ProxyResponse {
    #[serde(rename = "statusCode")]
    status: u16,
    headers: Value,
    body: String,
}
