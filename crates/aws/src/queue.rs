//! Sending messages to a queue of SQS.

use std::{error::Error, sync::OnceLock, time::Duration};

use aws_sdk_sqs::{
    Client,
    error::SdkError,
    operation::send_message_batch::SendMessageBatchError,
    types::{BatchResultErrorEntry, SendMessageBatchRequestEntry},
};
use aws_types::SdkConfig;
use futures_util::future::join_all;

use crate::Limits;

/// A wake-up is late, not lost, when it is not sent: so it is better to give up early.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(2),
    operation: Some(Duration::from_secs(4)),
    attempts: 3,
    first_backoff: Duration::from_millis(50),
    max_backoff: Duration::from_millis(500),
};
/// The most messages of a call. Source: `SendMessageBatch` in the Amazon SQS API Reference.
const BATCH: usize = 10;
/// Calls that are made at a time.
const CONCURRENT_CALLS: usize = 10;
/// How often a message is sent that SQS failed to take although it took the call.
const TRIES: usize = 2;

/// The longest delay of a message. Source: "Amazon SQS message quotas".
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// One queue, whose client is made when something is first sent. Messages are small: ten of them are one call.
#[derive(Debug)]
pub struct Queue {
    sdk: SdkConfig,
    url: String,
    client: OnceLock<Client>,
}

/// Messages that were not sent. All others were.
#[derive(Debug, thiserror::Error)]
#[error("{unsent} messages were not sent")]
pub struct QueueError {
    /// How many.
    pub unsent: usize,
    /// Why the first of them was not.
    pub source: Box<dyn Error + Send + Sync>,
}

/// What SQS says about a message that it did not take.
#[derive(Debug, thiserror::Error)]
#[error("SQS did not take the message: {code}")]
struct NotTaken {
    code: String,
}

/// Messages of one call that are not sent yet.
struct Unsent {
    bodies: Vec<String>,
    cause: Box<dyn Error + Send + Sync>,
    is_hopeless: bool,
}

impl Queue {
    /// The queue with this URL.
    #[must_use]
    pub fn new(sdk: SdkConfig, url: impl Into<String>) -> Self {
        Self {
            sdk,
            url: url.into(),
            client: OnceLock::new(),
        }
    }

    /// Sends messages, which become visible after this delay: at most [`MAX_DELAY`], in whole seconds, rounded up.
    pub async fn send(&self, bodies: Vec<String>, delay: Duration) -> Result<(), QueueError> {
        let mut bodies = bodies.into_iter();
        let mut failed: Option<QueueError> = None;
        loop {
            let calls: Vec<Vec<String>> = (0..CONCURRENT_CALLS)
                .map(|_| bodies.by_ref().take(BATCH).collect())
                .take_while(|batch: &Vec<String>| !batch.is_empty())
                .collect();
            if calls.is_empty() {
                return failed.map_or(Ok(()), Err);
            }
            let sending = calls.into_iter().map(|batch| self.send_batch(batch, delay));
            for unsent in join_all(sending).await.into_iter().flatten() {
                let found = failed.get_or_insert(QueueError {
                    unsent: 0,
                    source: unsent.cause,
                });
                found.unsent += unsent.bodies.len();
            }
        }
    }

    async fn send_batch(&self, mut bodies: Vec<String>, delay: Duration) -> Option<Unsent> {
        for tries_left in (0..TRIES).rev() {
            match self.send_once(bodies, delay).await {
                None => return None,
                Some(unsent) if unsent.is_hopeless || tries_left == 0 => return Some(unsent),
                Some(unsent) => bodies = unsent.bodies,
            }
        }
        None
    }

    async fn send_once(&self, bodies: Vec<String>, delay: Duration) -> Option<Unsent> {
        let client = self.client.get_or_init(|| Client::new(&LIMITS.apply(&self.sdk)));
        let entries = bodies.iter().enumerate().map(|(number, body)| {
            SendMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .message_body(body)
                .delay_seconds(whole_seconds(delay))
                .build()
                .expect("a message has an ID and a body")
        });
        let request = client.send_message_batch().queue_url(&self.url);
        match request.set_entries(Some(entries.collect())).send().await {
            Ok(response) => not_taken(bodies, &response.failed),
            Err(cause) => Some(Unsent::all(bodies, cause)),
        }
    }
}

impl Unsent {
    /// The SDK has tried often enough.
    fn all(bodies: Vec<String>, cause: SdkError<SendMessageBatchError>) -> Self {
        Self {
            bodies,
            cause: cause.into(),
            is_hopeless: true,
        }
    }
}

/// What SQS did not take of a call that it took.
fn not_taken(bodies: Vec<String>, failures: &[BatchResultErrorEntry]) -> Option<Unsent> {
    let cause = NotTaken {
        code: failures.first()?.code.clone(),
    };
    let is_failed = |number: usize| failures.iter().any(|failure| failure.id == number.to_string());
    let bodies = bodies.into_iter().enumerate().filter(|(number, _)| is_failed(*number));
    Some(Unsent {
        bodies: bodies.map(|(_, body)| body).collect(),
        cause: cause.into(),
        is_hopeless: failures.iter().any(|failure| failure.sender_fault),
    })
}

fn whole_seconds(delay: Duration) -> i32 {
    let rounded_up = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    let seconds = rounded_up.min(MAX_DELAY.as_secs());
    i32::try_from(seconds).unwrap_or_default()
}
