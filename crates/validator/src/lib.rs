//! The validation route as a separate function, behind the same gateway as the api function.
//!
//! It is one route of the api, with [`tenant_preflight`]'s checks. They need three more clients of the AWS SDK, which would
//! make the binary too large for the routes that do not need them (`docs/decisions/0201-validation-function.md`).
//! This crate must contain no check and no route: it only combines them.

pub mod config;

use std::sync::Arc;

use api::{Checking, ExternalChecks};
use aws_config::SdkConfig;
use tenant_core::StoredConfig;
use tenant_preflight::{Prober, Settings};
use tokio::time::Instant;

/// The checks in the form that the api needs, with the credentials of `sdk`.
#[must_use]
pub fn external_checks(sdk: SdkConfig, settings: Settings) -> Arc<dyn ExternalChecks> {
    Arc::new(Preflight(Prober::new(sdk, settings)))
}

struct Preflight(Prober);

impl ExternalChecks for Preflight {
    fn check<'a>(&'a self, config: &'a StoredConfig, deadline: Instant) -> Checking<'a> {
        Box::pin(self.0.probe(config, deadline))
    }
}
