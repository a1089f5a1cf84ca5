//! The AWS SDK's configuration of a process in Lambda: all of it is in the environment.
//!
//! The SDK's own loader (`aws-config`) also looks for profiles, web identities, containers and instances, which a
//! function does not have, and links a client of STS for it. `docs/decisions/0105-configuration-of-the-sdk.md` has the
//! cost.

use std::env;

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::{SdkConfig, region::Region};

/// Source of the variables: the AWS SDKs and Tools Reference Guide. The region of a function is in the first.
const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
const IGNORE_ENDPOINT_URLS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
const USE_FIPS_ENDPOINT: &str = "AWS_USE_FIPS_ENDPOINT";
const USE_DUALSTACK_ENDPOINT: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// The configuration for the client of one service, whose name is as in `AWS_ENDPOINT_URL_<SERVICE>`: `DYNAMODB`, `SSM`.
///
/// Never fails: the first call that needs a missing variable reports it.
#[must_use]
pub fn sdk_config(service: &str) -> SdkConfig {
    from_variables(service, |name| env::var(name).ok())
}

fn from_variables(service: &str, lookup: impl Fn(&str) -> Option<String>) -> SdkConfig {
    let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let is_set = |name| lookup(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let endpoint_url = if is_set(IGNORE_ENDPOINT_URLS) {
        None
    } else {
        lookup(&format!("{ENDPOINT_URL}_{service}")).or_else(|| lookup(ENDPOINT_URL))
    };
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(REGION.into_iter().find_map(lookup).map(Region::new))
        .credentials_provider(credentials(lookup));
    config.set_endpoint_url(endpoint_url);
    config.set_use_fips(Some(is_set(USE_FIPS_ENDPOINT)));
    config.set_use_dual_stack(Some(is_set(USE_DUALSTACK_ENDPOINT)));
    config.build()
}

/// Lambda sets a function's credentials once for each execution environment, and ends it before they expire.
fn credentials(lookup: impl Fn(&str) -> Option<String>) -> SharedCredentialsProvider {
    match (lookup(ACCESS_KEY_ID), lookup(SECRET_ACCESS_KEY)) {
        (Some(id), Some(secret)) => {
            let token = lookup(SESSION_TOKEN);
            SharedCredentialsProvider::new(Credentials::new(id, secret, token, None, "environment"))
        }
        _ => SharedCredentialsProvider::new(NoCredentials),
    }
}

/// Reports what is missing when credentials are needed.
#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded(format!(
            "{ACCESS_KEY_ID} and {SECRET_ACCESS_KEY} are not set; Lambda sets them, and elsewhere they must be set, \
             with {SESSION_TOKEN} for temporary ones"
        ))))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn config(variables: &[(&str, &str)]) -> SdkConfig {
        from_variables("SSM", |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    async fn credentials_of(config: &SdkConfig) -> Result<Credentials, CredentialsError> {
        config.credentials_provider().unwrap().provide_credentials().await
    }

    #[tokio::test]
    async fn environment_of_a_function_is_enough() {
        let config = config(&[
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            (ACCESS_KEY_ID, "ASIA1"),
            (SECRET_ACCESS_KEY, "secret"),
            (SESSION_TOKEN, "token"),
        ]);
        assert_eq!(config.region(), Some(&Region::new("eu-central-1")));
        assert_eq!(config.endpoint_url(), None);
        assert_eq!(config.use_fips(), Some(false));
        let credentials = credentials_of(&config).await.unwrap();
        assert_eq!(credentials.access_key_id(), "ASIA1");
        assert_eq!(credentials.secret_access_key(), "secret");
        assert_eq!(credentials.session_token(), Some("token"));
    }

    #[tokio::test]
    async fn missing_credentials_are_named() {
        for variables in [
            &[][..],
            &[(ACCESS_KEY_ID, "ASIA1")],
            &[(ACCESS_KEY_ID, "ASIA1"), (SECRET_ACCESS_KEY, "")],
        ] {
            let error = credentials_of(&config(variables)).await.unwrap_err();
            let causes = error.source().map(ToString::to_string).unwrap_or_default();
            assert!(causes.contains(SECRET_ACCESS_KEY), "{causes}");
            assert!(!causes.contains("ASIA1"), "{causes}");
        }
    }

    #[test]
    fn endpoint_of_the_service_overrides_the_common_one() {
        let all = ("AWS_ENDPOINT_URL", "http://all");
        let ours = ("AWS_ENDPOINT_URL_SSM", "http://ssm");
        let others = ("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb");
        let ignored = (IGNORE_ENDPOINT_URLS, "true");
        for (variables, expected) in [
            (&[all, others][..], Some("http://all")),
            (&[all, ours], Some("http://ssm")),
            (&[others], None),
            (&[all, ours, ignored], None),
        ] {
            assert_eq!(config(variables).endpoint_url(), expected);
        }
    }

    #[test]
    fn endpoint_variants_are_enabled_by_the_word_true() {
        let config = config(&[(USE_FIPS_ENDPOINT, "True"), (USE_DUALSTACK_ENDPOINT, "yes")]);
        assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(true), Some(false)));
    }
}
