//! Where a tenant's logs go: the sort key of the table.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::violation::{ErrorCode, Violation};

/// The kind of destination, and with the tenant the key of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryType {
    /// The tenant's CloudWatch Logs.
    CloudWatch,
    /// The tenant's S3 bucket.
    S3,
}

impl DeliveryType {
    /// Every delivery type, in the order of their names.
    pub const ALL: [Self; 2] = [Self::CloudWatch, Self::S3];

    /// The value of the `type` attribute and of the path segment.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            Self::S3 => "s3",
        }
    }
}

impl fmt::Display for DeliveryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryType {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|delivery_type| delivery_type.as_str() == text)
            .ok_or_else(|| {
                Violation::new(
                    ErrorCode::InvalidFormat,
                    "must be \"cloudwatch\" or \"s3\" in lowercase",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lowercase_names_are_delivery_types() {
        for delivery_type in DeliveryType::ALL {
            assert_eq!(delivery_type.as_str().parse(), Ok(delivery_type));
            assert_eq!(serde_json::to_value(delivery_type).unwrap(), delivery_type.as_str());
        }
        for text in ["", "S3", "CloudWatch", "s3 ", "firehose"] {
            assert!(text.parse::<DeliveryType>().is_err(), "{text:?}");
        }
    }
}
