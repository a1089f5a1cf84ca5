//! Delivery into CloudWatch Logs: the central role assumes the customer's, which writes to the log group.

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::{
    Client,
    primitives::{DateTime, DateTimeFormat},
    types::{LogGroup, LogStream, OrderBy},
};
use tenant_core::{Check, DeliveryType, ExternalCheck, Field, LogGroupName, RoleArn, StoredConfig};

use crate::{
    access::{self, LogGroupArn},
    call::{Failure, FailureKind, call},
    code,
    run::{self, Run},
    sdk::in_region,
    way::{Blocker, Way},
};

/// Goes the way of a delivery as far as it is open.
pub(crate) async fn check(run: &Run<'_>, config: &StoredConfig) -> Vec<Check> {
    let role: Result<RoleArn, _> = run::parse(config, Field::LogDistributionRoleArn);
    let policy = role
        .as_ref()
        .map_or_else(|_| access::to_do_nothing(), access::to_assume);
    let (central, caller) = run.enter(&policy).await;

    let mut way = Way::of(DeliveryType::CloudWatch);
    way.add(run.judge_central_role(&central, &caller));
    let role = match role {
        Ok(role) => role,
        Err(blocker) => return way.blocked_by(blocker),
    };
    if role.partition() != run.partition() {
        way.add(in_other_partition(run, &role));
        return way.blocked_by(Blocker::Subject(ExternalCheck::CustomerRole));
    }
    let Ok(central) = central else {
        return way.blocked_by(Blocker::Subject(ExternalCheck::CentralRole));
    };
    let external_id = match run.external_id(caller) {
        Ok(external_id) => external_id,
        Err(failure) => {
            way.add(failure.skip(ExternalCheck::CustomerRole));
            return way.blocked_by(Blocker::Subject(ExternalCheck::CustomerRole));
        }
    };

    let group = target(run, config, &role);
    let policy = group
        .as_ref()
        .map_or_else(|_| access::to_do_nothing(), access::to_look_at_log_group);
    let session = run.assume(&central, &role, Some(&external_id), &policy).await;
    way.add(judge_customer_role(run, &role, &external_id, session.as_ref().err()));
    let Ok(session) = session else {
        return way.blocked_by(Blocker::Subject(ExternalCheck::CustomerRole));
    };
    let group = match group {
        Ok(group) => group,
        Err(blocker) => return way.blocked_by(blocker),
    };

    let sight = Sight::look(run, &session, &group).await;
    let log_group = sight.judge_group(&role, &group);
    let is_failure = log_group.is_failure();
    way.add(log_group);
    if is_failure {
        return way.blocked_by(Blocker::Subject(ExternalCheck::LogGroup));
    }
    way.add(sight.judge_streams(&role, &group));
    way.end()
}

/// The log group that the configuration names. A region in which the role means nothing is told with the fields.
fn target(run: &Run<'_>, config: &StoredConfig, role: &RoleArn) -> Result<LogGroupArn, Blocker> {
    let name: LogGroupName = run::parse(config, Field::LogGroupName)?;
    let region = run.region(config)?;
    if region.partition() != role.partition() {
        return Err(Blocker::Field(Field::TargetRegion));
    }
    Ok(LogGroupArn::new(role, region, name))
}

fn in_other_partition(run: &Run<'_>, role: &RoleArn) -> Check {
    ExternalCheck::CustomerRole.invalid(
        code::OTHER_PARTITION,
        format!(
            "{role} is of partition {}, but the logs are delivered by {}; a role can be assumed only inside its own \
             partition, so PATCH log_distribution_role_arn to a role of partition {}",
            role.partition().as_str(),
            run.settings.central_role,
            run.partition().as_str()
        ),
    )
}

/// STS refuses a role that does not exist, one that does not trust the caller and a wrong external id in the same words, so
/// that nobody can find out which roles an account has.
fn judge_customer_role(run: &Run<'_>, role: &RoleArn, external_id: &str, failure: Option<&Failure>) -> Check {
    let central = &run.settings.central_role;
    match failure {
        None => ExternalCheck::CustomerRole.passed(format!("{central} may assume {role}")),
        Some(failure) if failure.kind == FailureKind::Denied => ExternalCheck::CustomerRole.invalid(
            code::ACCESS_DENIED,
            format!(
                "{central} may not assume {role}; AWS does not say why, so see that the role exists in account {}, that its \
                 trust policy allows sts:AssumeRole to the principal {central}, that a condition there on sts:ExternalId \
                 asks for {external_id}, and, if you operate the service, that the policy of {central} allows \
                 sts:AssumeRole on the role",
                role.account()
            ),
        ),
        Some(failure) => failure.skip(ExternalCheck::CustomerRole),
    }
}

/// What the customer's role lets us see of the log group. Each of the two calls can be allowed without the other.
struct Sight {
    /// The group of this name, if there is one.
    group: Result<Option<LogGroup>, Failure>,
    /// Its newest stream, if it has one.
    newest_stream: Result<Option<LogStream>, Failure>,
}

