//! The command line and the environment, read once. Nothing else in this crate reads either.

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
use tenant_core::webhook::{NetworkError, Networks, Schedule, ScheduleError};

use crate::{
    aws::{CentralRole, ExternalId, UseAws},
    psk::{Origin, ProvidedKey},
    stage::Stage,
};

/// That of [`Schedule::default`]; a test compares the two.
const DEFAULT_SCHEDULE: &str = "5,300,1800,7200,18000,36000,50400,72000,86400";

/// Runs the tenant management API on this machine: API Gateway, the authorizer, the api function and a DynamoDB, in one
/// process.
#[derive(Debug, Parser)]
#[command(name = "local", version)]
pub struct Options {
    /// Port to listen on. 0 picks a free port.
    #[arg(long, default_value_t = 8000)]
    pub port: u16,

    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_parser = parse_host)]
    pub host: IpAddr,

    /// Stage, the first path segment on an execute-api host.
    #[arg(long, default_value = "development")]
    pub stage: Stage,

    /// Pre-shared key [env: PSK] [default: a random key, created once and stored in the data directory].
    #[arg(long, value_name = "KEY", conflicts_with = "aws")]
    psk: Option<ProvidedKey>,

    /// File with the pre-shared key. Unlike --psk, it is not visible in the list of processes.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["aws", "psk"])]
    psk_file: Option<PathBuf>,

    /// Directory for the table and the key.
    #[arg(long, value_name = "DIR", default_value = ".local-data")]
    pub data_dir: PathBuf,

    /// Keep no data: the table is lost when the server stops.
    #[arg(long)]
    pub in_memory: bool,

    /// Use the DynamoDB emulator at this URL, and create the table there if it is missing.
    #[arg(long, value_name = "URL", conflicts_with = "in_memory", value_parser = parse_endpoint)]
    pub dynamodb_endpoint: Option<String>,

    /// Let other programs on this machine use the embedded table, at this port of 127.0.0.1. 0 picks a free port. Any
    /// credentials are accepted, so every user of this machine can then read and write the table.
    #[arg(long, value_name = "PORT", conflicts_with_all = ["aws", "dynamodb_endpoint"])]
    pub expose_table: Option<u16>,

    /// Use a real table (--table) and a real key (--psk-parameter), with the AWS CLI's credentials and region.
    /// Needs a build with `--features aws`.
    #[arg(long, num_args = 0, default_missing_value = "", conflicts_with_all = ["in_memory", "dynamodb_endpoint"], requires_all = ["table", "psk_parameter"])]
    pub aws: Option<UseAws>,

    /// Name of the table [default: multi-tenant-logging-{stage}-tenant-configs].
    #[arg(long, value_name = "NAME", env = "TENANT_CONFIG_TABLE", value_parser = NonEmptyStringValueParser::new())]
    table: Option<String>,

    /// Name of the SSM parameter with the key, for --aws.
    #[arg(long, value_name = "NAME", env = "PSK_PARAMETER_NAME")]
    psk_parameter: Option<ParameterName>,

    /// Networks that webhooks may be in, separated by commas, such as 127.0.0.0/8: without TLS, and although they are not
    /// public. Without it, webhooks need https and a public host.
    #[arg(long, value_name = "CIDRS", default_value = "", hide_default_value = true, value_parser = parse_networks, conflicts_with_all = ["aws", "dynamodb_endpoint"])]
    pub webhook_networks: Networks,

    /// Pauses between the attempts to deliver an event, in seconds [default: ten attempts in some 75 hours].
    #[arg(long, value_name = "SECONDS", default_value = DEFAULT_SCHEDULE, hide_default_value = true, value_parser = parse_schedule, conflicts_with_all = ["aws", "dynamodb_endpoint"])]
    pub webhook_retry_schedule: Schedule,

    /// Origins whose pages may read responses, separated by commas.
    #[arg(long, value_name = "ORIGINS", env = "ALLOWED_ORIGINS", default_value = "", value_parser = parse_origins)]
    pub allowed_origins: AllowedOrigins,

    /// Central role for validations, assumed with the AWS CLI's credentials. Without it, validations call no AWS service.
    /// Needs a build with `--features aws`.
    #[arg(long, value_name = "ARN", env = "CENTRAL_ROLE_ARN")]
    pub central_role_arn: Option<CentralRole>,

    /// External ID for the customers' roles [default: the ID of the account of the credentials].
    #[arg(long, value_name = "ID", env = "EXTERNAL_ID")]
    pub external_id: Option<ExternalId>,

    /// Reject POST, PUT and PATCH requests whose body is not signed.
    #[arg(long, env = "REQUIRE_BODY_SHA256")]
    pub require_body_sha256: bool,

    /// Level of the log on standard error: ERROR, WARN, INFO (each request), DEBUG or TRACE.
    #[arg(long, value_name = "LEVEL", env = "LOG_LEVEL", default_value = "WARN")]
    pub log_level: LogLevel,

    /// Region in ARNs.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1", hide = true)]
    pub region: String,
}

