//! The real AWS, which only a build with the feature `aws` can use: a table and a key there, and the checks of a validation
//! in customers' accounts.
//!
//! Without the feature, each of the types here rejects every text, and says how to build it: what the command line rejects
//! needs no code. `docs/decisions/0501-local-server-without-aws.md` has the cost of the clients.

#[cfg(feature = "aws")]
mod built {
    use std::{convert::Infallible, str::FromStr, sync::Arc};

    use api::ExternalChecks;
    use authorizer::keys::{
        ParameterName,
        ssm::{self, SsmKeySource},
    };
    use aws_config::{
        BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableRegionProvider,
        meta::region::RegionProviderChain, profile::ProfileFileRegionProvider,
    };
    use tenant_store::{client, configs::ConfigStore};

    /// `--aws`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct UseAws;

    /// The keys in a real parameter.
    pub type AwsKeySource = SsmKeySource;
    /// The role of `--central-role-arn`.
    pub type CentralRole = tenant_core::RoleArn;
    /// The value of `--external-id`.
    pub type ExternalId = tenant_preflight::ExternalId;

    impl FromStr for UseAws {
        type Err = Infallible;

        fn from_str(_: &str) -> Result<Self, Infallible> {
            Ok(Self)
        }
    }

    impl UseAws {
        pub(crate) async fn keys(self, parameter: ParameterName) -> AwsKeySource {
            SsmKeySource::new(ssm::client(&sdk_config().await), parameter)
        }

        pub(crate) async fn configs(self, table: &str) -> ConfigStore {
            ConfigStore::new(client::from_sdk_config(&sdk_config().await), table)
        }
    }

    /// The operator's AWS, with any kind of sign-in.
    async fn sdk_config() -> SdkConfig {
        aws_config::load_defaults(BehaviorVersion::latest()).await
    }

    /// The checks with this role, which must be one in the real AWS, wherever the table is.
    pub(crate) async fn external_checks(
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

#[cfg(not(feature = "aws"))]
mod not_built {
    use std::{future::Ready, str::FromStr, sync::Arc};

    use api::ExternalChecks;
    use authorizer::keys::{KeySource, KeySourceError, Keys, ParameterName};
    use tenant_store::configs::ConfigStore;

    /// A build without AWS was asked to use it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    #[error("this build cannot use AWS: build it with `cargo run --release --features aws`")]
    pub struct NotBuilt;

    /// `--aws`, which this build rejects.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum UseAws {}

    /// The keys in a real parameter, which this build cannot read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum AwsKeySource {}

    /// The role of `--central-role-arn`, which this build rejects.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum CentralRole {}

    /// The value of `--external-id`, which has no effect without a central role.
    pub type ExternalId = String;

    impl FromStr for UseAws {
        type Err = NotBuilt;

        fn from_str(_: &str) -> Result<Self, NotBuilt> {
            Err(NotBuilt)
        }
    }

    impl FromStr for CentralRole {
        type Err = NotBuilt;

        fn from_str(_: &str) -> Result<Self, NotBuilt> {
            Err(NotBuilt)
        }
    }

    impl UseAws {
        pub(crate) fn keys(self, _: ParameterName) -> Ready<AwsKeySource> {
            match self {}
        }

        pub(crate) fn configs(self, _: &str) -> Ready<ConfigStore> {
            match self {}
        }
    }

    impl KeySource for AwsKeySource {
        async fn fetch(&self) -> Result<Keys, KeySourceError> {
            match *self {}
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the function that replaces it consumes the role"
    )]
    pub(crate) fn external_checks(
        central_role: CentralRole,
        _: Option<ExternalId>,
        _: String,
    ) -> Ready<Arc<dyn ExternalChecks>> {
        match central_role {}
    }
}

#[cfg(feature = "aws")]
pub(crate) use built::external_checks;
#[cfg(feature = "aws")]
pub use built::{AwsKeySource, CentralRole, ExternalId, UseAws};
#[cfg(not(feature = "aws"))]
pub(crate) use not_built::external_checks;
#[cfg(not(feature = "aws"))]
pub use not_built::{AwsKeySource, CentralRole, ExternalId, NotBuilt, UseAws};
