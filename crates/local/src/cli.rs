//! The command line and the environment, read once into types. Nothing else in this crate reads either.

use std::{
    env,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use api::config::AllowedOrigins;
use authorizer::keys::ParameterName;
use clap::{
    Command, CommandFactory, FromArgMatches, Parser,
    builder::{NonEmptyStringValueParser, Resettable},
};
use lambda::logging::LogLevel;
use tenant_core::RoleArn;
use tenant_preflight::ExternalId;

use crate::{
    gateway::Stage,
    psk::{GivenKey, Origin},
};

/// Runs the tenant management API on this machine: API Gateway, the authorizer, the api function and a DynamoDB, in one
/// process.
#[derive(Debug, Parser)]
#[command(name = "local", version)]
pub struct Options {
    /// Port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 8000)]
    pub port: u16,

    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_parser = parse_host)]
    pub host: IpAddr,

    /// Stage, the first segment of paths as an execute-api host has them.
    #[arg(long, default_value = "development")]
    pub stage: Stage,

    /// Pre-shared key [env: PSK] [default: a random one, made once and kept in the data directory].
    #[arg(long, value_name = "KEY", conflicts_with = "aws")]
    psk: Option<GivenKey>,

    /// Directory for the table and the key.
    #[arg(long, value_name = "DIR", default_value = ".local-data")]
    pub data_dir: PathBuf,

    /// Keep the table in memory, and forget it at the end.
    #[arg(long)]
    pub in_memory: bool,

    /// Use the DynamoDB emulator at this URL; the table is made there if it is missing.
    #[arg(long, value_name = "URL", conflicts_with = "in_memory", value_parser = parse_endpoint)]
    pub dynamodb_endpoint: Option<String>,

    /// Use a real table (--table) and a real key (--psk-parameter), with the AWS CLI's credentials and region.
    #[arg(long, conflicts_with_all = ["in_memory", "dynamodb_endpoint"], requires_all = ["table", "psk_parameter"])]
    pub aws: bool,

    /// Name of the table [default: multi-tenant-logging-{stage}-tenant-configs].
    #[arg(long, value_name = "NAME", env = "TENANT_CONFIG_TABLE", value_parser = NonEmptyStringValueParser::new())]
    table: Option<String>,

    /// Name of the SSM parameter that holds the key, for --aws.
    #[arg(long, value_name = "NAME", env = "PSK_PARAMETER_NAME")]
    psk_parameter: Option<ParameterName>,

    /// Origins whose pages may read answers, separated by commas.
    #[arg(long, value_name = "ORIGINS", env = "ALLOWED_ORIGINS", default_value = "", value_parser = parse_origins)]
    pub allowed_origins: AllowedOrigins,

    /// Role that deliveries are validated with, with the AWS CLI's credentials; without one a validation stays here.
    #[arg(long, value_name = "ARN", env = "CENTRAL_ROLE_ARN")]
    pub central_role_arn: Option<RoleArn>,

    /// What a customer's role is shown [default: the id of the account that the credentials are of].
    #[arg(long, value_name = "ID", env = "EXTERNAL_ID")]
    pub external_id: Option<ExternalId>,

    /// Refuse POST, PUT and PATCH requests whose body is not signed.
    #[arg(long, env = "REQUIRE_BODY_SHA256")]
    pub require_body_sha256: bool,

    /// Level of the log on standard error: ERROR, WARN, INFO (each request), DEBUG or TRACE.
    #[arg(long, value_name = "LEVEL", env = "LOG_LEVEL", default_value = "WARN")]
    pub log_level: LogLevel,

    /// Region that ARNs name.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1", hide = true)]
    pub region: String,
}

/// Where the key is to come from.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// It was given.
    Given(GivenKey, Origin),
    /// The file in the data directory.
    Kept,
    /// This SSM parameter.
    Parameter(ParameterName),
}

