//! Records of the stream become entries of the history.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use lambda::Invocation;
use serde::Serialize;
use tenant_aws::usage::measure;
use tenant_core::history::{Entry, Images};
use tenant_store::StoreError;

use crate::{Recorder, deadline::Deadline, event::StreamRecord, facts::BatchFacts, log::Line};

/// What became of one record.
enum Recorded {
    Entry { is_readable: bool, is_truncated: bool },
    Mark,
}

/// Entries that are written at a time. The history's index of a day takes some 1,000 a second.
const CONCURRENT_WRITES: usize = 10;
/// A write takes this long at most, and the response must still be sent.
const TIME_FOR_WRITES: Duration = Duration::from_secs(5);

/// Lambda's response to a batch. Source: "Configuring partial batch response with DynamoDB and Lambda" in the AWS
/// Lambda Developer Guide: it delivers again from the lowest sequence number on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse<'a> {
    batch_item_failures: Vec<BatchItemFailure<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure<'a> {
    item_identifier: &'a str,
}

impl Recorder {
    /// Records the records, and returns the response that names the first one that was not recorded.
    pub(crate) async fn record(&self, records: Vec<StreamRecord>, invocation: &Invocation) -> Vec<u8> {
        let started = Instant::now();
        let (facts, usage) = measure(Box::pin(self.record_all(records, Deadline(invocation.deadline)))).await;
        let response = BatchResponse {
            batch_item_failures: facts
                .unfinished
                .iter()
                .map(|item_identifier| BatchItemFailure { item_identifier })
                .collect(),
        };
        let response = serde_json::to_vec(&response).expect("a list of strings is always JSON");
        Line::for_batch(&facts, invocation).write(started.elapsed(), usage, invocation);
        response
    }

    async fn record_all(&self, records: Vec<StreamRecord>, deadline: Deadline) -> BatchFacts {
        let mut facts = BatchFacts {
            records: u32::try_from(records.len()).unwrap_or(u32::MAX),
            lag: lag(&records, Utc::now()),
            ..BatchFacts::default()
        };
        if let (Some(first), Err(fault)) = (records.first(), self.start().await) {
            facts.unfinished = Some(first.sequence_number.clone());
            facts.fault = Some(fault);
            return facts;
        }
        let mut records = records.into_iter().peekable();
        let mut is_first = true;
        while let Some(next) = records.peek() {
            if !is_first && !deadline.leaves(TIME_FOR_WRITES) {
                facts.unfinished = Some(next.sequence_number.clone());
                return facts;
            }
            is_first = false;
            let writes = records.by_ref().take(CONCURRENT_WRITES).map(|record| async {
                let sequence_number = record.sequence_number.clone();
                (sequence_number, self.record_one(record).await)
            });
            // In the order of the records, so the first failure is the lowest one. What was written after it is written
            // again.
            for (sequence_number, recorded) in join_all(writes).await {
                match recorded {
                    Ok(recorded) => facts.count(&recorded),
                    Err(fault) => {
                        facts.unfinished = Some(sequence_number);
                        facts.fault = Some(fault);
                        return facts;
                    }
                }
            }
        }
        facts
    }

    async fn record_one(&self, record: StreamRecord) -> Result<Recorded, StoreError> {
        let StreamRecord {
            key, revision, content, ..
        } = record;
        let now = Utc::now();
        let decided = content.map(|content| catch_unwind(AssertUnwindSafe(|| (self.decide)(content, now))));
        let (entry, is_readable) = match decided {
            Some(Ok(Some(entry))) => (entry, true),
            Some(Ok(None)) => return Ok(Recorded::Mark),
            Some(Err(_)) | None => (Entry::unreadable(key, revision, now), false),
        };
        let is_whole = matches!(entry.images, Images::Whole { .. });
        let retention = self.settings.retention;
        match self.history.put(&entry, retention).await {
            Ok(()) => Ok(Recorded::Entry {
                is_readable,
                is_truncated: is_readable && !is_whole,
            }),
            // DynamoDB does not accept the content, and would not the next time.
            Err(StoreError::TooLarge(_) | StoreError::Unexpected(_)) => {
                self.history.put(&entry.truncated(), retention).await?;
                Ok(Recorded::Entry {
                    is_readable,
                    is_truncated: true,
                })
            }
            Err(fault) => Err(fault),
        }
    }
}

impl BatchFacts {
    fn count(&mut self, recorded: &Recorded) {
        match recorded {
            Recorded::Mark => self.marks += 1,
            Recorded::Entry {
                is_readable,
                is_truncated,
            } => {
                self.entries += 1;
                self.unreadable += u32::from(!is_readable);
                self.truncated += u32::from(*is_truncated);
            }
        }
    }
}

/// The first record of a batch is not necessarily the oldest one: a batch may contain a second try.
fn lag(records: &[StreamRecord], now: DateTime<Utc>) -> Option<Duration> {
    let oldest = records.iter().map(|record| record.revision.changed_at()).min()?;
    Some((now - oldest).to_std().unwrap_or_default())
}
