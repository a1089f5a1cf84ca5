//! The history of the embedded table: what the recorder function and its schedule are in AWS.

use std::time::Duration;

use chrono::Utc;
use lambda::{Invocation, chain, invoke_guarded};
use recorder::{FanOut, Recorder, config::Settings};
use tenant_store::{
    StoreError,
    client::Client,
    history::{self, ConfigImages, HistoryStore},
    schema,
};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::{
    database::{DatabaseError, EmbeddedDynamoDb},
    id,
};

/// As the schedule in production.
const COMPARISON_INTERVAL: Duration = Duration::from_hours(24);
/// The pause after a comparison that failed.
const RETRY_PAUSE: Duration = Duration::from_mins(1);
/// What the schedule sends.
const COMPARE: &[u8] = br#"{"reconcile":{}}"#;

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    /// Its table cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream of the table cannot be driven.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A history that is being recorded.
pub(crate) struct RecordedHistory {
    pub(crate) store: HistoryStore,
    comparison: JoinHandle<()>,
}

impl RecordedHistory {
    /// Records the changes of a table from now on, in a table of this name. Whatever the table contains that is not in its
    /// history is recorded as observed, soon and once a day.
    pub(crate) async fn start(
        embedded: &mut EmbeddedDynamoDb,
        configs: &str,
        history: &str,
        region: &str,
        fan_out: &FanOut,
    ) -> Result<Self, HistoryError> {
        let client = embedded.client();
        schema::ensure_table(&client, history, &history::SCHEMA).await?;
        let store = HistoryStore::new(client.clone(), history);
        let settings = Settings::default();
        // Before the first request, so that its responses have a beginning of the recording.
        store.start_recording(settings.retention, Utc::now()).await?;
        let recorder = |client: Client| {
            let configs = ConfigImages::new(client, configs);
            Recorder::new(store.clone(), configs, settings).with_webhooks(fan_out.clone())
        };
        let has_caught_up = embedded.drive(configs, region, recorder(client.clone()))?;
        let comparison = tokio::spawn(compare_daily(recorder(client), has_caught_up));
        Ok(Self { store, comparison })
    }

    /// Ends the comparison, which goes on after the next start. The recorder ends with the database.
    pub(crate) async fn stop(self) {
        self.comparison.abort();
        let _ = self.comparison.await;
    }
}

/// What the stream is about to bring would be taken for lost, so the first comparison waits for it.
async fn compare_daily(recorder: Recorder, mut has_caught_up: watch::Receiver<bool>) {
    if has_caught_up.wait_for(|caught_up| *caught_up).await.is_err() {
        return;
    }
    for number in 0_u64.. {
        let invocation = Invocation {
            request_id: id::uuid(),
            trace_id: None,
            deadline: None,
            cold_start: number == 0,
        };
        let compared = invoke_guarded(&recorder, COMPARE, &invocation).await;
        let pause = match compared {
            Ok(_) => COMPARISON_INTERVAL,
            Err(error) => {
                tracing::error!(error = chain(&error), "the table was not compared with its history");
                RETRY_PAUSE
            }
        };
        sleep(pause).await;
    }
}
