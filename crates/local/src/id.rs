//! Identifiers in the formats of AWS.

use std::fmt::Write;

use chrono::{DateTime, Utc};

/// An account that AWS's documentation uses in examples.
pub(crate) const ACCOUNT: &str = "123456789012";

/// A random UUID (RFC 9562, version 4), the format of the gateway's and Lambda's request IDs.
pub(crate) fn uuid() -> String {
    let mut bytes = random::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An X-Ray trace ID: the second of its start and 96 random bits.
pub(crate) fn trace_root(now: DateTime<Utc>) -> String {
    format!("Root=1-{:08x}-{}", now.timestamp(), hex(&random::<12>()))
}

/// The gateway's extended request ID, which AWS Support uses.
pub(crate) fn extended() -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(random::<11>())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's generator works once the process has started");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_has_version_and_variant_and_does_not_repeat() {
        let one = uuid();
        let groups: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{one}");
        assert_eq!(&one[14..15], "4", "{one}");
        assert!("89ab".contains(&one[19..20]), "{one}");
        assert_ne!(one, uuid());
    }

    #[test]
    fn trace_root_starts_with_the_time() {
        let root = trace_root(DateTime::from_timestamp(0x1234_5678, 0).unwrap());
        assert!(root.starts_with("Root=1-12345678-"), "{root}");
        assert_eq!(root.len(), "Root=1-12345678-".len() + 24);
    }
}