/// The source of the key.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// The command line or the environment.
    Provided(ProvidedKey, Origin),
    /// This file.
    File(PathBuf),
    /// The file in the data directory, created if it is missing.
    Stored,
    /// This SSM parameter.
    Parameter(UseAws, ParameterName),
}

impl Options {
    /// Reads the command line. An error in it, and `--help`, end the process.
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

    /// The name of the table of the history: as in a deployment, or after the table's.
    #[must_use]
    pub fn history_table(&self) -> String {
        let table = self.table();
        match table.strip_suffix("-tenant-configs") {
            Some(prefix) => format!("{prefix}-config-history"),
            None => format!("{table}-history"),
        }
    }

    /// The names of the tables of webhooks and of their deliveries: as in a deployment, or after the table's.
    #[must_use]
    pub fn webhook_tables(&self) -> (String, String) {
        let table = self.table();
        let prefix = table.strip_suffix("-tenant-configs").unwrap_or(&table);
        (format!("{prefix}-webhooks"), format!("{prefix}-webhook-deliveries"))
    }

    /// The source of the key.
    #[must_use]
    pub fn key_choice(&self) -> KeyChoice {
        // Not clap's `env`: a `PSK` that is set for clients must not conflict with `--aws`, as the flag does.
        self.choose_key(env::var_os("PSK").map(|key| key.into_encoded_bytes().into()))
    }

    fn choose_key(&self, from_environment: Option<ProvidedKey>) -> KeyChoice {
        if let (Some(aws), Some(parameter)) = (self.aws, &self.psk_parameter) {
            return KeyChoice::Parameter(aws, parameter.clone());
        }
        match (&self.psk, &self.psk_file, from_environment) {
            (Some(key), ..) => KeyChoice::Provided(key.clone(), Origin::Flag),
            (None, Some(file), _) => KeyChoice::File(file.clone()),
            (None, None, Some(key)) if !key.is_empty() => KeyChoice::Provided(key, Origin::Environment),
            (None, None, _) => KeyChoice::Stored,
        }
    }
}

/// The folder for data that is not kept: `TMPDIR`, if it is set.
#[must_use]
pub fn temporary_folder() -> PathBuf {
    env::temp_dir()
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
        .map_err(|_| "must be an IP address of this machine, or localhost".to_owned())
}

fn parse_endpoint(url: &str) -> Result<String, String> {
    let uri: http::Uri = url.parse().map_err(|_| "not a valid URL".to_owned())?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(_)) => Ok(url.to_owned()),
        _ => Err("must be a URL without TLS, such as http://127.0.0.1:8001".to_owned()),
    }
}

fn parse_networks(list: &str) -> Result<Networks, String> {
    list.parse().map_err(|error: NetworkError| error.to_string())
}

