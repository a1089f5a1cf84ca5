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

/// What a sweep found, for whoever invokes it by hand.
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
        let count = messages.len();
        let working = join_all(messages.into_iter().map(|message| self.work_on_one(message)));
        let (worked, usage) = measure(Box::pin(working)).await;
        let failed: Vec<_> = worked.into_iter().filter_map(Result::err).collect();
        Line::for_messages(count, failed.len(), invocation).write(started.elapsed(), usage, invocation);
        let failures = failed
            .into_iter()
            .map(|item_identifier| BatchItemFailure { item_identifier });
        let response = BatchResponse {
            batch_item_failures: failures.collect(),
        };
        serde_json::to_vec(&response).expect("a list of strings is always JSON")
    }

    /// Returns the name of a message that is to be delivered again.
    async fn work_on_one(&self, message: Message) -> Result<(), String> {
        let Some(wake_up) = message.wake_up else {
            // It ends in the dead-letter queue, where somebody sees it.
            tracing::error!(message_id = message.id, "a message is not one of this service");
            return Err(message.id);
        };
        match Box::pin(self.0.handle(&wake_up)).await {
            Ok(report) => {
                log::write_delivery(&report, Utc::now());
                Ok(())
            }
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    webhook_id = wake_up.webhook_id,
                    position = wake_up.position,
                    "a delivery was not handled"
                );
                Err(message.id)
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
