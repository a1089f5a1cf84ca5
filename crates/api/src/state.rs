//! What every handler shares.

use std::sync::Arc;

use tenant_store::Store;

use crate::{config::Settings, probe::LastProbe, resources::configs::external_checks::ExternalChecks};

/// Built once and cloned for each request, which is cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) last_probe: LastProbe,
    pub(crate) external_checks: Option<Arc<dyn ExternalChecks>>,
}

impl AppState {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, settings: Settings) -> Self {
        Self {
            store,
            settings,
            last_probe: LastProbe::default(),
            external_checks: None,
        }
    }

    /// The same, with a validation that looks beyond the table.
    #[must_use]
    pub fn with_live_checks(self, external_checks: Arc<dyn ExternalChecks>) -> Self {
        Self {
            external_checks: Some(external_checks),
            ..self
        }
    }
}
