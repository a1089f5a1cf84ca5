//! The function: messages of the queue, and the sweep.

use std::time::Instant;

use chrono::Utc;
use futures_util::future::join_all;
use lambda::{Handler, HandlerError, Invocation, chain};
use serde::Serialize;
use tenant_aws::usage::measure;

use crate::{
    Notifier, Swept,
    event::{Event, Message},
    fault::{Fault, Unfinished},
    log::{self, Line},
};

/// The notifier function. Lambda delivers messages of the queue, at least once; the response names those that were not
/// worked on, and SQS delivers them again. A schedule asks for a sweep.
#[derive(Debug)]
pub struct NotifierFunction(Notifier);

/// Lambda's response to a batch. Source: "Handling errors for an SQS event source in Lambda" in the AWS Lambda Developer
/// Guide.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

/// What a sweep found, for a person who invokes it.
#[derive(Serialize)]
struct SweepResponse {
    due: usize,
}

impl NotifierFunction {
    /// The function that works with this notifier.
    #[must_use]
    pub const fn new(notifier: Notifier) -> Self {
        Self(notifier)
    }

    /// Works on all messages at the same time, since each waits for a subscriber for most of its time.
    async fn work_on(&self, messages: Vec<Message>, invocation: &Invocation) -> Vec<u8> {
        let started = Instant::now();
        let working = join_all(messages.into_iter().map(|message| self.work_on_one(message)));
        let (worked, usage) = measure(Box::pin(working)).await;
        let unfinished: Vec<_> = worked.into_iter().filter_map(Result::err).collect();
        Line::for_messages(&unfinished, invocation).write(started.elapsed(), usage, invocation);
        let failures = unfinished.into_iter().map(|unfinished| BatchItemFailure {
            item_identifier: unfinished.message_id,
        });
        let response = BatchResponse {
            batch_item_failures: failures.collect(),
        };
        serde_json::to_vec(&response).expect("a list of strings is always JSON")
    }

    async fn work_on_one(&self, message: Message) -> Result<(), Unfinished> {
        let Message { id, wake_up } = message;
        let Some(wake_up) = wake_up else {
            tracing::error!(message_id = id, "a message is not one of this service");
            return Err(Unfinished {
                message_id: id,
                fault: Fault::Foreign,
            });
        };
        match Box::pin(self.0.handle(&wake_up)).await {
            Ok(report) => {
                log::write_delivery(&report, Utc::now());
                Ok(())
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    webhook_id = wake_up.webhook_id,
                    position = wake_up.position,
                    "a delivery was not worked on"
                );
                Err(Unfinished {
                    message_id: id,
                    fault: error.into(),
                })
            }
        }
    }

    async fn sweep(&self, invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let started = Instant::now();
        let now = Utc::now();
        let (swept, usage) = measure(Box::pin(self.0.sweep(now))).await;
        let swept = swept.map_err(|error| HandlerError::new("SweepFailed", chain(&error)))?;
        let oldest = swept
            .due
            .first()
            .map(|due| (now - due.since).to_std().unwrap_or_default());
        Line::for_sweep(&swept, oldest, invocation).write(started.elapsed(), usage, invocation);
        let Swept { due, .. } = swept;
        Ok(serde_json::to_vec(&SweepResponse { due: due.len() }).expect("a number is always JSON"))
    }
}

impl Handler for NotifierFunction {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        match Event::parse(event)? {
            Event::Messages(messages) => Ok(self.work_on(messages, invocation).await),
            Event::Sweep => self.sweep(invocation).await,
        }
    }
}
