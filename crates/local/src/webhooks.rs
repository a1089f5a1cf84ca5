//! The webhooks of the embedded table: what queue, notifier function and schedule are in AWS.

mod backlog;
mod queue;
mod worker;

use std::sync::Arc;

use api::Webhooks;
use notifier::{Notifier, Stores, http::Sender};
use recorder::FanOut;
use tenant_core::webhook::{MasterKey, MasterKeyError, Schedule};
use tenant_store::{
    StoreError,
    client::Client,
    history::HistoryStore,
    schema,
    webhooks::{DELIVERIES, DeliveryStore, ENDPOINTS, WebhookStore},
};

use self::{queue::LocalQueue, worker::Worker};
use crate::{
    cli::Options,
    data_dir::{DataDir, DataDirError},
    psk::{ProvidedKey, PskError},
};

/// Why there are no webhooks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhooksError {
    /// A table cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The file with the master key cannot be used.
    #[error(transparent)]
    Key(#[from] PskError),
    /// What it contains is not a master key.
    #[error(transparent)]
    Invalid(#[from] MasterKeyError),
}

/// Webhooks whose events are not sent yet.
pub(crate) struct PreparedWebhooks {
    webhooks: Webhooks,
    queue: LocalQueue,
    schedule: Schedule,
}

/// Webhooks whose events are sent.
pub(crate) struct RunningWebhooks {
    pub(crate) webhooks: Webhooks,
    worker: worker::Handle,
}

/// The file of the master key in the data directory.
const KEY_FILE: &str = "webhook-key";

impl PreparedWebhooks {
    /// Makes sure that there are tables and a master key.
    pub(crate) async fn new(client: &Client, options: &Options) -> Result<Self, WebhooksError> {
        let (endpoints, deliveries) = options.webhook_tables();
        schema::ensure_table(client, &endpoints, &ENDPOINTS).await?;
        schema::ensure_table(client, &deliveries, &DELIVERIES).await?;
        let queue = LocalQueue::new();
        Ok(Self {
            webhooks: Webhooks {
                endpoints: WebhookStore::new(client.clone(), endpoints),
                deliveries: DeliveryStore::new(client.clone(), deliveries),
                wake_ups: Arc::new(queue.sender()),
                key: master_key(options)?,
                networks: options.webhook_networks.clone(),
            },
            queue,
            schedule: options.webhook_retry_schedule.clone(),
        })
    }

    /// What queues the changes that are recorded.
    pub(crate) fn fan_out(&self) -> FanOut {
        let Webhooks {
            endpoints,
            deliveries,
            wake_ups,
            ..
        } = &self.webhooks;
        FanOut::new(endpoints.clone(), deliveries.clone(), Arc::clone(wake_ups))
    }

    /// Sends what is due from now on, and what was due before.
    pub(crate) fn start(self, history: HistoryStore) -> RunningWebhooks {
        let Webhooks {
            endpoints,
            deliveries,
            wake_ups,
            key,
            networks,
        } = self.webhooks.clone();
        let stores = Stores {
            webhooks: endpoints,
            deliveries,
            history,
        };
        let notifier = Notifier::new(stores, wake_ups, key, Sender::new(networks), self.schedule);
        RunningWebhooks {
            webhooks: self.webhooks,
            worker: Worker::start(notifier, self.queue),
        }
    }
}

impl RunningWebhooks {
    /// Lets attempts that are under way end, for a moment. The others are made again after the next start.
    pub(crate) async fn stop(self) {
        self.worker.stop().await;
    }
}

fn master_key(options: &Options) -> Result<MasterKey, WebhooksError> {
    let value = if options.in_memory {
        ProvidedKey::random()
    } else {
        let dir = DataDir::open(&options.data_dir)?;
        ProvidedKey::load_or_create(&dir.file(KEY_FILE))?
    };
    Ok(MasterKey::new(value.as_bytes())?)
}
