//! Why a check did not pass: words that stay the same, for programs.

/// AWS refuses.
pub(crate) const ACCESS_DENIED: &str = "access_denied";
/// There is none.
pub(crate) const NOT_FOUND: &str = "not_found";
/// Found in an account that is not the role's.
pub(crate) const OTHER_ACCOUNT: &str = "other_account";
/// Named in another partition than the central role's.
pub(crate) const OTHER_PARTITION: &str = "other_partition";
/// The customer's account does not use this region.
pub(crate) const REGION_NOT_ENABLED: &str = "region_not_enabled";
/// In another region than `target_region`.
pub(crate) const WRONG_REGION: &str = "wrong_region";
/// Open to everybody.
pub(crate) const PUBLIC: &str = "public";
/// Depends on something that did not pass.
pub(crate) const BLOCKED: &str = "blocked";
/// No call that only looks could tell.
pub(crate) const NOT_PROVABLE: &str = "not_provable";
/// AWS does not show it to the central role, and delivery does not need it.
pub(crate) const NOT_VISIBLE: &str = "not_visible";
/// Optional, and not there.
pub(crate) const NOT_SET: &str = "not_set";
/// No answer in time.
pub(crate) const TIMED_OUT: &str = "timed_out";
/// No connection.
pub(crate) const UNREACHABLE: &str = "unreachable";
/// Too many calls.
pub(crate) const THROTTLED: &str = "throttled";
/// Anything else that AWS answers.
pub(crate) const AWS_ERROR: &str = "aws_error";
