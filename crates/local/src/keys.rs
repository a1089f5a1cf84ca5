//! Where the authorizer of a local server has its key from.

use authorizer::keys::{KeySource, KeySourceError, Keys, ssm::SsmKeySource};
use tenant_core::signature::SigningKey;

/// One key that never changes, or the parameter that production reads.
#[derive(Debug)]
pub enum LocalKeySource {
    /// The key of this machine.
    Fixed(SigningKey),
    /// A real SSM parameter.
    Ssm(SsmKeySource),
}

impl KeySource for LocalKeySource {
    async fn fetch(&self) -> Result<Keys, KeySourceError> {
        match self {
            Self::Fixed(key) => Ok(Keys::new(key.clone(), None)),
            Self::Ssm(source) => source.fetch().await,
        }
    }
}
