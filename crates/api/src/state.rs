//! What every handler shares.

use std::sync::Arc;

use tenant_store::Store;

use crate::{config::Settings, handlers::health::LastProbe, live::LiveChecks};

/// Built once and cloned for each request, which is cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) last_probe: LastProbe,
    pub(crate) live_checks: Option<Arc<dyn LiveChecks>>,
}

impl AppState {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, settings: Settings) -> Self {
        Self {
            store,
            settings,
            last_probe: LastProbe::default(),
            live_checks: None,
        }
    }

    /// The same, with a validation that looks beyond the table.
    #[must_use]
    pub fn with_live_checks(self, live_checks: Arc<dyn LiveChecks>) -> Self {
        Self {
            live_checks: Some(live_checks),
            ..self
        }
    }
}
