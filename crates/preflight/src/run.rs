//! What the checks of one configuration share: a deadline, a session name, and the way to the central role.

use std::str::FromStr;

use aws_config::SdkConfig;
use aws_sdk_sts::{
    Client,
    config::Credentials,
    operation::{assume_role::AssumeRoleOutput, get_caller_identity::GetCallerIdentityOutput},
};
use serde_json::Value;
use tenant_core::{Check, ExternalCheck, Field, Partition, Region, RoleArn, StoredConfig};
use tokio::time::Instant;

use crate::{
    access::session_name,
    call::{Failure, FailureKind, call},
    code,
    sdk::Sdk,
    settings::Settings,
    way::Blocker,
};

/// The shortest that STS gives; no check takes longer than seconds.
const SESSION_SECONDS: i32 = 900;

pub(crate) struct Run<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) deadline: Instant,
    sdk: &'a Sdk,
    session_name: String,
}

/// Who the service is, as far as AWS said so.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
}

impl<'a> Run<'a> {
    pub(crate) fn start(sdk: &'a Sdk, settings: &'a Settings, config: &StoredConfig, deadline: Instant) -> Self {
        Self {
            settings,
            deadline: deadline.min(Instant::now() + settings.deadline),
            sdk,
            session_name: session_name(config.tenant_id()),
        }
    }

    /// Assumes the central role, limited to what `policy` allows, and learns who the service is.
    pub(crate) async fn enter(&self, policy: &Value) -> (Result<SdkConfig, Failure>, Result<Caller, Failure>) {
        let config = self.sdk.config();
        tokio::join!(
            self.assume(config, &self.settings.central_role, None, policy),
            self.caller(config),
        )
    }

    /// Assumes `role` as whoever `config` is.
    pub(crate) async fn assume(
        &self,
        config: &SdkConfig,
        role: &RoleArn,
        external_id: Option<&str>,
        policy: &Value,
    ) -> Result<SdkConfig, Failure> {
        const ACTION: &str = "sts:AssumeRole";
        let request = Client::new(config)
            .assume_role()
            .role_arn(role.as_str())
            .role_session_name(&self.session_name)
            .set_external_id(external_id.map(str::to_owned))
            .policy(policy.to_string())
            .duration_seconds(SESSION_SECONDS);
        let answer = call(ACTION, self.deadline, Box::pin(request.send())).await?;
        let credentials = credentials(answer).ok_or(Failure {
            action: ACTION,
            kind: FailureKind::Other,
            code: None,
        })?;
        Ok(self.sdk.config_as(credentials))
    }

    async fn caller(&self, config: &SdkConfig) -> Result<Caller, Failure> {
        const ACTION: &str = "sts:GetCallerIdentity";
        let answer = call(ACTION, self.deadline, Client::new(config).get_caller_identity().send()).await?;
        match answer {
            GetCallerIdentityOutput {
                account: Some(account),
                arn: Some(arn),
                ..
            } => Ok(Caller { account, arn }),
            _ => Err(Failure {
                action: ACTION,
                kind: FailureKind::Other,
                code: None,
            }),
        }
    }

    /// What a customer's role is shown.
    pub(crate) fn external_id(&self, caller: Result<Caller, Failure>) -> Result<String, Failure> {
        match &self.settings.external_id {
            Some(external_id) => Ok(external_id.to_string()),
            None => caller.map(|caller| caller.account),
        }
    }

    /// Says how entering went.
    pub(crate) fn judge_central_role(
        &self,
        session: &Result<SdkConfig, Failure>,
        caller: &Result<Caller, Failure>,
    ) -> Check {
        let role = &self.settings.central_role;
        match session {
            Ok(_) => ExternalCheck::CentralRole.passed(format!("the service may assume {role}")),
            Err(failure) if failure.kind == FailureKind::Denied => {
                let principal = caller
                    .as_ref()
                    .map_or_else(|_| "the role of the service".to_owned(), Caller::principal);
                ExternalCheck::CentralRole.invalid(
                    code::ACCESS_DENIED,
                    format!(
                        "the service may not assume {role}, which is the service operator's to mend: {role} must exist, its \
                         trust policy must allow sts:AssumeRole to {principal}, and the policy of {principal} must allow \
                         sts:AssumeRole on {role}"
                    ),
                )
            }
            Err(failure) => failure.skip(ExternalCheck::CentralRole),
        }
    }

    /// Where the configuration's destination is: `target_region`, else the service's own region, which is the log
    /// processor's.
    pub(crate) fn region(&self, config: &StoredConfig) -> Result<Region, Blocker> {
        match config.get(Field::TargetRegion).filter(|value| !value.is_null()) {
            Some(_) => parse(config, Field::TargetRegion),
            None => self
                .sdk
                .config()
                .region()
                .and_then(|region| region.as_ref().parse().ok())
                .ok_or(Blocker::NoRegion),
        }
    }

    /// The only partition in which the central role means anything.
    pub(crate) fn partition(&self) -> Partition {
        self.settings.central_role.partition()
    }
}

impl Caller {
    /// As a trust policy names it: the role, not its session. IAM shows no path in a session's ARN.
    fn principal(&self) -> String {
        let parts: Vec<&str> = self.arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, "sts", _, account, resource] => match resource.split('/').collect::<Vec<_>>()[..] {
                ["assumed-role", role, _] => format!("arn:{partition}:iam::{account}:role/{role}"),
                _ => self.arn.clone(),
            },
            _ => self.arn.clone(),
        }
    }
}

/// A field that is there and well-formed.
pub(crate) fn parse<T: FromStr>(config: &StoredConfig, field: Field) -> Result<T, Blocker> {
    config
        .get(field)
        .and_then(|value| value.as_str()?.parse().ok())
        .ok_or(Blocker::Field(field))
}

fn credentials(answer: AssumeRoleOutput) -> Option<Credentials> {
    let credentials = answer.credentials?;
    Some(Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        Some(credentials.session_token),
        // It outlives the check by minutes; without an expiry the SDK does not look for another.
        None,
        "AssumeRole",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_told_by_its_role() {
        for (arn, principal) in [
            (
                "arn:aws:sts::123456789012:assumed-role/api/session",
                "arn:aws:iam::123456789012:role/api",
            ),
            (
                "arn:aws:iam::123456789012:user/ops",
                "arn:aws:iam::123456789012:user/ops",
            ),
            (
                "arn:aws:sts::123456789012:federated-user/x",
                "arn:aws:sts::123456789012:federated-user/x",
            ),
        ] {
            let caller = Caller {
                account: "123456789012".to_owned(),
                arn: arn.to_owned(),
            };
            assert_eq!(caller.principal(), principal);
        }
    }
}
