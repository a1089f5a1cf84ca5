//! The api function: wires configuration, store and service, and runs them.

use std::{error::Error, process::ExitCode, sync::Arc};

use api::{
    Api, AppState, Stores, Webhooks,
    config::{Config, WebhooksConfig},
};
use lambda::exit_code;
use tenant_aws::{
    parameter::{Parameter, Secret},
    queue::Queue,
    sdk_config,
};
use tenant_core::webhook::Networks;
use tenant_store::{
    client::{self, Client},
    configs::ConfigStore,
    history::HistoryStore,
    webhooks::{DeliveryStore, WebhookStore},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    config.telemetry.start();
    let dynamodb = client::from_sdk_config(&sdk_config("DYNAMODB"));
    let stores = Stores {
        configs: ConfigStore::new(dynamodb.clone(), config.table),
    };
    let mut state = AppState::new(stores, config.settings);
    if let Some(table) = config.history_table {
        state = state.with_history(HistoryStore::new(dynamodb.clone(), table));
    }
    if let Some(config) = config.webhooks {
        state = state.with_webhooks(webhooks(dynamodb, config));
    }
    let api = Api::new(state);
    api.warm().await;
    Ok(lambda::run(api).await?)
}

fn webhooks(dynamodb: Client, config: WebhooksConfig) -> Webhooks {
    Webhooks {
        endpoints: WebhookStore::new(dynamodb.clone(), config.endpoints_table),
        deliveries: DeliveryStore::new(dynamodb, config.deliveries_table),
        wake_ups: Arc::new(Queue::new(sdk_config("SQS"), config.queue_url)),
        key: Arc::new(Secret::stored(Parameter::new(
            sdk_config("SSM"),
            config.master_key_parameter,
        ))),
        networks: Networks::default(),
    }
}
