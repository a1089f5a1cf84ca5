//! Networks by their prefix.

use std::{fmt, net::IpAddr, str::FromStr};

/// The addresses with one prefix (RFC 4632): `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

/// Any number of networks, separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

/// The text is not a list of networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network such as 127.0.0.0/8 or fd00::/8")]
pub struct NetworkError(String);

impl Network {
    /// The addresses whose first `bits` are those of `base`. `None` if an address has fewer.
    #[must_use]
    pub const fn new(base: IpAddr, bits: u8) -> Option<Self> {
        if bits <= width(base) {
            Some(Self { base, bits })
        } else {
            None
        }
    }

    /// Whether the address is in the network. An IPv4 address in the form of IPv6 is that of IPv4.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let differing = u32::from(base) ^ u32::from(address);
                differing.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let differing = u128::from(base) ^ u128::from(address);
                differing.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl Networks {
    /// Whether the address is in one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.to_owned());
        let (base, bits) = text.trim().split_once('/').ok_or_else(error)?;
        let base = base.parse().map_err(|_| error())?;
        let bits = bits.parse().map_err(|_| error())?;
        Self::new(base, bits).ok_or_else(error)
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Network { base, bits }) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "," };
            write!(f, "{separator}{base}/{bits}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_contains_the_addresses_with_its_prefix() {
        let networks: Networks = "127.0.0.0/8, fd00::/8,192.0.2.7/32,".parse().unwrap();
        for (text, expected) in [
            ("127.0.0.1", true),
            ("127.255.255.255", true),
            ("::ffff:127.0.0.1", true),
            ("128.0.0.0", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fdff::1", true),
            ("fe00::1", false),
            ("::1", false),
        ] {
            assert_eq!(networks.contains(text.parse().unwrap()), expected, "{text}");
        }
        assert_eq!(networks.to_string(), "127.0.0.0/8,fd00::/8,192.0.2.7/32");
        assert!(
            Network::new("0.0.0.0".parse().unwrap(), 0)
                .unwrap()
                .contains("9.9.9.9".parse().unwrap())
        );
    }

    #[test]
    fn text_that_is_not_a_list_of_networks_is_rejected() {
        for text in [
            "127.0.0.1",
            "127.0.0.1/33",
            "::/129",
            "localhost/8",
            "127.0.0.0/",
            "/8",
            "127.0.0.0/8;::/0",
        ] {
            let error = text.parse::<Networks>().unwrap_err();
            assert!(error.to_string().contains("is not a network"), "{error}");
        }
        assert!("".parse::<Networks>().unwrap().is_empty());
    }
}
