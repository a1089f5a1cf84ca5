//! Which addresses the service connects to.
//!
//! A subscriber chooses the URL, and the service connects from inside: without this rule a tenant could reach what only the
//! service can, such as Lambda's Runtime API, credentials or hosts of the network. So the rule names what is allowed:
//! addresses that are reachable from everywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::networks::{Network, Networks};

/// Why no connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressRejection {
    /// The name has no address.
    #[error("the name of the host has no address")]
    NoAddress,
    /// At least one address is not reachable from everywhere. Then the others are not used either: the owner of the name
    /// chooses which one is returned next.
    #[error("the host has an address that is not public")]
    NotPublic,
}

/// Blocks that are not reachable from everywhere, or whose addresses contain others.
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry>.
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by carriers
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local: metadata and credentials
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocols
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays to IPv6
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];
/// Everything else has no global unicast addresses yet.
/// Source: <https://www.iana.org/assignments/ipv6-address-space>.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// The exceptions in it. Source: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocols: Teredo, which contains IPv4, and benchmarks
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, which contains IPv4
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16), // a former test network
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];
/// Contains an IPv4 address in its last 32 bits (RFC 6052): what a network without IPv4 reaches IPv4 by.
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether the address is reachable from everywhere. One that contains another is as public as that one.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let is_in = |(base, bits): (IpAddr, u8)| Network::new(base, bits).is_some_and(|network| network.contains(address));
    match address.to_canonical() {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|(base, bits)| {
            Network::new((*base).into(), *bits).is_some_and(|network| network.contains(address.into()))
        }),
        IpAddr::V6(embedding) if is_in((NAT64.0.into(), NAT64.1)) => {
            let [.., a, b, c, d] = embedding.octets();
            is_public(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) => {
            is_in((GLOBAL_V6.0.into(), GLOBAL_V6.1))
                && !is_isatap(address)
                && !NOT_PUBLIC_V6.iter().any(|(base, bits)| is_in(((*base).into(), *bits)))
        }
    }
}

/// Whether the last 32 bits of the address are an IPv4 address, in any network. Source: RFC 5214, section 6.1.
const fn is_isatap(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    matches!(segments[4], 0 | 0x0200) && segments[5] == 0x5efe
}

/// The addresses of a host, if the service may connect to all of them: public ones, and those in `allowed`.
pub fn check_addresses(
    addresses: impl IntoIterator<Item = IpAddr>,
    allowed: &Networks,
) -> Result<Vec<IpAddr>, AddressRejection> {
    let addresses: Vec<_> = addresses.into_iter().collect();
    if addresses.is_empty() {
        return Err(AddressRejection::NoAddress);
    }
    let is_allowed = |address: &IpAddr| is_public(*address) || allowed.contains(*address);
    if addresses.iter().all(is_allowed) {
        Ok(addresses)
    } else {
        Err(AddressRejection::NotPublic)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_that_are_not_reachable_from_everywhere_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.1.2.3",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "3ffe::1",
            "2600:1f18::5efe:10.0.0.1",
            "2600:1f18::200:5efe:a00:1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:4860:4860::8888",
            "2600:1f18::1",
            "2a05:d018::1",
        ] {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn one_address_that_is_not_public_rejects_all() {
        let none = Networks::default();
        let (good, bad) = (address("1.1.1.1"), address("10.0.0.1"));
        assert_eq!(check_addresses([good], &none), Ok(vec![good]));
        assert_eq!(check_addresses([good, bad], &none), Err(AddressRejection::NotPublic));
        assert_eq!(check_addresses([], &none), Err(AddressRejection::NoAddress));
        let allowed: Networks = "10.0.0.0/8".parse().unwrap();
        assert_eq!(check_addresses([good, bad], &allowed), Ok(vec![good, bad]));
    }

    proptest! {
        #[test]
        fn address_that_contains_another_is_public_only_if_that_one_is(octets: [u8; 4]) {
            let [a, b, c, d] = octets.map(u16::from);
            let inner = Ipv4Addr::from(octets);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let is_inner_public = is_public(inner.into());
            for (embedding, may_be_public) in [
                (inner.to_ipv6_mapped(), true),
                (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low), true),
                (Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low), false),
                (Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1), false),
                (Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !high, !low), false),
            ] {
                prop_assert_eq!(is_public(embedding.into()), may_be_public && is_inner_public, "{}", embedding);
            }
        }

        #[test]
        fn nothing_outside_global_unicast_is_public(bits: u128) {
            let address = Ipv6Addr::from(bits);
            let is_special = address.to_ipv4_mapped().is_some() || address.segments()[..2] == [0x64, 0xff9b];
            prop_assume!(!is_special && bits >> 125 != 1);
            prop_assert!(!is_public(address.into()));
        }
    }
}
