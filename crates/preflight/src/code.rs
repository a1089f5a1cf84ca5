//! Why a check did not pass: codes that stay the same, for programs.

/// AWS denied the call.
pub(crate) const ACCESS_DENIED: &str = "access_denied";
/// The resource does not exist.
pub(crate) const NOT_FOUND: &str = "not_found";
/// Found in another account than the role's.
pub(crate) const OTHER_ACCOUNT: &str = "other_account";
/// In another partition than the central role's.
pub(crate) const OTHER_PARTITION: &str = "other_partition";
/// The external ID for this tenant is not one that STS accepts.
pub(crate) const INVALID_EXTERNAL_ID: &str = "invalid_external_id";
/// The customer's account has not enabled this region.
pub(crate) const REGION_NOT_ENABLED: &str = "region_not_enabled";
/// `target_region` is not a region that this service knows.
pub(crate) const UNKNOWN_REGION: &str = "unknown_region";
/// In another region than `target_region`.
pub(crate) const WRONG_REGION: &str = "wrong_region";
/// Open to everyone.
pub(crate) const PUBLIC: &str = "public";
/// Depends on something that did not pass.
pub(crate) const BLOCKED: &str = "blocked";
/// No read-only call can prove it.
pub(crate) const NOT_PROVABLE: &str = "not_provable";
/// AWS does not show it to the central role, and delivery does not need it.
pub(crate) const NOT_VISIBLE: &str = "not_visible";
/// Optional, and absent.
pub(crate) const NOT_SET: &str = "not_set";
/// No response in time.
pub(crate) const TIMED_OUT: &str = "timed_out";
/// No connection.
pub(crate) const UNREACHABLE: &str = "unreachable";
/// Too many calls.
pub(crate) const THROTTLED: &str = "throttled";
/// Any other response of AWS.
pub(crate) const AWS_ERROR: &str = "aws_error";
