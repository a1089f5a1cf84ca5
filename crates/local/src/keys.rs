//! The key sources of the local server's authorizer.

use authorizer::keys::{KeySource, KeySourceError, Keys};
use tenant_core::signature::SigningKey;

use crate::aws::AwsKeySource;

/// A fixed key, or the parameter that production reads.
#[derive(Debug)]
pub enum LocalKeySource {
    /// The local key.
    Fixed(SigningKey),
    /// A real SSM parameter.
    Aws(AwsKeySource),
}

impl KeySource for LocalKeySource {
    async fn fetch(&self) -> Result<Keys, KeySourceError> {
        match self {
            Self::Fixed(key) => Ok(Keys::new(key.clone(), None)),
            Self::Aws(source) => source.fetch().await,
        }
    }
}
