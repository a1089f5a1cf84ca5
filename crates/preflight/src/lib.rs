//! Whether logs can be delivered as a configuration says: the checks that only AWS can answer.
//!
//! The fields of a configuration are `tenant_core`'s to judge ([`tenant_core::check_stored`]). This crate takes the ones
//! that are well-formed and walks the way of a delivery: it assumes the central role, from it the customer's role, and
//! looks at the log group or the bucket.
//!
//! It must never write: every session is limited, by a policy of its own, to the calls that look. Nothing that AWS does is
//! an error here; a check that cannot be made says so. It must never log or return a credential, know a route, or read
//! the environment.

mod access;
mod call;
mod cloudwatch;
mod code;
mod run;
mod s3;
mod sdk;
mod settings;
mod way;

use aws_config::SdkConfig;
use tenant_core::{Check, DeliveryType, StoredConfig};
use tokio::time::Instant;

use crate::{run::Run, sdk::Sdk};
pub use settings::{DEADLINE, ExternalId, InvalidExternalId, Settings};

/// Makes the checks. Holds no connection before the first one.
#[derive(Debug)]
pub struct Prober {
    sdk: Sdk,
    settings: Settings,
}

impl Prober {
    /// Asks AWS with the credentials of `base`, in its region where a configuration names none.
    #[must_use]
    pub fn new(base: SdkConfig, settings: Settings) -> Self {
        Self {
            sdk: Sdk::new(base),
            settings,
        }
    }

    /// A check of each [`tenant_core::ExternalCheck`] of the configuration's type, in that order.
    /// Takes no longer than the settings allow, and ends at `deadline` if that is sooner. An item of an unknown type has
    /// none.
    pub async fn probe(&self, config: &StoredConfig, deadline: Instant) -> Vec<Check> {
        let run = Run::start(&self.sdk, &self.settings, config, deadline);
        match config.delivery_type().parse() {
            Ok(DeliveryType::CloudWatch) => cloudwatch::check(&run, config).await,
            Ok(DeliveryType::S3) => s3::check(&run, config).await,
            Err(_) => Vec::new(),
        }
    }
}
