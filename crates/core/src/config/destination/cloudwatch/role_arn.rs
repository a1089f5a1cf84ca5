//! The customer's IAM role that delivers into CloudWatch Logs.

use std::str::FromStr;

use crate::{
    config::values::{Partition, text::text_value},
    violation::{ErrorCode, Violation},
};

/// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`.
///
/// Source: "IAM identifiers" and "IAM and AWS STS quotas" in the IAM User Guide: 12-digit account, path of up to 512
/// printable ASCII characters with a slash at both ends, role name of 1 to 64 of `A-Za-z0-9+=,.@_-`.
///
/// A path has none of `* ? $ { } " \` and no `.` or `..` segment: in the session policies that contain this ARN they would
/// be patterns or variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn(String);

text_value!(RoleArn);

const MAX_NAME: usize = 64;
const MAX_PATH: usize = 512;
const EXAMPLE: &str = "arn:aws:iam::123456789012:role/LogDistributionRole";

impl RoleArn {
    /// The rules as an ECMAScript pattern. The path counts 512 characters with a slash at both ends.
    pub const PATTERN: &str = concat!(
        "^arn:(?:aws|aws-cn|aws-us-gov|aws-eusc|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f):iam::[0-9]{12}:role/",
        r"(?:(?=[!-~]{1,510}/[^/]+$)(?:(?!\.{1,2}/)[!#%-)+-.0->@-\[\]-z|~]+/)+)?[A-Za-z0-9+=,.@_-]{1,64}$",
    );

    /// The partition of the role.
    #[must_use]
    pub fn partition(&self) -> Partition {
        // The constructor accepts only ARNs with a known partition.
        self.0
            .split(':')
            .nth(1)
            .and_then(Partition::from_name)
            .unwrap_or(Partition::Aws)
    }

    /// The 12-digit account that owns the role.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

impl FromStr for RoleArn {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let meant = || meant(text).filter(|meant| Self::check(meant).is_ok());
        Self::check(text).map_err(|violation| match meant() {
            Some(meant) => violation.suggesting(meant),
            None => with_example(violation),
        })
    }
}

