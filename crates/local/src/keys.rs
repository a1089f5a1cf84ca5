//! The key sources of the local server's authorizer.

use authorizer::keys::{KeySource, KeySourceError, Keys, ssm::SsmKeySource};
use tenant_core::signature::SigningKey;

/// A fixed key, or the parameter that production reads.
#[derive(Debug)]
pub enum LocalKeySource {
    /// The local key.
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
