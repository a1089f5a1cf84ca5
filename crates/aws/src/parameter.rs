//! A secret that is read when it is first needed: from a parameter of the SSM Parameter Store, or given.
//!
//! A function that needs the secret for some of its work only does not pay for it at its start.

use std::{error::Error, fmt, str::FromStr};

#[cfg(feature = "ssm")]
use tokio::sync::OnceCell;

mod error;
#[cfg(feature = "ssm")]
mod ssm;
pub use self::error::ParameterError;
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
