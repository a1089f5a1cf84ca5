//! The state that all handlers share.

use std::sync::Arc;

use tenant_store::{configs::ConfigStore, history::HistoryStore};

use crate::{
    config::Settings,
    http::error::ApiError,
    probe::LastProbe,
    resources::{configs::external_checks::ExternalChecks, webhooks::Webhooks},
};

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
    history: Option<HistoryStore>,
    webhooks: Option<Webhooks>,
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
            history: None,
            webhooks: None,
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

    /// The same with the history of the configurations. Without it, requests for it are rejected.
    #[must_use]
    pub fn with_history(self, history: HistoryStore) -> Self {
        Self {
            history: Some(history),
            ..self
        }
    }

    /// The same with webhooks. Without them, requests for them are rejected.
    #[must_use]
    pub fn with_webhooks(self, webhooks: Webhooks) -> Self {
        Self {
            webhooks: Some(webhooks),
            ..self
        }
    }

    /// The webhooks, if this deployment has them.
    pub(crate) fn webhooks(&self) -> Result<&Webhooks, ApiError> {
        self.webhooks.as_ref().ok_or(ApiError::WebhooksNotEnabled)
    }

    /// The history, if this deployment has one.
    pub(crate) fn history(&self) -> Result<&HistoryStore, ApiError> {
        self.history.as_ref().ok_or(ApiError::HistoryNotEnabled)
    }
}
