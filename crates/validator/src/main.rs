//! The validator function: wires configuration, store, checks and service, and runs.

use std::{error::Error, process::ExitCode};

use api::{Api, AppState};
use aws_config::BehaviorVersion;
use function::{
    chain,
    logging::{self, LogFormat, LogLevel},
    metrics,
};
use tenant_store::{Store, client};
use validator::{config::Config, live_checks};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where the configuration is wrong, nothing is logged yet.
            logging::init(LogLevel::default(), LogFormat::default());
            tracing::error!(error = chain(&*error), "the validator does not run");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    logging::init(config.api.log_level, config.api.log_format);
    metrics::init(config.api.metrics);
    let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let store = Store::new(client::from_sdk_config(&sdk), config.api.table);
    let mut state = AppState::new(store, config.api.settings);
    if let Some(settings) = config.delivery {
        state = state.with_live_checks(live_checks(sdk, settings));
    }
    let validator = Api::of_validation(state);
    validator.warm().await;
    Ok(function::run(validator).await?)
}
