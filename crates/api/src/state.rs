//! What every handler shares.

use tenant_store::Store;

use crate::{config::Settings, handlers::health::LastProbe};

/// Built once and cloned for each request, which is cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) last_probe: LastProbe,
}

impl AppState {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, settings: Settings) -> Self {
        Self {
            store,
            settings,
            last_probe: LastProbe::default(),
        }
    }
}
