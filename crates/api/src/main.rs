//! The api function: wires configuration, store and service, and runs them.

use std::{error::Error, process::ExitCode};

use api::{Api, AppState, Stores, config::Config};
use lambda::exit_code;
use tenant_aws::sdk_config;
use tenant_store::{client, configs::ConfigStore, history::HistoryStore};

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
        state = state.with_history(HistoryStore::new(dynamodb, table));
    }
    let api = Api::new(state);
    api.warm().await;
    Ok(lambda::run(api).await?)
}
