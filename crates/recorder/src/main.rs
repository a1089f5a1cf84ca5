//! The recorder function: wires configuration, stores and recorder, and runs it.

use std::{error::Error, process::ExitCode, sync::Arc};

use lambda::exit_code;
use recorder::{
    FanOut, Recorder,
    config::{Config, WebhooksConfig},
};
use tenant_aws::{event_bus::EventBus, queue::Queue, sdk_config};
use tenant_store::{
    client,
    client::Client,
    history::{ConfigImages, HistoryStore},
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
    let history = HistoryStore::new(dynamodb.clone(), config.history_table);
    let configs = ConfigImages::new(dynamodb.clone(), config.config_table);
    let mut recorder = Recorder::new(history, configs, config.settings);
    if let Some(webhooks) = config.webhooks {
        recorder = recorder.with_webhooks(fan_out(dynamodb, webhooks));
    }
    if let Some(name) = config.event_bus {
        recorder = recorder.with_bus(EventBus::new(sdk_config("EVENTBRIDGE"), name));
    }
    Ok(lambda::run(recorder).await?)
}

fn fan_out(dynamodb: Client, config: WebhooksConfig) -> FanOut {
    FanOut::new(
        WebhookStore::new(dynamodb.clone(), config.endpoints_table),
        DeliveryStore::new(dynamodb, config.deliveries_table),
        Arc::new(Queue::new(sdk_config("SQS"), config.queue_url)),
    )
}
