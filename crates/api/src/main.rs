//! The api function: wires configuration, store and service, and runs.

use std::{error::Error, process::ExitCode};

use api::{Api, AppState, config::Config};
use function::{
    aws, chain,
    logging::{self, LogFormat, LogLevel},
    metrics,
};
use tenant_store::{Store, client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where the configuration is wrong, nothing is logged yet.
            logging::init(LogLevel::default(), LogFormat::default());
            tracing::error!(error = chain(&*error), "the api does not run");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    logging::init(config.log_level, config.log_format);
    metrics::init(config.metrics);
    let store = Store::new(client::from_sdk_config(&aws::sdk_config("DYNAMODB")), config.table);
    let api = Api::new(AppState::new(store, config.settings));
    api.warm().await;
    Ok(function::run(api).await?)
}
