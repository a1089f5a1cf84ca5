//! The configuration, read from the environment once. Nothing else in this crate reads the environment.

use std::env;

use tenant_core::Violation;
use tenant_preflight::{InvalidExternalId, Settings};

const CENTRAL_ROLE: &str = "CENTRAL_ROLE_ARN";
const EXTERNAL_ID: &str = "EXTERNAL_ID";

/// The configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The settings that the api function has, too.
    pub api: api::config::Config,
    /// The settings of the external checks, from `CENTRAL_ROLE_ARN` and `EXTERNAL_ID`. `None` without a role.
    pub preflight: Option<Settings>,
}

/// Why the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable that the api function has, too.
    #[error(transparent)]
    Api(#[from] api::config::ConfigError),
    /// The value is not a role's ARN.
    #[error("{CENTRAL_ROLE} {0}")]
    CentralRole(Violation),
    /// The value is not a valid external ID.
    #[error("{EXTERNAL_ID} is invalid: {0}")]
    ExternalId(#[from] InvalidExternalId),
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// Reads variables through `lookup`. An empty variable counts as unset.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            api: api::config::Config::from_variables("validator", &lookup)?,
            preflight: preflight(lookup)?,
        })
    }
}

fn preflight(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Settings>, ConfigError> {
    let lookup = |name| lookup(name).filter(|value| !value.is_empty());
    let external_id = lookup(EXTERNAL_ID).map(|id| id.parse()).transpose()?;
    let Some(central_role) = lookup(CENTRAL_ROLE) else {
        return Ok(None);
    };
    let central_role = central_role.parse().map_err(ConfigError::CentralRole)?;
    Ok(Some(Settings {
        external_id,
        ..Settings::new(central_role)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/CentralLogDistribution";

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(|name| {
            let mut variables = variables.iter().chain(&[("TENANT_CONFIG_TABLE", "configs")]);
            let found = variables.find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn external_checks_need_a_central_role() {
        for variables in [
            &[][..],
            &[(CENTRAL_ROLE, ""), (EXTERNAL_ID, "")],
            &[(EXTERNAL_ID, "ours")],
        ] {
            assert!(config(variables).unwrap().preflight.is_none());
        }
        let preflight = config(&[(CENTRAL_ROLE, ROLE)]).unwrap().preflight.unwrap();
        assert_eq!(preflight.central_role.as_str(), ROLE);
        assert_eq!(preflight.external_id, None);
        assert_eq!(preflight.deadline, tenant_preflight::DEADLINE);
        let preflight = config(&[(CENTRAL_ROLE, ROLE), (EXTERNAL_ID, "ours")])
            .unwrap()
            .preflight;
        assert_eq!(preflight.unwrap().external_id.unwrap().as_str(), "ours");
    }

    #[test]
    fn invalid_variable_is_reported_by_name() {
        for (name, value) in [(CENTRAL_ROLE, "CentralLogDistribution"), (EXTERNAL_ID, "our own")] {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
        let error = config(&[("TENANT_CONFIG_TABLE", "")]).unwrap_err();
        assert_eq!(error, ConfigError::Api(api::config::ConfigError::NoTable));
    }
}
