//! The values of a configuration, one type each. A value of such a type is valid: `FromStr` (or `parse`) is the
//! validation, and nothing validates again later.

mod bucket_name;
mod bucket_prefix;
mod desired_logs;
mod log_group_name;
mod region;
mod role_arn;
mod ttl;

pub use bucket_name::BucketName;
pub use bucket_prefix::BucketPrefix;
pub use desired_logs::{DesiredLogs, MAX_DESIRED_LOGS};
pub use log_group_name::LogGroupName;
pub use region::{Partition, Region};
pub use role_arn::RoleArn;
pub use ttl::Ttl;

/// Implements what every text value shares.
macro_rules! text_value {
    ($name:ident) => {
        impl $name {
            /// The value as it is stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
use text_value;

/// Whether a text is the result of a lossy conversion: U+FFFD replaces bytes that were not UTF-8. API Gateway converts
/// bodies that way, and a value that lost bytes must not be stored as if the client had sent it.
fn lost_bytes(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}
