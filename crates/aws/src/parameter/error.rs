//! Why a parameter could not be read.

use std::error::Error;

#[cfg(feature = "ssm")]
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
#[cfg(feature = "ssm")]
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

#[cfg(feature = "ssm")]
use crate::{ErrorClass, classify};

#[cfg(feature = "ssm")]
/// SSM's code for a KMS key that is disabled or that the function is not allowed to use.
const INVALID_KMS_KEY: &str = "InvalidKeyId";

/// Why a parameter could not be read. The sources are for the log; none contains a value.
#[derive(Debug, thiserror::Error)]
pub enum ParameterError {
    /// There is no parameter with this name.
    #[error("there is no parameter {0}")]
    Missing(String),
    /// Its value is not what is needed.
    #[error("the parameter {name} cannot be used")]
    Unusable {
        /// The parameter.
        name: String,
        /// What is wrong with its value.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The function is not allowed to read the parameter, or to use the KMS key that encrypts it.
    #[error("reading the parameter is denied")]
    AccessDenied(#[source] Box<dyn Error + Send + Sync>),
    /// Too many calls.
    #[error("reading the parameter is throttled")]
    Throttled(#[source] Box<dyn Error + Send + Sync>),
    /// No response in time.
    #[error("reading the parameter took too long")]
    TimedOut,
    /// The store does not respond, or fails.
    #[error("the parameter could not be read")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Any other error that the store responded with.
    #[error("reading the parameter is rejected")]
    Rejected(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(feature = "ssm")]
impl<E> From<SdkError<E, HttpResponse>> for ParameterError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        match classify(&error) {
            ErrorClass::TimedOut => Self::TimedOut,
            ErrorClass::Throttled => Self::Throttled(error.into()),
            ErrorClass::Denied | ErrorClass::UnknownIdentity | ErrorClass::InvalidCredentials => {
                Self::AccessDenied(error.into())
            }
            ErrorClass::Other if error.code() == Some(INVALID_KMS_KEY) => Self::AccessDenied(error.into()),
            ErrorClass::Other if error.as_service_error().is_some() => Self::Rejected(error.into()),
            // Of the others there was no response that could be read.
            ErrorClass::Unreachable | ErrorClass::ServerFault | ErrorClass::Other => Self::Unavailable(error.into()),
        }
    }
}
