//! The authorizer function: wires configuration, keys and authorizer, and runs.

use std::{error::Error, process::ExitCode};

use authorizer::{
    Authorizer,
    config::Config,
    keys::ssm::{self, SsmKeySource},
};
use lambda::{chain, exit_code};
use tenant_aws::sdk_config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    config.telemetry.start();
    let client = ssm::client(&sdk_config("SSM"));
    let authorizer = Authorizer::new(SsmKeySource::new(client, config.parameter), config.settings);
    if let Err(error) = authorizer.prefetch().await {
        // The process goes on: the first request tries again, and Lambda need not start another process.
        tracing::warn!(
            cause = chain(&error),
            "the keys could not be read ahead of the first request"
        );
    }
    Ok(lambda::run(authorizer).await?)
}
