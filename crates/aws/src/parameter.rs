//! A secret that is read when it is first needed: from a parameter of the SSM Parameter Store, or given.
//!
//! A function that needs the secret for some of its work only does not pay for it at its start.

use std::{error::Error, fmt, str::FromStr};

#[cfg(feature = "ssm")]
use tokio::sync::OnceCell;

#[cfg(feature = "ssm")]
mod ssm;
#[cfg(feature = "ssm")]
pub use self::ssm::{Parameter, client};

/// A secret, read once in a process. What was read is kept, a failure is not.
pub struct Secret<T>(Origin<T>);

enum Origin<T> {
    Known(T),
    #[cfg(feature = "ssm")]
    Parameter {
        parameter: Box<Parameter>,
        value: OnceCell<T>,
    },
}

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

impl<T> Secret<T> {
    /// A secret that is known already.
    #[must_use]
    pub const fn known(value: T) -> Self {
        Self(Origin::Known(value))
    }

    /// The value of a parameter.
    #[cfg(feature = "ssm")]
    #[must_use]
    pub fn stored(parameter: Parameter) -> Self {
        Self(Origin::Parameter {
            parameter: Box::new(parameter),
            value: OnceCell::const_new(),
        })
    }
}

impl<T> Secret<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    /// The secret, read at the first call.
    #[cfg_attr(
        not(feature = "ssm"),
        expect(clippy::unused_async, reason = "what is read is only a parameter")
    )]
    pub async fn get(&self) -> Result<&T, ParameterError> {
        match &self.0 {
            Origin::Known(value) => Ok(value),
            #[cfg(feature = "ssm")]
            Origin::Parameter { parameter, value } => value.get_or_try_init(|| parameter.read()).await,
        }
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}
