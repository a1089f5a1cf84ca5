//! The name of a deployed stage.

use std::{fmt, str::FromStr};

/// The name of a deployed stage: on an `execute-api` host, the first segment of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage(String);

/// A text that is not a valid stage name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stage name must be 1-128 of A-Z a-z 0-9 - _")]
pub struct InvalidStage;

impl FromStr for Stage {
    type Err = InvalidStage;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=128).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidStage)
        }
    }
}

impl Stage {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without the stage in front, if it is there: `/x` of `/STAGE/x`.
    pub(crate) fn strip_from<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix('/')?.strip_prefix(self.as_str())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_stage_name_is_rejected() {
        for name in ["", "a/b", "a b", "ü", &"a".repeat(129)] {
            assert_eq!(name.parse::<Stage>(), Err(InvalidStage), "{name}");
        }
        assert!("prod_1-b".parse::<Stage>().is_ok());
    }
}
