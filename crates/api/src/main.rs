//! The api function: wires configuration, store and service, and runs.

use std::{error::Error, process::ExitCode};

use api::{Api, AppState, config::Config};
use lambda::exit_code;
use tenant_aws::sdk_config;
use tenant_store::{Store, client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    config.telemetry.start();
    let store = Store::new(client::from_sdk_config(&sdk_config("DYNAMODB")), config.table);
    let api = Api::new(AppState::new(store, config.settings));
    api.warm().await;
    Ok(lambda::run(api).await?)
}
