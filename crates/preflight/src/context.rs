//! What the checks of one configuration share: a deadline, a session name, and the session of the central role.

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
    call::{Failure, FailureKind, call},
    checklist::Blocker,
    code,
    sdk::Sdk,
    session::session_name,
    settings::Settings,
};

/// The shortest that STS offers. No check takes longer than seconds.
const SESSION_SECONDS: i32 = 900;

pub(crate) struct ProbeContext<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) deadline: Instant,
    sdk: &'a Sdk,
    tenant_id: &'a str,
    session_name: String,
}

/// The identity of the service, as STS reports it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
}

impl<'a> ProbeContext<'a> {
    pub(crate) fn new(sdk: &'a Sdk, settings: &'a Settings, config: &'a StoredConfig, deadline: Instant) -> Self {
        Self {
            settings,
            deadline: deadline.min(Instant::now() + settings.deadline),
            sdk,
            tenant_id: config.tenant_id(),
            session_name: session_name(config.tenant_id()),
        }
    }

    /// Assumes the central role, limited to what `policy` allows, and reads the identity of the service.
    pub(crate) async fn assume_central_role(
        &self,
        policy: &Value,
    ) -> (Result<SdkConfig, Failure>, Result<Caller, Failure>) {
        let config = self.sdk.config();
        tokio::join!(
            self.assume_role(config, &self.settings.central_role, None, policy),
            self.get_caller_identity(config),
        )
    }

    /// Assumes `role` with the credentials of `config`.
    pub(crate) async fn assume_role(
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
        let response = call(ACTION, self.deadline, Box::pin(request.send())).await?;
        let credentials = credentials(response).ok_or(Failure {
            action: ACTION,
            kind: FailureKind::Other,
            code: None,
        })?;
        Ok(self.sdk.config_with_credentials(credentials))
    }

    async fn get_caller_identity(&self, config: &SdkConfig) -> Result<Caller, Failure> {
        const ACTION: &str = "sts:GetCallerIdentity";
        let response = call(ACTION, self.deadline, Client::new(config).get_caller_identity().send()).await?;
        match response {
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

    /// The external ID to present to a customer's role; the result of the check of that role, if there is none.
    pub(crate) fn external_id(&self, caller: Result<Caller, Failure>) -> Result<String, Check> {
        let Some(external_id) = &self.settings.external_id else {
            let account = caller.map(|caller| caller.account);
            return account.map_err(|failure| failure.skip(ExternalCheck::CustomerRole));
        };
        external_id.for_tenant(self.tenant_id).map_err(|_| {
            ExternalCheck::CustomerRole.invalid(
                code::INVALID_EXTERNAL_ID,
                format!(
                    "the external ID {external_id} with this tenant's ID is not one that AWS STS accepts (2 to 1224 characters \
                     of A-Z a-z 0-9 _ + = , . @ : / -), so no role can be assumed for the tenant"
                ),
            )
        })
    }

    /// Reports whether the central role could be assumed.
    pub(crate) fn check_central_role(
        &self,
        session: &Result<SdkConfig, Failure>,
        caller: &Result<Caller, Failure>,
    ) -> Check {
        let role = &self.settings.central_role;
        match session {
            Ok(_) => ExternalCheck::CentralRole.passed(format!("the service can assume {role}")),
            Err(failure) if failure.kind == FailureKind::Denied => {
                let principal = caller
                    .as_ref()
                    .map_or_else(|_| "the role of the service".to_owned(), Caller::principal);
                ExternalCheck::CentralRole.invalid(
                    code::ACCESS_DENIED,
                    format!(
                        "the service is not allowed to assume {role}, which the service's operator must fix: {role} must exist, \
                         its trust policy must allow sts:AssumeRole to {principal}, and the policy of {principal} must allow \
                         sts:AssumeRole on {role}"
                    ),
                )
            }
            Err(failure) => failure.skip(ExternalCheck::CentralRole),
        }
    }

    /// The region of the configuration's destination: `target_region`, else the service's own region, which is also
    /// the log processor's.
    pub(crate) fn region(&self, config: &StoredConfig) -> Result<Region, Blocker> {
        match config.get(Field::TargetRegion) {
            Some(Value::String(region)) if Region::is_unknown(region) => Err(Blocker::UnknownRegion),
            // A log processor takes an empty region for none.
            Some(value) if !value.is_null() && value != "" => parse(config, Field::TargetRegion),
            _ => self
                .sdk
                .config()
                .region()
                .and_then(|region| region.as_ref().parse().ok())
                .ok_or(Blocker::NoRegion),
        }
    }

    /// The only partition in which the central role exists.
    pub(crate) fn partition(&self) -> Partition {
        self.settings.central_role.partition()
    }
}

impl Caller {
    /// The principal for a trust policy: the role, not its session. A session's ARN does not contain the role's path.
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

/// A field that is present and well-formed.
pub(crate) fn parse<T: FromStr>(config: &StoredConfig, field: Field) -> Result<T, Blocker> {
    config
        .get(field)
        .and_then(|value| value.as_str()?.parse().ok())
        .ok_or(Blocker::Field(field))
}

fn credentials(response: AssumeRoleOutput) -> Option<Credentials> {
    let credentials = response.credentials?;
    Some(Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        Some(credentials.session_token),
        // The session outlives the check by minutes. Without an expiry the SDK does not try to renew it.
        None,
        "AssumeRole",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_of_a_session_is_its_role() {
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
