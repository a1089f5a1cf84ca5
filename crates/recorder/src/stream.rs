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

/// What one record was.
enum Decided {
    Entry { entry: Box<Entry>, is_readable: bool },
    Mark,
}

/// What became of one record.
enum Recorded {
    Entry { is_readable: bool, is_truncated: bool },
    Mark,
}

/// A record that could not be recorded, and why.
struct Unfinished {
    sequence_number: String,
    fault: StoreError,
}

/// Records that are handled at a time: as many entries as DynamoDB writes in one call.
const CHUNK: usize = 25;
/// Entries that are written at a time, where each takes a call of its own. The history's index of a day takes some 1,000 a
/// second.
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
            let chunk = records.by_ref().take(CHUNK).collect();
            if let Err(Unfinished { sequence_number, fault }) = self.record_chunk(chunk, &mut facts).await {
                facts.unfinished = Some(sequence_number);
                facts.fault = Some(fault);
                return facts;
            }
        }
        facts
    }

    /// Records the records and counts them up to the first one that could not be recorded.
    async fn record_chunk(&self, records: Vec<StreamRecord>, facts: &mut BatchFacts) -> Result<(), Unfinished> {
        let decided: Vec<_> = records
            .into_iter()
            .map(|record| (record.sequence_number.clone(), self.decide_one(record)))
            .collect();
        let written = self.write_together(&decided).await?;
        for (part, written) in decided.chunks(CONCURRENT_WRITES).zip(written.chunks(CONCURRENT_WRITES)) {
            let writes = part
                .iter()
                .zip(written)
                .map(|((_, decided), is_written)| self.write_one(decided, *is_written));
            // In the order of the records, so the first failure is the lowest one. What was written after it is written
            // again.
            for ((sequence_number, _), recorded) in part.iter().zip(join_all(writes).await) {
                let recorded = recorded.map_err(|fault| Unfinished::new(sequence_number, fault))?;
                facts.count(&recorded);
            }
        }
        self.queue_events(&decided).await
    }

    /// Queues the entries for their subscribers. What fails is queued when Lambda delivers the records again.
    async fn queue_events(&self, decided: &[(String, Decided)]) -> Result<(), Unfinished> {
        let Some(fan_out) = &self.fan_out else {
            return Ok(());
        };
        let entries = decided.iter().filter_map(|(_, decided)| match decided {
            Decided::Entry { entry, .. } => Some(&**entry),
            Decided::Mark => None,
        });
        let queued = fan_out.queue(&entries.collect::<Vec<_>>()).await;
        let first = || decided.first().map(|(number, _)| number.as_str()).unwrap_or_default();
        queued.map_err(|fault| Unfinished::new(first(), fault))
    }

    fn decide_one(&self, record: StreamRecord) -> Decided {
        let StreamRecord {
            key, revision, content, ..
        } = record;
        let now = Utc::now();
        let decided = content.map(|content| catch_unwind(AssertUnwindSafe(|| (self.decide)(content, now))));
        let (entry, is_readable) = match decided {
            Some(Ok(Some(entry))) => (entry, true),
            Some(Ok(None)) => return Decided::Mark,
            Some(Err(_)) | None => (Entry::unreadable(key, revision, now), false),
        };
        Decided::Entry {
            entry: Box::new(entry),
            is_readable,
        }
    }

    /// Writes the entries in few calls. Returns for each record whether nothing remains to be written of it.
    async fn write_together(&self, decided: &[(String, Decided)]) -> Result<Vec<bool>, Unfinished> {
        let mut written: Vec<_> = decided
            .iter()
            .map(|(_, decided)| matches!(decided, Decided::Mark))
            .collect();
        let mut positions = Vec::new();
        let mut entries = Vec::new();
        for (position, (_, decided)) in decided.iter().enumerate() {
            if let Decided::Entry { entry, .. } = decided {
                positions.push(position);
                entries.push(&**entry);
            }
        }
        let [first, _, ..] = positions[..] else {
            return Ok(written);
        };
        match self.history.put_many(&entries, self.settings.retention).await {
            Ok(unprocessed) => {
                let processed = positions
                    .iter()
                    .enumerate()
                    .filter(|(nth, _)| !unprocessed.contains(nth));
                processed.for_each(|(_, position)| written[*position] = true);
                Ok(written)
            }
            // DynamoDB does not accept one of them. Each by itself shows which one.
            Err(StoreError::TooLarge(_) | StoreError::Unexpected(_)) => Ok(written),
            Err(fault) => Err(Unfinished::new(&decided[first].0, fault)),
        }
    }

    async fn write_one(&self, decided: &Decided, is_written: bool) -> Result<Recorded, StoreError> {
        let Decided::Entry { entry, is_readable } = decided else {
            return Ok(Recorded::Mark);
        };
        let (is_readable, is_whole) = (*is_readable, matches!(entry.images, Images::Whole { .. }));
        let recorded = |is_truncated| Recorded::Entry {
            is_readable,
            is_truncated,
        };
        if is_written {
            return Ok(recorded(is_readable && !is_whole));
        }
        let retention = self.settings.retention;
        match self.history.put(entry, retention).await {
            Ok(()) => Ok(recorded(is_readable && !is_whole)),
            // DynamoDB does not accept the content, and would not the next time.
            Err(StoreError::TooLarge(_) | StoreError::Unexpected(_)) => {
                self.history.put(&Entry::clone(entry).truncated(), retention).await?;
                Ok(recorded(true))
            }
            Err(fault) => Err(fault),
        }
    }
}

impl Unfinished {
    fn new(sequence_number: &str, fault: StoreError) -> Self {
        Self {
            sequence_number: sequence_number.to_owned(),
            fault,
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
