//! The external checks of a validation, which only a build with the feature `external-checks` contains.
//!
//! `docs/decisions/0501-external-checks-of-the-local-server.md` has the cost of their AWS clients.

#[cfg(feature = "external-checks")]
mod built {
    use std::sync::Arc;

    use api::ExternalChecks;
    use aws_config::{
        BehaviorVersion, Region, environment::EnvironmentVariableRegionProvider, meta::region::RegionProviderChain,
        profile::ProfileFileRegionProvider,
    };

    use super::{CentralRole, ExternalId};

    /// The checks with this role, which must be one in the real AWS, wherever the table is.
    pub(crate) async fn with_role(
        central_role: CentralRole,
        external_id: Option<ExternalId>,
        default_region: String,
    ) -> Arc<dyn ExternalChecks> {
        let settings = tenant_preflight::Settings {
            external_id,
            ..tenant_preflight::Settings::new(central_role)
        };
        // Not the default chain, whose last step waits for the metadata service of an EC2 instance.
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else(Region::new(default_region));
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .load()
            .await;
        validator::external_checks(sdk, settings)
    }
}

#[cfg(feature = "external-checks")]
pub(crate) use built::with_role;
/// The role of `--central-role-arn`.
#[cfg(feature = "external-checks")]
pub type CentralRole = tenant_core::RoleArn;
/// The value of `--external-id`.
#[cfg(feature = "external-checks")]
pub type ExternalId = tenant_preflight::ExternalId;

#[cfg(not(feature = "external-checks"))]
mod not_built {
    use std::str::FromStr;

    /// A build without the external checks was given a central role.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    #[error("this build has no external checks: build it with `cargo run --release --features external-checks`")]
    pub struct NotBuilt;

    /// The role of `--central-role-arn`, which this build rejects.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CentralRole {}

    impl FromStr for CentralRole {
        type Err = NotBuilt;

        fn from_str(_: &str) -> Result<Self, NotBuilt> {
            Err(NotBuilt)
        }
    }
}

#[cfg(not(feature = "external-checks"))]
pub use not_built::{CentralRole, NotBuilt};
/// The value of `--external-id`, which has no effect without a central role.
#[cfg(not(feature = "external-checks"))]
pub type ExternalId = String;
