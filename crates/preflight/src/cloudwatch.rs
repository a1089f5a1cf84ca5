//! Delivery to CloudWatch Logs: the central role assumes the customer's role, which writes to the log group.

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::{
    Client,
    primitives::{DateTime, DateTimeFormat},
    types::{LogGroup, LogStream, OrderBy},
};
use tenant_core::{Check, DeliveryType, ExternalCheck, Field, LogGroupName, RoleArn, StoredConfig};

use crate::{
    call::{Failure, FailureKind, call},
    checklist::{Blocker, Checklist},
    code,
    context::{self, ProbeContext},
    sdk::in_region,
    session::{self, LogGroupArn},
};

/// Follows the steps of a delivery until one is blocked.
pub(crate) async fn check(context: &ProbeContext<'_>, config: &StoredConfig) -> Vec<Check> {
    let role: Result<RoleArn, _> = context::parse(config, Field::LogDistributionRoleArn);
    let policy = role
        .as_ref()
        .map_or_else(|_| session::deny_all_policy(), session::assume_role_policy);
    let (central, caller) = context.assume_central_role(&policy).await;

    let mut checklist = Checklist::for_type(DeliveryType::CloudWatch);
    checklist.push(context.check_central_role(&central, &caller));
    let role = match role {
        Ok(role) => role,
        Err(blocker) => return checklist.blocked_by(blocker),
    };
    if role.partition() != context.partition() {
        checklist.push(in_other_partition(context, &role));
        return checklist.blocked_by(Blocker::Check(ExternalCheck::CustomerRole));
    }
    let Ok(central) = central else {
        return checklist.blocked_by(Blocker::Check(ExternalCheck::CentralRole));
    };
    let external_id = match context.external_id(caller) {
        Ok(external_id) => external_id,
        Err(check) => {
            checklist.push(check);
            return checklist.blocked_by(Blocker::Check(ExternalCheck::CustomerRole));
        }
    };

    let group = target(context, config, &role);
    let policy = group
        .as_ref()
        .map_or_else(|_| session::deny_all_policy(), session::describe_log_group_policy);
    let customer = context.assume_role(&central, &role, Some(&external_id), &policy).await;
    checklist.push(check_customer_role(
        context,
        &role,
        &external_id,
        customer.as_ref().err(),
    ));
    let Ok(customer) = customer else {
        return checklist.blocked_by(Blocker::Check(ExternalCheck::CustomerRole));
    };
    let group = match group {
        Ok(group) => group,
        Err(blocker) => {
            checklist.push(blocker.skip(ExternalCheck::LogGroup));
            return checklist.blocked_by(match blocker {
                Blocker::UnknownRegion => Blocker::Check(ExternalCheck::LogGroup),
                blocker => blocker,
            });
        }
    };

    let observations = Observations::fetch(context, &customer, &group).await;
    let log_group = observations.check_group(&role, &group);
    let is_failure = log_group.is_failure();
    checklist.push(log_group);
    if is_failure {
        return checklist.blocked_by(Blocker::Check(ExternalCheck::LogGroup));
    }
    checklist.push(observations.check_streams(&role, &group));
    checklist.finish()
}

/// The log group that the configuration names. A region of another partition than the role's is reported with the fields.
fn target(context: &ProbeContext<'_>, config: &StoredConfig, role: &RoleArn) -> Result<LogGroupArn, Blocker> {
    let name: LogGroupName = context::parse(config, Field::LogGroupName)?;
    let region = context.region(config)?;
    if region
        .partition()
        .is_some_and(|partition| partition != role.partition())
    {
        return Err(Blocker::Field(Field::TargetRegion));
    }
    Ok(LogGroupArn::new(role, region, name))
}

fn in_other_partition(context: &ProbeContext<'_>, role: &RoleArn) -> Check {
    ExternalCheck::CustomerRole.invalid(
        code::OTHER_PARTITION,
        format!(
            "{role} is in partition {}, but {} delivers the logs and a role can be assumed only inside its own \
             partition: PATCH log_distribution_role_arn to a role in partition {}",
            role.partition().as_str(),
            context.settings.central_role,
            context.partition().as_str()
        ),
    )
}

/// STS returns the same error for a role that does not exist, a role that does not trust the caller and a wrong external
/// ID, so that callers cannot find out which roles an account has.
fn check_customer_role(
    context: &ProbeContext<'_>,
    role: &RoleArn,
    external_id: &str,
    failure: Option<&Failure>,
) -> Check {
    let central = &context.settings.central_role;
    match failure {
        None => ExternalCheck::CustomerRole.passed(format!("{central} can assume {role}")),
        Some(failure) if failure.kind == FailureKind::Denied => ExternalCheck::CustomerRole.invalid(
            code::ACCESS_DENIED,
            format!(
                "{central} is not allowed to assume {role}, and AWS does not report why: check that the role exists in \
                 account {}, that its trust policy allows sts:AssumeRole to the principal {central}, that a condition \
                 there on sts:ExternalId requires {external_id}, and, if you operate the service, that the policy of \
                 {central} allows sts:AssumeRole on the role",
                role.account()
            ),
        ),
        Some(failure) => failure.skip(ExternalCheck::CustomerRole),
    }
}

