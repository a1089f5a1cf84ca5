//! Whether logs can be delivered to the destination of a configuration: the checks that need calls to AWS.
//!
//! `tenant_core` checks the fields of a configuration ([`tenant_core::check_stored`]). This crate takes the well-formed
//! ones and follows the steps of a delivery: it assumes the central role, from it the customer's role, and inspects the
//! log group or the bucket.
//!
//! It must never write: a session policy limits every session to read-only calls. A failure of AWS is not an error here:
//! a check that cannot be made reports why. This crate must never log or return a credential, know a route, or read the
//! environment.

mod call;
mod checklist;
mod cloudwatch;
mod code;
mod context;
mod s3;
mod sdk;
mod session;
mod settings;

use aws_config::SdkConfig;
use tenant_core::{Check, DeliveryType, StoredConfig};
use tokio::time::Instant;

use crate::{context::ProbeContext, sdk::Sdk};
pub use settings::{DEADLINE, ExternalId, InvalidExternalId, Settings};

/// Makes the checks. Opens no connection before the first one.
#[derive(Debug)]
pub struct Prober {
    sdk: Sdk,
    settings: Settings,
}

impl Prober {
    /// Calls AWS with the credentials of `base`, in its region where a configuration names none.
    #[must_use]
    pub fn new(base: SdkConfig, settings: Settings) -> Self {
        Self {
            sdk: Sdk::new(base),
            settings,
        }
    }

    /// The result of each [`tenant_core::ExternalCheck`] of the configuration's type, in that order.
    /// Takes no longer than the settings allow, and ends at `deadline` if that is sooner. An item of an unknown type has
    /// no checks.
    pub async fn probe(&self, config: &StoredConfig, deadline: Instant) -> Vec<Check> {
        let context = ProbeContext::new(&self.sdk, &self.settings, config, deadline);
        match config.delivery_type().parse() {
            Ok(DeliveryType::CloudWatch) => cloudwatch::check(&context, config).await,
            Ok(DeliveryType::S3) => s3::check(&context, config).await,
            Err(_) => Vec::new(),
        }
    }
}
