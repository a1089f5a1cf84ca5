//! The name of the parameter that contains the key.

use std::str::FromStr;

#[cfg(feature = "ssm")]
use super::PREVIOUS;

/// SSM reads names with this prefix from Secrets Manager.
#[cfg(feature = "ssm")]
const SECRETS_MANAGER: &str = "/aws/reference/secretsmanager/";
/// SSM's limit for a name, a path or an ARN.
const MAX_BYTES: usize = 2_048;

/// The name or ARN of an SSM parameter, without a version or label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterName(String);

/// A text that is not a parameter name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParameterNameError {
    /// It is too long.
    #[error("the name is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It selects a version or a label, which the authorizer does by itself.
    #[error("it must be the name alone, without a version or label after a colon")]
    HasSelector,
    /// It has a character that is not allowed.
    #[error("it is empty or contains a character that a parameter name cannot have")]
    InvalidCharacter,
}

impl ParameterName {
    /// The name as it was configured: SSM returns the newest version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The names that only SSM is asked for.
#[cfg(feature = "ssm")]
impl ParameterName {
    /// The label of the previous version: one that the operator sets, or for a secret the stage that Secrets Manager
    /// moves by itself.
    pub(super) fn previous_label(&self) -> &'static str {
        if self.0.starts_with(SECRETS_MANAGER) {
            "AWSPREVIOUS"
        } else {
            PREVIOUS
        }
    }

    /// The name of the previous version.
    pub(super) fn previous(&self) -> String {
        format!("{}:{}", self.0, self.previous_label())
    }
}

impl FromStr for ParameterName {
    type Err = ParameterNameError;

    fn from_str(text: &str) -> Result<Self, ParameterNameError> {
        if text.len() > MAX_BYTES {
            return Err(ParameterNameError::TooLong);
        }
        // arn:aws:ssm:<region>:<account>:parameter/<name>
        let name = if text.starts_with("arn:") {
            text.splitn(6, ':').last().unwrap_or_default()
        } else {
            text
        };
        if name.contains(':') {
            return Err(ParameterNameError::HasSelector);
        }
        // Parameters have letters, digits and `_.-/`; secrets also have `+=@`.
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-/+=@".contains(&byte))
        {
            return Err(ParameterNameError::InvalidCharacter);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_version_of_a_parameter_has_the_label_previous() {
        for name in [
            "/logging/api/psk",
            "psk",
            "arn:aws:ssm:us-east-1:123456789012:parameter/logging/api/psk",
        ] {
            assert_eq!(
                name.parse::<ParameterName>().unwrap().previous(),
                format!("{name}:previous")
            );
        }
    }

    #[test]
    fn previous_version_of_a_secret_has_the_stage_awsprevious() {
        let name = "/aws/reference/secretsmanager/logging/psk@eu+1";
        assert_eq!(
            name.parse::<ParameterName>().unwrap().previous(),
            format!("{name}:AWSPREVIOUS")
        );
    }

    #[test]
    fn selector_is_rejected() {
        for name in [
            "/psk:3",
            "/psk:previous",
            "arn:aws:ssm:us-east-1:123456789012:parameter/psk:3",
            "/psk:",
        ] {
            assert_eq!(
                name.parse::<ParameterName>(),
                Err(ParameterNameError::HasSelector),
                "{name}"
            );
        }
    }

    #[test]
    fn invalid_name_is_rejected() {
        for name in [
            "",
            "/psk ",
            "/psk\n",
            "/psk*",
            "/é",
            "arn:aws:ssm:us-east-1:123456789012:",
        ] {
            assert_eq!(
                name.parse::<ParameterName>(),
                Err(ParameterNameError::InvalidCharacter),
                "{name:?}"
            );
        }
        assert_eq!(
            "p".repeat(2_049).parse::<ParameterName>(),
            Err(ParameterNameError::TooLong)
        );
    }
}
