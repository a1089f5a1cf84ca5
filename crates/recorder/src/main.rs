//! The recorder function: wires configuration, stores and recorder, and runs it.

use std::{error::Error, process::ExitCode};

use lambda::exit_code;
use recorder::{Recorder, config::Config};
use tenant_aws::sdk_config;
use tenant_store::{
    client,
    history::{ConfigImages, HistoryStore},
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
    let configs = ConfigImages::new(dynamodb, config.config_table);
    Ok(lambda::run(Recorder::new(history, configs, config.settings)).await?)
}
