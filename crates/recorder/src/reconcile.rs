//! The comparison of the table with the history: what is in the one and not in the other is recorded as observed.
//!
//! This is the baseline when the recording begins, and a net below the stream, whose records end after 24 hours. A pass
//! has two halves. First every item of the table is compared with the last entry of its configuration. Then each
//! configuration with a history whose item is gone must have an entry of its deletion. A pass may take many
//! invocations, so its progress is saved.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use chrono::Utc;
use futures_util::future::try_join_all;
use lambda::{HandlerError, Invocation};
use serde_json::json;
use tenant_aws::usage::measure;
use tenant_core::{
    ConfigKey, Cursor,
    history::{Entry, Image},
};
use tenant_store::StoreError;

use crate::{Recorder, deadline::Deadline, facts::ComparisonFacts, log::Line};

/// How far a pass has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Progress {
    /// The next items of the table are after this key.
    Items(Option<ConfigKey>),
    /// The next configurations of the history are after this key.
    Histories(Option<ConfigKey>),
}

/// A configuration that is not as its last entry says.
#[derive(Debug, Clone, PartialEq)]
struct Difference {
    key: ConfigKey,
    last: Option<Entry>,
    found: Option<Image>,
}

const ITEMS: &str = "items";
const HISTORIES: &str = "histories";
const CONCURRENT_READS: usize = 10;
/// A page takes this long at most, and the response must still be sent.
const TIME_FOR_A_PAGE: Duration = Duration::from_secs(30);

impl Recorder {
    /// Goes on with the pass, or begins one, as far as the time reaches. `stream` is the one whose records are delivered.
    pub(crate) async fn reconcile(
        &self,
        stream: Option<&str>,
        invocation: &Invocation,
    ) -> Result<Vec<u8>, HandlerError> {
        let started = Instant::now();
        let mut facts = ComparisonFacts::default();
        let (compared, usage) = measure(Box::pin(self.compare(
            stream,
            Deadline(invocation.deadline),
            &mut facts,
        )))
        .await;
        let fault = compared.err();
        let response = json!({"reconcile": {
            "done": facts.is_done, "compared": facts.compared, "observed": facts.observed
        }});
        Line::for_comparison(&facts, fault.as_ref(), invocation).write(started.elapsed(), usage, invocation);
        match fault {
            None => Ok(response.to_string().into_bytes()),
            Some(fault) => Err(HandlerError::new("HistoryUnavailable", fault.to_string())),
        }
    }

    async fn compare(
        &self,
        stream: Option<&str>,
        deadline: Deadline,
        facts: &mut ComparisonFacts,
    ) -> Result<(), StoreError> {
        if let Some(stream) = stream {
            // A restored table has a new stream, which nobody reads.
            facts.is_stream_stale = self.configs.stream().await?.as_deref() != Some(stream);
        }
        self.start().await?;
        let saved = self.history.progress().await?;
        let mut progress = saved
            .and_then(|saved| saved.parse().ok())
            .unwrap_or(Progress::Items(None));
        loop {
            let next = match progress {
                Progress::Items(after) => self.compare_items(after.as_ref(), facts).await?,
                Progress::Histories(after) => self.compare_histories(after.as_ref(), facts).await?,
            };
            facts.is_done = next.is_none();
            // The next pass begins where every pass does.
            progress = next.unwrap_or(Progress::Items(None));
            self.history.save_progress(&progress.to_string()).await?;
            if facts.is_done || !deadline.leaves(TIME_FOR_A_PAGE + self.settings.settling) {
                return Ok(());
            }
        }
    }

    async fn compare_items(
        &self,
        after: Option<&ConfigKey>,
        facts: &mut ComparisonFacts,
    ) -> Result<Option<Progress>, StoreError> {
        let page = self.configs.page(self.settings.page.into(), after).await?;
        let mut differences = Vec::new();
        for items in page.items.chunks(CONCURRENT_READS) {
            facts.count(items.len());
            let found = items
                .iter()
                .map(|(key, image)| self.difference(key, Some(image.clone())));
            differences.extend(try_join_all(found).await?.into_iter().flatten());
        }
        self.record_differences(differences, facts).await?;
        Ok(Some(match page.next {
            Some(next) => Progress::Items(Some(next)),
            None => Progress::Histories(None),
        }))
    }

