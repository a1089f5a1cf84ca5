//! The URL of an endpoint.

use std::{fmt, net::IpAddr};

use super::{address::check_addresses, networks::Networks};
use crate::violation::{ErrorCode, Violation};

/// A URL that events are sent to: `https`, a public host, no credentials.
///
/// Its host is a name or an address in its usual form. Other forms of an address, such as `0x7f.1`, which some resolvers
/// read, are rejected and not interpreted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    text: String,
    scheme: Scheme,
    host: Host,
    port: u16,
    /// Where the path begins in the text.
    target: usize,
}

/// The protocol of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// With TLS.
    Https,
    /// Without. Only to an address in the networks that the operator allows.
    Http,
}

/// The host of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name that is to be resolved.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Names that never are a public host, with everything below them. Sources: RFC 6761, RFC 6762, RFC 8375, RFC 9476, and
/// what AWS resolves inside of a network.
const LOCAL_NAMES: [&str; 10] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "test",
    "invalid",
    "alt",
];
/// Standard HTTPS; lower ports belong to other protocols.
const HTTPS_PORT: u16 = 443;
const HTTP_PORT: u16 = 80;
const FIRST_FREE_PORT: u16 = 1024;
const MAX_HOST_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

impl WebhookUrl {
    /// The longest URL in characters.
    pub const MAX_CHARS: usize = 2048;

    /// Reads a URL. Hosts in `allowed` need neither TLS nor a public address.
    pub fn parse(text: &str, allowed: &Networks) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new(ErrorCode::Empty, "must not be empty"));
        }
        if text.len() > Self::MAX_CHARS {
            return Err(Violation::new(
                ErrorCode::TooLong,
                "must be at most 2048 characters long",
            ));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) if !allowed.is_empty() => (Scheme::Http, rest),
            _ => return Err(invalid("must begin with https://")),
        };
        if !rest.bytes().all(is_uri_character) {
            return Err(invalid("must contain only characters of a URL (escape others with %)"));
        }
        if rest.contains('#') {
            return Err(invalid("must not have a fragment (omit the part from # on)"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = &rest[..end];
        if authority.contains('@') {
            return Err(invalid("must not contain credentials (use the field headers)"));
        }
        let (host, port) = split_port(authority)?;
        let host = parse_host(host)?;
        let port = port.unwrap_or(match scheme {
            Scheme::Https => HTTPS_PORT,
            Scheme::Http => HTTP_PORT,
        });
        let url = Self {
            text: text.to_owned(),
            scheme,
            host,
            port,
            target: text.len() - (rest.len() - end),
        };
        url.check(allowed)?;
        Ok(url)
    }

    fn check(&self, allowed: &Networks) -> Result<(), Violation> {
        let is_allowed = match &self.host {
            Host::Address(address) => allowed.contains(*address),
            // What it resolves to decides, at each attempt.
            Host::Name(_) => !allowed.is_empty(),
        };
        if is_allowed {
            return Ok(());
        }
        if self.scheme == Scheme::Http {
            return Err(invalid(
                "must begin with https:// for a host outside of the allowed networks",
            ));
        }
        if self.port != HTTPS_PORT && self.port < FIRST_FREE_PORT {
            return Err(Violation::new(
                ErrorCode::OutOfRange,
                "must have port 443 or one from 1024 to 65535",
            ));
        }
        match &self.host {
            Host::Address(address) => check_addresses([*address], allowed).map(drop).map_err(|_| not_public()),
            Host::Name(name) if is_local(name) => Err(not_public()),
            Host::Name(_) => Ok(()),
        }
    }

    /// Whether protocol and port are ones that a public host may have.
    #[must_use]
    pub fn is_public_form(&self) -> bool {
        self.scheme == Scheme::Https && (self.port == HTTPS_PORT || self.port >= FIRST_FREE_PORT)
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The protocol.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the header `Host` has them (RFC 9110, section 7.2).
    #[must_use]
    pub fn authority(&self) -> &str {
        let start = self.text.find("://").map_or(0, |scheme| scheme + 3);
        &self.text[start..self.target]
    }

    /// Path and query, as the request line has them.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.text[self.target..] {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        }
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn invalid(message: &str) -> Violation {
    Violation::new(ErrorCode::InvalidFormat, message)
}

fn not_public() -> Violation {
    invalid("must have a host that is reachable from the internet")
}

/// The characters of RFC 3986.
const fn is_uri_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), Violation> {
    let after_host = authority.find(']').map_or(0, |end| end + 1);
    let Some(colon) = authority[after_host..].find(':') else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at(after_host + colon);
    let digits = &port[1..];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(port) if is_number && port != 0 => Ok((host, Some(port))),
        _ => Err(Violation::new(
            ErrorCode::OutOfRange,
            "must have port 443 or one from 1024 to 65535",
        )),
    }
}

fn parse_host(host: &str) -> Result<Host, Violation> {
    if let Some(literal) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address = literal.parse().map_err(|_| invalid("must have a valid host"))?;
        return Ok(Host::Address(IpAddr::V6(address)));
    }
    if let Ok(address) = host.parse() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    // A dot at the end makes a name absolute, which it is anyway.
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.is_empty() || name.len() > MAX_HOST_BYTES || !name.split('.').all(is_label) {
        return Err(invalid(
            "must have a valid host (write an international name in its form xn--...)",
        ));
    }
    // What ends in a number is an address in some form to a resolver (WHATWG URL, section 3.5).
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .to_ascii_lowercase()
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_number {
        return Err(invalid("must have a host name, or an address in its usual form"));
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

/// Whether the name is one of a local network: a name without a dot is completed by the resolver.
fn is_local(name: &str) -> bool {
    let is_below = |suffix: &str| name == suffix || name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || LOCAL_NAMES.into_iter().any(is_below)
}

#[cfg(test)]
mod tests;
