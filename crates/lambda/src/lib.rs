//! The parts that the function binaries share: what a function is, how it runs, and how it logs.
//!
//! A function is bytes of an event in, bytes of a response out. The same [`Handler`] is called by Lambda's runtime, by
//! the Lambda invoke endpoint of a container that runs elsewhere, and by the local gateway, so that all three run the
//! same code. This crate knows Lambda; it must never know tenants, signatures or tables.

mod endpoint;
mod error_chain;
mod invocation;
mod lambda;
pub mod logging;
pub mod metrics;
mod panic;
pub mod server;
mod telemetry;

use std::env;

pub use endpoint::{Endpoint, EndpointError};
pub use error_chain::chain;
pub use invocation::{Handler, HandlerError, Invocation};
pub use panic::invoke_guarded;
pub use telemetry::{Telemetry, TelemetryError, exit_code};

/// Set by Lambda in every execution environment: the address of its Runtime API.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Why [`run`] stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The invoke endpoint could not be served.
    #[error("the Lambda invoke endpoint stopped")]
    Endpoint(#[from] EndpointError),
    /// Lambda's Runtime API is no longer usable; Lambda starts a new execution environment.
    #[error("the Lambda runtime stopped")]
    Runtime(#[source] lambda_runtime::Error),
}

/// Runs `function` until the platform stops it: in Lambda through its Runtime API, elsewhere as the Lambda invoke
/// endpoint, as the base images of AWS do.
pub async fn run(function: impl Handler) -> Result<(), RunError> {
    if env::var_os(RUNTIME_API).is_some() {
        lambda::run(function).await.map_err(RunError::Runtime)
    } else {
        let endpoint = Endpoint::bind(endpoint::address_from_env()?).await?;
        endpoint
            .serve(function, server::termination().map_err(EndpointError::Setup)?)
            .await;
        Ok(())
    }
}
