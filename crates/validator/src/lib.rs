//! Validation as a function of its own, behind the same gateway as the api function.
//!
//! It is one route of the api with [`tenant_preflight`]'s checks put in. They bring three more clients of the AWS SDK, and
//! with them a binary that is too large for the routes that do without (`docs/decisions/0201-validation-function.md`).
//! This crate must hold no check and no route: it only puts them together.

pub mod config;

use std::sync::Arc;

use api::{Checking, ExternalChecks};
use aws_config::SdkConfig;
use tenant_core::StoredConfig;
use tenant_preflight::{Prober, Settings};
use tokio::time::Instant;

/// The checks as the api takes them, made with the credentials of `sdk`.
#[must_use]
pub fn external_checks(sdk: SdkConfig, settings: Settings) -> Arc<dyn ExternalChecks> {
    Arc::new(Live(Prober::new(sdk, settings)))
}

struct Live(Prober);

impl ExternalChecks for Live {
    fn check<'a>(&'a self, config: &'a StoredConfig, deadline: Instant) -> Checking<'a> {
        Box::pin(self.0.probe(config, deadline))
    }
}
