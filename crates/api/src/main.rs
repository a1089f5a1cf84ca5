//! The api function: wires configuration, store and service, and runs.

use api::{Api, AppState, config::Config};
use tenant_store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_env()?;
    function::logging::init(config.log_level);
    let store = Store::new(tenant_store::client::connect().await, config.table);
    let api = Api::new(AppState::new(store, config.settings));
    if let Err(error) = api.warm().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the store could not be warmed"
        );
    }
    function::run(api).await?;
    Ok(())
}