impl RoleArn {
    fn check(text: &str) -> Result<Self, Violation> {
        let invalid = |why: &str| Violation::new(ErrorCode::InvalidFormat, why);
        // A path may contain a colon, so the sixth part is the whole rest.
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts[..] else {
            return Err(invalid("must be the ARN of an IAM role"));
        };
        if Partition::from_name(partition).is_none() {
            return Err(invalid(
                "must contain a known AWS partition (aws, aws-us-gov, aws-cn, aws-iso...)",
            ));
        }
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("must contain a 12-digit account ID"));
        }
        let Some(path_and_name) = resource.strip_prefix("role/") else {
            return Err(invalid("must be the ARN of a role, not of another IAM resource"));
        };
        let (path, name) = match path_and_name.rsplit_once('/') {
            Some((path, name)) => (Some(path), name),
            None => (None, path_and_name),
        };
        if path.is_some_and(|path| !path.split('/').all(is_path_segment)) {
            return Err(invalid(
                "must contain a role path of printable ASCII characters other than * ? $ { } \" \\, without empty, . or .. segments",
            ));
        }
        // The quota counts the slashes at both ends.
        if path.is_some_and(|path| path.len() + 2 > MAX_PATH) {
            return Err(Violation::new(
                ErrorCode::TooLong,
                "must contain a role path of at most 512 characters",
            ));
        }
        if name.len() > MAX_NAME {
            return Err(Violation::new(
                ErrorCode::TooLong,
                "must contain a role name of at most 64 characters",
            ));
        }
        if name.is_empty() || !name.bytes().all(is_role_name_byte) {
            return Err(invalid("must end with a role name of letters, digits and +=,.@_-"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The ARN without what surrounds it, or the role in the ARN of a session of it. That ARN has no role path, so a role with a
/// path is found only by a person.
fn meant(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches(":*").trim_end_matches('/');
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", partition, "sts", "", account, session] = parts[..] {
        let (name, _) = session.strip_prefix("assumed-role/")?.split_once('/')?;
        return Some(format!("arn:{partition}:iam::{account}:role/{name}"));
    }
    Some(text.to_owned())
}

/// A form error becomes clearer by a valid value.
fn with_example(mut violation: Violation) -> Violation {
    if violation.code == ErrorCode::InvalidFormat {
        violation.message = format!("{}, for example {EXAMPLE}", violation.message);
    }
    violation
}

fn is_path_segment(segment: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'?' | b'$' | b'{' | b'}' | b'"' | b'\\');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(is_allowed)
}

const fn is_role_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'=' | b',' | b'.' | b'@' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_every_partition_are_accepted() {
        let longest = format!("arn:aws:iam::123456789012:role/{}", "r".repeat(64));
        for (text, partition) in [
            ("arn:aws:iam::123456789012:role/LogDistributionRole", Partition::Aws),
            ("arn:aws-us-gov:iam::123456789012:role/a", Partition::AwsUsGov),
            ("arn:aws-cn:iam::123456789012:role/a", Partition::AwsCn),
            ("arn:aws-iso:iam::123456789012:role/a", Partition::AwsIso),
            ("arn:aws-iso-b:iam::123456789012:role/a", Partition::AwsIsoB),
            ("arn:aws:iam::000000000000:role/team/logs/Role+=,.@_-9", Partition::Aws),
            ("arn:aws:iam::123456789012:role/odd:path/Role", Partition::Aws),
            (
                "arn:aws:iam::123456789012:role/!#%&'()+,-.0:;<=>@[]^_`a|~/...a/Role",
                Partition::Aws,
            ),
            (longest.as_str(), Partition::Aws),
        ] {
            let role: RoleArn = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(role.as_str(), text);
            assert_eq!(role.partition(), partition);
            assert_eq!(role.account().len(), 12);
        }
    }

    #[test]
    fn value_other_than_a_role_arn_is_rejected() {
        let long_name = format!("arn:aws:iam::123456789012:role/{}", "r".repeat(65));
        let long_path = format!("arn:aws:iam::123456789012:role/{}/r", "p".repeat(511));
        for text in [
            "",
            "LogDistributionRole",
            "arn:aws:iam::123456789012:user/Someone",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role",
            "arn:aws:iam::123456789012:role//a",
            "arn:aws:iam::123456789012:role/a/",
            "arn:aws:iam::12345678901:role/a",
            "arn:aws:iam::1234567890123:role/a",
            "arn:aws:iam::12345678901a:role/a",
            "arn:aws:iam:us-east-1:123456789012:role/a",
            "arn:azure:iam::123456789012:role/a",
            "arn:aws-isolated:iam::123456789012:role/a",
            "arn:aws:sts::123456789012:assumed-role/a/b",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam::123456789012:role/a\n",
            " arn:aws:iam::123456789012:role/a",
            "arn:aws:iam::123456789012:role/pfad\u{e4}/a",
            "arn:aws:iam::123456789012:role/team*/a",
            "arn:aws:iam::123456789012:role/team?/a",
            "arn:aws:iam::123456789012:role/${aws:username}/a",
            "arn:aws:iam::123456789012:role/$/a",
            "arn:aws:iam::123456789012:role/{/a",
            "arn:aws:iam::123456789012:role/}/a",
            "arn:aws:iam::123456789012:role/te\"am/a",
            "arn:aws:iam::123456789012:role/te\\am/a",
            "arn:aws:iam::123456789012:role/./a",
            "arn:aws:iam::123456789012:role/team/../a",
            &long_name,
            &long_path,
        ] {
            assert!(text.parse::<RoleArn>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn likely_mistakes_are_shown_with_the_corrected_value() {
        const MEANT: &str = "arn:aws:iam::123456789012:role/Delivery";
        for text in [
            " arn:aws:iam::123456789012:role/Delivery",
            "arn:aws:iam::123456789012:role/Delivery\n",
            "arn:aws:iam::123456789012:role/Delivery:*",
            "arn:aws:iam::123456789012:role/Delivery/",
            "arn:aws:sts::123456789012:assumed-role/Delivery/session-1",
        ] {
            let message = text.parse::<RoleArn>().unwrap_err().message;
            assert!(
                message.ends_with(&format!("(did you mean {MEANT}?)")),
                "{text}: {message}"
            );
        }
        for text in ["Delivery", "arn:aws:iam::123456789012:instance-profile/Delivery", ""] {
            let message = text.parse::<RoleArn>().unwrap_err().message;
            assert!(
                message.ends_with(&format!("for example {EXAMPLE}")),
                "{text}: {message}"
            );
        }
    }
}
