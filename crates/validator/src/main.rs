//! The validator function: wires configuration, store, checks and service.

use std::{error::Error, process::ExitCode};

use api::{Api, AppState, Stores};
use aws_config::BehaviorVersion;
use lambda::exit_code;
use tenant_store::{client, configs::ConfigStore};
use validator::{config::Config, external_checks};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    config.api.telemetry.start();
    let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let stores = Stores {
        configs: ConfigStore::new(client::from_sdk_config(&sdk), config.api.table),
    };
    let mut state = AppState::new(stores, config.api.settings);
    if let Some(settings) = config.preflight {
        state = state.with_external_checks(external_checks(sdk, settings));
    }
    let validator = Api::for_validation(state);
    validator.warm().await;
    Ok(lambda::run(validator).await?)
}