impl Options {
    /// Reads the command line; a mistake in it, and a call for help, end the process.
    #[must_use]
    pub fn from_command_line() -> Self {
        let matches = without_empty_variables(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> String {
        let default = || format!("multi-tenant-logging-{}-tenant-configs", self.stage);
        self.table.clone().unwrap_or_else(default)
    }

    /// Where the key is to come from.
    #[must_use]
    pub fn key_choice(&self) -> KeyChoice {
        // Not clap's `env`: a `PSK` that is there for the clients must not contradict `--aws`, as the flag does.
        self.choose_key(env::var_os("PSK").map(|key| key.into_encoded_bytes().into()))
    }

    fn choose_key(&self, from_environment: Option<GivenKey>) -> KeyChoice {
        match (&self.psk_parameter, &self.psk, from_environment) {
            (Some(parameter), _, _) if self.aws => KeyChoice::Parameter(parameter.clone()),
            (_, Some(key), _) => KeyChoice::Given(key.clone(), Origin::Flag),
            (_, None, Some(key)) if !key.is_empty() => KeyChoice::Given(key, Origin::Environment),
            (_, None, _) => KeyChoice::Kept,
        }
    }
}

/// An empty variable counts as unset, as it does for the functions.
fn without_empty_variables(command: Command) -> Command {
    command.mut_args(|argument| {
        let value = argument.get_env().and_then(env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            argument.env(Resettable::Reset)
        } else {
            argument
        }
    })
}

fn parse_host(host: &str) -> Result<IpAddr, String> {
    if host == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    host.parse()
        .map_err(|_| "give an IP address of this machine, or localhost".to_owned())
}

fn parse_endpoint(url: &str) -> Result<String, String> {
    let uri: http::Uri = url.parse().map_err(|_| "this is no URL".to_owned())?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => Ok(url.to_owned()),
        _ => Err("give a URL such as http://127.0.0.1:8001".to_owned()),
    }
}

fn parse_origins(list: &str) -> Result<AllowedOrigins, String> {
    AllowedOrigins::parse(list).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from(std::iter::once(&"local").chain(arguments))
    }

    #[test]
    fn definition_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn nothing_needs_to_be_given() {
        let options = parse(&[]).unwrap();
        assert_eq!((options.port, options.host.to_string().as_str()), (8000, "127.0.0.1"));
        assert_eq!(options.stage.as_str(), "development");
        assert_eq!(options.choose_key(None), KeyChoice::Kept);
    }

    #[test]
    fn table_is_named_after_the_stage_unless_it_is_given() {
        let options = parse(&["--stage", "staging", "--table", "mine"]).unwrap();
        assert_eq!(options.table(), "mine");
    }

    fn given(key: &str) -> GivenKey {
        key.to_owned().into()
    }

    #[test]
    fn key_of_the_flag_goes_before_that_of_the_environment() {
        let options = parse(&["--psk", "flag"]).unwrap();
        assert_eq!(
            options.choose_key(Some(given("env"))),
            KeyChoice::Given(given("flag"), Origin::Flag)
        );
        let options = parse(&[]).unwrap();
        let choice = options.choose_key(Some(given("env")));
        assert_eq!(choice, KeyChoice::Given(given("env"), Origin::Environment));
    }

    #[test]
    fn debug_shows_no_key() {
        let options = parse(&["--psk", "0123456789abcdef"]).unwrap();
        for shown in [format!("{options:?}"), format!("{:?}", options.choose_key(None))] {
            assert!(shown.contains("[redacted]"), "{shown}");
            for key in ["0123456789abcdef", "48, 49, 50"] {
                assert!(!shown.contains(key), "{shown}");
            }
        }
    }

    #[test]
    fn aws_takes_its_key_from_ssm_whatever_the_environment_says() {
        let options = parse(&["--aws", "--table", "t", "--psk-parameter", "/p"]).unwrap();
        assert_eq!(
            options.choose_key(Some(given("env"))),
            KeyChoice::Parameter("/p".parse().unwrap())
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for arguments in [
            &["--aws", "--table", "t", "--psk-parameter", "p", "--in-memory"][..],
            &["--aws", "--table", "t", "--psk-parameter", "p", "--psk", "k"],
            &[
                "--aws",
                "--table",
                "t",
                "--psk-parameter",
                "p",
                "--dynamodb-endpoint",
                "http://x",
            ],
            &["--in-memory", "--dynamodb-endpoint", "http://x"],
        ] {
            assert_eq!(
                parse(arguments).unwrap_err().kind(),
                ErrorKind::ArgumentConflict,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn wrong_value_is_refused_with_what_would_be_right() {
        for (arguments, hint) in [
            (["--port", "65536"], "65535"),
            (["--host", "example.com"], "IP address"),
            (["--stage", "a/b"], "A-Z"),
            (["--dynamodb-endpoint", "127.0.0.1:1"], "http://127.0.0.1:8001"),
            (["--allowed-origins", "https://x/"], "without a path"),
            (["--log-level", "loud"], "INFO"),
            (["--central-role-arn", "Central"], "arn:aws:iam::"),
            (["--external-id", "our own"], "A-Z"),
        ] {
            let error = parse(&arguments).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{arguments:?}");
            assert!(error.to_string().contains(hint), "{error}");
        }
    }
}