    async fn compare_histories(
        &self,
        after: Option<&ConfigKey>,
        facts: &mut ComparisonFacts,
    ) -> Result<Option<Progress>, StoreError> {
        let (mut last, mut differences, mut is_end) = (after.cloned(), Vec::new(), false);
        for _ in 0..self.settings.page {
            let Some(key) = self.history.next_key(last.as_ref()).await? else {
                is_end = true;
                break;
            };
            // One that exists was compared with its item.
            if self.configs.get(&key).await?.is_none() {
                facts.count(1);
                differences.extend(self.difference(&key, None).await?);
            }
            last = Some(key);
        }
        self.record_differences(differences, facts).await?;
        Ok((!is_end).then_some(Progress::Histories(last)))
    }

    /// The configuration, if it is not as its last entry says.
    async fn difference(&self, key: &ConfigKey, found: Option<Image>) -> Result<Option<Difference>, StoreError> {
        let last = self.history.newest(key, Utc::now()).await?;
        let agrees = match &last {
            Some(last) => last.agrees_with(found.as_ref()),
            None => found.is_none(),
        };
        Ok((!agrees).then(|| Difference {
            key: key.clone(),
            last,
            found,
        }))
    }

    /// Records the differences that last: the others were changes on their way through the stream.
    async fn record_differences(
        &self,
        differences: Vec<Difference>,
        facts: &mut ComparisonFacts,
    ) -> Result<(), StoreError> {
        if !differences.is_empty() {
            tokio::time::sleep(self.settings.settling).await;
        }
        for differences in differences.chunks(CONCURRENT_READS) {
            let recorded =
                try_join_all(differences.iter().map(|difference| self.record_difference(difference))).await?;
            facts.observed += recorded.into_iter().map(u32::from).sum::<u32>();
        }
        Ok(())
    }

    async fn record_difference(&self, before: &Difference) -> Result<bool, StoreError> {
        let found = self.configs.get(&before.key).await?;
        let Some(difference) = self.difference(&before.key, found).await? else {
            return Ok(false);
        };
        if difference != *before {
            // It is changing. If anything is missing then, the next pass finds it.
            return Ok(false);
        }
        let Difference { key, last, found } = difference;
        let entry = Entry::observed(key, last.as_ref(), found, Utc::now());
        match self.history.put(&entry, self.settings.retention).await {
            Err(StoreError::TooLarge(_) | StoreError::Unexpected(_)) => {
                self.history
                    .put(&entry.clone().truncated(), self.settings.retention)
                    .await?;
            }
            written => written?,
        }
        if let Some(fan_out) = &self.fan_out {
            fan_out.queue(&[&entry]).await?;
        }
        Ok(true)
    }
}

impl ComparisonFacts {
    fn count(&mut self, configs: usize) {
        self.compared += u32::try_from(configs).unwrap_or(u32::MAX);
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (half, after) = match self {
            Self::Items(after) => (ITEMS, after),
            Self::Histories(after) => (HISTORIES, after),
        };
        match after {
            Some(after) => write!(f, "{half} {}", Cursor::new(after.tenant_id(), after.delivery_type())),
            None => f.write_str(half),
        }
    }
}

/// The text is not a progress. Then a pass begins.
#[derive(Debug)]
struct UnknownProgress;

impl FromStr for Progress {
    type Err = UnknownProgress;

    fn from_str(text: &str) -> Result<Self, UnknownProgress> {
        let (half, after) = match text.split_once(' ') {
            Some((half, after)) => (half, Some(after)),
            None => (text, None),
        };
        let after = after.map(key).transpose()?;
        match half {
            ITEMS => Ok(Self::Items(after)),
            HISTORIES => Ok(Self::Histories(after)),
            _ => Err(UnknownProgress),
        }
    }
}

fn key(text: &str) -> Result<ConfigKey, UnknownProgress> {
    let cursor: Cursor = text.parse().map_err(|_| UnknownProgress)?;
    ConfigKey::new(cursor.tenant_id(), cursor.delivery_type()).map_err(|_| UnknownProgress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_as_it_is_saved() {
        for (tenant_id, delivery_type) in [("acme", "s3"), ("O'Neil and sons", "fire#hose")] {
            let key = ConfigKey::new(tenant_id, delivery_type).unwrap();
            for progress in [
                Progress::Items(None),
                Progress::Items(Some(key.clone())),
                Progress::Histories(None),
                Progress::Histories(Some(key)),
            ] {
                assert_eq!(progress.to_string().parse::<Progress>().unwrap(), progress);
            }
        }
        for text in ["", "done", "items ", "items acme", "keys acme#s3"] {
            assert!(text.parse::<Progress>().is_err(), "{text:?}");
        }
    }
}