impl Sight {
    async fn look(run: &Run<'_>, session: &SdkConfig, group: &LogGroupArn) -> Self {
        let client = Client::new(&in_region(session, group.region()));
        let name = group.name().as_str();
        // Names come sorted, and the prefix itself is the first of those that begin with it.
        let groups = client.describe_log_groups().log_group_name_prefix(name);
        let streams = client
            .describe_log_streams()
            .log_group_name(name)
            .order_by(OrderBy::LastEventTime)
            .descending(true)
            .limit(1);
        let (groups, streams) = tokio::join!(
            call("logs:DescribeLogGroups", run.deadline, Box::pin(groups.send())),
            call("logs:DescribeLogStreams", run.deadline, Box::pin(streams.send())),
        );
        Self {
            group: groups.map(|page| {
                let mut groups = page.log_groups.unwrap_or_default().into_iter();
                groups.find(|group| group.log_group_name() == Some(name))
            }),
            newest_stream: streams.map(|page| page.log_streams.unwrap_or_default().into_iter().next()),
        }
    }

    fn judge_group(&self, role: &RoleArn, group: &LogGroupArn) -> Check {
        let (name, region, account) = (group.name(), group.region(), group.account());
        let found = || ExternalCheck::LogGroup.passed(format!("log group {name} is in {region} of account {account}"));
        let missing = || {
            ExternalCheck::LogGroup.missing(code::NOT_FOUND, format!(
                "account {account} has no log group {name} in {region}; create it there, or PATCH log_group_name or \
                 target_region"
            ))
        };
        match (&self.group, &self.newest_stream) {
            (Ok(Some(seen)), _) => match account_of(seen) {
                Some(other) if other != account => ExternalCheck::LogGroup.invalid(
                    code::OTHER_ACCOUNT,
                    format!(
                        "log group {name} is in account {other}, but {role} is of account {account}; PATCH \
                         log_distribution_role_arn to a role of account {other}"
                    ),
                ),
                _ => found(),
            },
            // Only a group that is there has streams, or none.
            (_, Ok(_)) => found(),
            (Ok(None), _) => missing(),
            (Err(_), Err(failure)) if failure.kind == FailureKind::NotFound => missing(),
            (Err(of_groups), Err(of_streams)) => {
                // A refusal says something only where the other call did not fail for another reason.
                let failure = if of_groups.kind == FailureKind::Denied {
                    of_streams
                } else {
                    of_groups
                };
                judge_hidden_group(role, group, failure)
            }
        }
    }

    /// Only making a stream would prove it, and that writes. What can be told is what is there already.
    fn judge_streams(&self, role: &RoleArn, group: &LogGroupArn) -> Check {
        let name = group.name();
        let seen = match &self.newest_stream {
            Ok(None) => format!("log group {name} has no stream yet"),
            Ok(Some(stream)) => match stream.last_ingestion_time().and_then(written) {
                Some(time) => format!("somebody last wrote to log group {name} at {time}"),
                None => format!("log group {name} has streams, but nothing in them"),
            },
            Err(failure) if failure.kind == FailureKind::Denied => {
                format!("{role} may not see the streams of log group {name} (logs:DescribeLogStreams)")
            }
            Err(failure) => return failure.skip(ExternalCheck::LogStreams),
        };
        ExternalCheck::LogStreams.skipped(
            code::NOT_PROVABLE,
            format!(
                "{seen}; whether {role} may create streams cannot be known without creating one, so see that its policy \
                 allows logs:CreateLogStream and logs:PutLogEvents on {}",
                group.with_streams()
            ),
        )
    }
}

fn judge_hidden_group(role: &RoleArn, group: &LogGroupArn, failure: &Failure) -> Check {
    let (name, region, account) = (group.name(), group.region(), group.account());
    match failure.kind {
        FailureKind::Denied => ExternalCheck::LogGroup.invalid(
            code::ACCESS_DENIED,
            format!(
                "{role} may not look at log group {name}; its policy must allow logs:DescribeLogGroups on {} and \
                 logs:DescribeLogStreams on {}",
                group.of_any_name(),
                group.with_streams()
            ),
        ),
        FailureKind::UnknownIdentity => ExternalCheck::LogGroup.invalid(
            code::REGION_NOT_ENABLED,
            format!(
                "{region} does not know the session of {role}, as a region does that the account has not enabled; enable \
                 {region} in account {account}, or PATCH target_region"
            ),
        ),
        _ => failure.skip(ExternalCheck::LogGroup),
    }
}

/// The fifth part of the group's ARN.
fn account_of(group: &LogGroup) -> Option<&str> {
    group.arn()?.split(':').nth(4).filter(|account| !account.is_empty())
}

fn written(milliseconds: i64) -> Option<String> {
    DateTime::from_secs(milliseconds / 1000)
        .fmt(DateTimeFormat::DateTime)
        .ok()
}