/// What the customer's role can read of the log group. Each of the two calls can be allowed without the other.
struct Observations {
    /// The group of this name, if it exists.
    group: Result<Option<LogGroup>, Failure>,
    /// Its newest stream, if it has one.
    newest_stream: Result<Option<LogStream>, Failure>,
}

impl Observations {
    async fn fetch(context: &ProbeContext<'_>, session: &SdkConfig, group: &LogGroupArn) -> Self {
        let client = Client::new(&in_region(session, group.region()));
        let name = group.name().as_str();
        // Names are sorted, so the exact name is the first that starts with the prefix.
        let groups = client.describe_log_groups().log_group_name_prefix(name);
        let streams = client
            .describe_log_streams()
            .log_group_name(name)
            .order_by(OrderBy::LastEventTime)
            .descending(true)
            .limit(1);
        let (groups, streams) = tokio::join!(
            call("logs:DescribeLogGroups", context.deadline, Box::pin(groups.send())),
            call("logs:DescribeLogStreams", context.deadline, Box::pin(streams.send())),
        );
        Self {
            group: groups.map(|page| {
                let mut groups = page.log_groups.unwrap_or_default().into_iter();
                groups.find(|group| group.log_group_name() == Some(name))
            }),
            newest_stream: streams.map(|page| page.log_streams.unwrap_or_default().into_iter().next()),
        }
    }

    fn check_group(&self, role: &RoleArn, group: &LogGroupArn) -> Check {
        let (name, region, account) = (group.name(), group.region(), group.account());
        let exists =
            || ExternalCheck::LogGroup.passed(format!("log group {name} exists in {region} of account {account}"));
        let missing = || {
            ExternalCheck::LogGroup.warning(code::NOT_FOUND, format!(
                "account {account} has no log group {name} in {region} yet: the log processor creates it, if the policy of \
                 {role} allows logs:CreateLogGroup on {group}. If it exists elsewhere, PATCH log_group_name or target_region"
            ))
        };
        match (&self.group, &self.newest_stream) {
            (Ok(Some(found)), _) => match account_of(found) {
                Some(other) if other != account => ExternalCheck::LogGroup.invalid(
                    code::OTHER_ACCOUNT,
                    format!(
                        "log group {name} is in account {other}, but {role} is in account {account}: PATCH \
                         log_distribution_role_arn to a role in account {other}"
                    ),
                ),
                _ => exists(),
            },
            // DescribeLogStreams succeeds only for a group that exists, even if it has no streams.
            (_, Ok(_)) => exists(),
            (Ok(None), _) => missing(),
            (Err(_), Err(failure)) if failure.kind == FailureKind::NotFound => missing(),
            (Err(groups), Err(streams)) => {
                // A denial is conclusive only if the other call did not fail for another reason.
                let failure = if groups.kind == FailureKind::Denied {
                    streams
                } else {
                    groups
                };
                check_hidden_group(role, group, failure)
            }
        }
    }

    /// Only creating a stream would prove it, which is a write. The message reports what exists already.
    fn check_streams(&self, role: &RoleArn, group: &LogGroupArn) -> Check {
        let name = group.name();
        let observed = match &self.newest_stream {
            Ok(None) => format!("log group {name} has no stream yet"),
            Ok(Some(stream)) => match stream.last_ingestion_time().and_then(format_time) {
                Some(time) => format!("the last write to log group {name} was at {time}"),
                None => format!("log group {name} has streams, but they are empty"),
            },
            Err(failure) if failure.kind == FailureKind::NotFound => format!("log group {name} does not exist yet"),
            Err(failure) if failure.kind == FailureKind::Denied => {
                format!("{role} is not allowed to list the streams of log group {name} (logs:DescribeLogStreams)")
            }
            Err(failure) => return failure.skip(ExternalCheck::LogStreams),
        };
        ExternalCheck::LogStreams.skipped(
            code::NOT_PROVABLE,
            format!(
                "{observed}, and only creating a stream would prove that {role} can create streams: check that its policy \
                 allows logs:CreateLogStream and logs:PutLogEvents on {}",
                group.streams()
            ),
        )
    }
}

fn check_hidden_group(role: &RoleArn, group: &LogGroupArn, failure: &Failure) -> Check {
    let (name, region, account) = (group.name(), group.region(), group.account());
    match failure.kind {
        FailureKind::Denied => ExternalCheck::LogGroup.invalid(
            code::ACCESS_DENIED,
            format!(
                "{role} is not allowed to read log group {name}: its policy must allow logs:DescribeLogGroups on {} and \
                 logs:DescribeLogStreams on {}",
                group.any_log_group(),
                group.streams()
            ),
        ),
        FailureKind::UnknownIdentity => ExternalCheck::LogGroup.invalid(
            code::REGION_NOT_ENABLED,
            format!(
                "{region} does not recognize the session of {role}, as a region that the account has not enabled does: \
                 enable {region} in account {account}, or PATCH target_region"
            ),
        ),
        _ => failure.skip(ExternalCheck::LogGroup),
    }
}

/// The account is the fifth part of the group's ARN.
fn account_of(group: &LogGroup) -> Option<&str> {
    group.arn()?.split(':').nth(4).filter(|account| !account.is_empty())
}

fn format_time(milliseconds: i64) -> Option<String> {
    DateTime::from_secs(milliseconds / 1000)
        .fmt(DateTimeFormat::DateTime)
        .ok()
}
