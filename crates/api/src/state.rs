//! The state that all handlers share.

use std::sync::Arc;

use tenant_store::configs::ConfigStore;

use crate::{config::Settings, probe::LastProbe, resources::configs::external_checks::ExternalChecks};

/// The stores of the service, one for each resource.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The delivery configurations.
    pub configs: ConfigStore,
}

/// Built once and cloned for each request, which is cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) stores: Stores,
    pub(crate) settings: Settings,
    pub(crate) last_probe: LastProbe,
    pub(crate) external_checks: Option<Arc<dyn ExternalChecks>>,
}

impl AppState {
    /// The service over these stores.
    #[must_use]
    pub fn new(stores: Stores, settings: Settings) -> Self {
        Self {
            stores,
            settings,
            last_probe: LastProbe::default(),
            external_checks: None,
        }
    }

    /// The same, with a validation that also checks what a configuration names outside the table.
    #[must_use]
    pub fn with_external_checks(self, external_checks: Arc<dyn ExternalChecks>) -> Self {
        Self {
            external_checks: Some(external_checks),
            ..self
        }
    }
}