fn parse_schedule(pauses: &str) -> Result<Schedule, String> {
    pauses.parse().map_err(|error: ScheduleError| error.to_string())
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
    fn definition_is_valid() {
        Options::command().debug_assert();
    }

    #[test]
    fn all_arguments_are_optional() {
        let options = parse(&[]).unwrap();
        assert_eq!((options.port, options.host.to_string().as_str()), (8000, "127.0.0.1"));
        assert_eq!(options.stage.as_str(), "development");
        assert_eq!(options.choose_key(None), KeyChoice::Stored);
        assert_eq!(options.webhook_retry_schedule, Schedule::default());
        assert!(options.webhook_networks.is_empty());
    }

    #[test]
    fn table_name_on_the_command_line_overrides_the_default() {
        let options = parse(&["--stage", "staging", "--table", "mine"]).unwrap();
        assert_eq!(options.table(), "mine");
        assert_eq!(options.history_table(), "mine-history");
        let options = parse(&["--stage", "staging"]).unwrap();
        assert_eq!(options.history_table(), "multi-tenant-logging-staging-config-history");
    }

    fn provided(key: &str) -> ProvidedKey {
        key.to_owned().into()
    }

    #[test]
    fn key_flag_overrides_the_environment() {
        let options = parse(&["--psk", "flag"]).unwrap();
        assert_eq!(
            options.choose_key(Some(provided("env"))),
            KeyChoice::Provided(provided("flag"), Origin::Flag)
        );
        let options = parse(&[]).unwrap();
        let choice = options.choose_key(Some(provided("env")));
        assert_eq!(choice, KeyChoice::Provided(provided("env"), Origin::Environment));
    }

    #[test]
    fn key_file_overrides_the_environment() {
        let options = parse(&["--psk-file", "key"]).unwrap();
        assert_eq!(options.choose_key(Some(provided("env"))), KeyChoice::File("key".into()));
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

    #[cfg(feature = "aws")]
    #[test]
    fn aws_key_comes_from_ssm_despite_the_environment() {
        let options = parse(&["--aws", "--table", "t", "--psk-parameter", "/p"]).unwrap();
        assert_eq!(
            options.choose_key(Some(provided("env"))),
            KeyChoice::Parameter(UseAws, "/p".parse().unwrap())
        );
    }

    fn assert_conflict(arguments: &[&str]) {
        let kind = parse(arguments).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::ArgumentConflict, "{arguments:?}");
    }

    #[test]
    fn conflicting_arguments_are_rejected() {
        for arguments in [
            &["--in-memory", "--dynamodb-endpoint", "http://x"][..],
            &["--psk", "k", "--psk-file", "f"],
            &["--expose-table", "0", "--dynamodb-endpoint", "http://x"],
            &["--webhook-networks", "127.0.0.0/8", "--dynamodb-endpoint", "http://x"],
            &["--webhook-retry-schedule", "1", "--dynamodb-endpoint", "http://x"],
        ] {
            assert_conflict(arguments);
        }
    }

    #[cfg(feature = "aws")]
    #[test]
    fn arguments_that_conflict_with_aws_are_rejected() {
        for arguments in [
            &["--in-memory"][..],
            &["--psk", "k"],
            &["--psk-file", "f"],
            &["--dynamodb-endpoint", "http://x"],
            &["--expose-table", "0"],
        ] {
            assert_conflict(&[&["--aws", "--table", "t", "--psk-parameter", "p"], arguments].concat());
        }
    }

    #[test]
    fn invalid_value_is_rejected_with_a_hint() {
        for (arguments, hint) in [
            (["--port", "65536"], "65535"),
            (["--host", "example.com"], "IP address"),
            (["--stage", "a/b"], "A-Z"),
            (["--dynamodb-endpoint", "127.0.0.1:1"], "http://127.0.0.1:8001"),
            (["--allowed-origins", "https://x/"], "without a path"),
            (["--log-level", "loud"], "INFO"),
            (["--webhook-networks", "localhost"], "127.0.0.0/8"),
            (["--webhook-retry-schedule", "5m"], "whole numbers of seconds"),
        ] {
            assert_invalid(arguments, hint);
        }
    }

    fn assert_invalid(arguments: [&str; 2], hint: &str) {
        let error = parse(&arguments).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ValueValidation, "{arguments:?}");
        assert!(error.to_string().contains(hint), "{error}");
    }

    #[cfg(feature = "aws")]
    #[test]
    fn invalid_setting_of_the_external_checks_is_rejected_with_a_hint() {
        assert_invalid(["--central-role-arn", "Central"], "arn:aws:iam::");
        assert_invalid(["--external-id", "our own"], "A-Z");
    }

    #[cfg(not(feature = "aws"))]
    #[test]
    fn aws_is_rejected_with_how_to_build_it() {
        let role = "arn:aws:iam::111122223333:role/CentralLogDistribution";
        assert_invalid(["--central-role-arn", role], "--features aws");
        let error = parse(&["--aws", "--table", "t", "--psk-parameter", "/p"]).unwrap_err();
        assert!(error.to_string().contains("--features aws"), "{error}");
    }
}
