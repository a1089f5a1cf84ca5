//! The notifier function: wires configuration, clients and notifier, and runs it.

use std::{error::Error, process::ExitCode, sync::Arc};

use lambda::exit_code;
use notifier::{Notifier, NotifierFunction, Stores, config::Config, http::Sender};
use tenant_aws::{
    parameter::{Parameter, Secret},
    queue::Queue,
    sdk_config,
};
use tenant_store::{
    client,
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
        webhooks: WebhookStore::new(dynamodb.clone(), config.webhooks_table),
        deliveries: DeliveryStore::new(dynamodb.clone(), config.deliveries_table),
        history: HistoryStore::new(dynamodb, config.history_table),
    };
    let wake_ups = Arc::new(Queue::new(sdk_config("SQS"), config.queue_url));
    let key = Secret::stored(Parameter::new(sdk_config("SSM"), config.master_key_parameter));
    let sender = Sender::new(config.networks);
    let notifier = Notifier::new(stores, wake_ups, Arc::new(key), sender, config.schedule);
    Ok(lambda::run(NotifierFunction::new(notifier)).await?)
}
