//! The text that the server prints when it has started. Programs read it, too: each base URL is alone on its line.

use std::{fmt, net::SocketAddr, path::PathBuf};

use authorizer::keys::ParameterName;

use crate::{psk::Origin, stage::Stage};

/// The content of the text.
#[derive(Debug)]
pub struct Banner<'a> {
    /// The gateway's address.
    pub address: SocketAddr,
    /// The stage.
    pub stage: &'a Stage,
    /// The table's name.
    pub table: &'a str,
    /// The table's location.
    pub location: Location,
    /// Where other programs can use the table, if it is exposed.
    pub table_endpoint: Option<SocketAddr>,
    /// The key's location.
    pub key: KeyLocation,
}

/// The location of a table.
#[derive(Debug, Clone)]
pub enum Location {
    /// Nowhere after the end of this process.
    Memory,
    /// In this file.
    File(PathBuf),
    /// In the DynamoDB at this URL.
    Endpoint(String),
    /// In AWS.
    Aws,
}

/// The location of a key.
#[derive(Debug)]
pub enum KeyLocation {
    /// On this machine.
    Local(Origin),
    /// In this SSM parameter.
    Parameter(ParameterName),
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => formatter.write_str("in memory, lost when this server stops"),
            Self::File(path) => write!(formatter, "in {}", path.display()),
            Self::Endpoint(url) => write!(formatter, "in the DynamoDB at {url}"),
            Self::Aws => formatter.write_str("in AWS"),
        }
    }
}

impl fmt::Display for KeyLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(Origin::Flag) => formatter.write_str("from --psk"),
            Self::Local(Origin::Environment) => formatter.write_str("from the environment variable PSK"),
            Self::Local(Origin::ProvidedFile(path)) => write!(formatter, "in {}", path.display()),
            Self::Local(Origin::File(path)) => write!(formatter, "created at the first start, in {}", path.display()),
            Self::Parameter(name) => write!(formatter, "in the SSM parameter {}", name.as_str()),
        }
    }
}

impl KeyLocation {
    /// The first line of a shell script, which reads the key into `PSK`. The key itself is never printed.
    fn shell(&self) -> String {
        match self {
            Self::Local(Origin::Flag | Origin::Environment) => r#": "${PSK:?set PSK to the key first}""#.to_owned(),
            Self::Local(Origin::ProvidedFile(path) | Origin::File(path)) => {
                format!("PSK=$(cat {})", quote(&path.to_string_lossy()))
            }
            Self::Parameter(name) => format!(
                "PSK=$(aws ssm get-parameter --with-decryption --name {} --query Parameter.Value --output text)",
                quote(name.as_str())
            ),
        }
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stage,
            table,
            location,
            key,
            ..
        } = self;
        let endpoint = self.table_endpoint;
        let endpoint = endpoint.map_or_else(String::new, |address| format!("table endpoint http://{address}\n"));
        let origin = self.origin();
        let read_key = key.shell();
        write!(
            formatter,
            r#"The tenant management API, version {version}

table  {table}, {location}
{endpoint}key    {key}

A signed request, to paste into a shell:

  {read_key}
  uri=/api/v1/delivery-configs
  timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  signature=$(printf %s "GET$uri$timestamp" | openssl dgst -sha256 -hmac "$PSK" | sed 's/.* //')
  curl -sS {origin}"$uri" -H "Authorization: HMAC-SHA256 $signature" -H "X-API-Timestamp: $timestamp"

Ready, as a custom domain and as an execute-api host:

{origin}
{origin}/{stage}

The documentation is at {origin}/api/v1/docs, with a form for each request.

Press Ctrl-C to stop. LOG_LEVEL=INFO logs each request.
"#,
            version = env!("CARGO_PKG_VERSION"),
        )
    }
}

impl Banner<'_> {
    /// The URL for clients on this machine: the loopback address if the server listens on all addresses.
    fn origin(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }
}

/// Quotes a word for a shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(address: &str, key: KeyLocation) -> String {
        let stage = "development".parse().unwrap();
        let address = address.parse().unwrap();
        Banner {
            address,
            stage: &stage,
            table: "configs",
            location: Location::Memory,
            table_endpoint: Some("127.0.0.1:8001".parse().unwrap()),
            key,
        }
        .to_string()
    }

    #[test]
    fn each_base_url_is_alone_on_its_line() {
        let text = banner("127.0.0.1:8000", KeyLocation::Local(Origin::Flag));
        let urls: Vec<_> = text.lines().filter(|line| line.starts_with("http://")).collect();
        assert_eq!(urls, ["http://127.0.0.1:8000", "http://127.0.0.1:8000/development"]);
    }

    #[test]
    fn endpoint_of_the_table_has_its_own_line() {
        let text = banner("127.0.0.1:8000", KeyLocation::Local(Origin::Flag));
        assert!(text.contains("\ntable endpoint http://127.0.0.1:8001\nkey "), "{text}");
    }

    #[test]
    fn server_on_all_addresses_is_shown_by_the_loopback_address() {
        assert!(banner("0.0.0.0:80", KeyLocation::Local(Origin::Flag)).contains("\nhttp://127.0.0.1:80\n"));
        assert!(banner("[::]:80", KeyLocation::Local(Origin::Flag)).contains("\nhttp://[::1]:80\n"));
    }

    #[test]
    fn path_of_the_key_is_quoted_for_the_shell() {
        let path = PathBuf::from("/tmp/it's $(here)/psk");
        let text = banner("127.0.0.1:1", KeyLocation::Local(Origin::File(path)));
        assert!(text.contains(r"PSK=$(cat '/tmp/it'\''s $(here)/psk')"), "{text}");
    }
}
