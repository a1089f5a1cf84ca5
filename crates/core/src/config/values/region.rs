//! AWS regions and the partitions they form.

use std::str::FromStr;

use super::text::text_value;
use crate::violation::{ErrorCode, Violation};

named_enum! {
    /// A group of regions with separate accounts, IAM and ARNs.
    ///
    /// Source: the AWS SDKs' `partitions.json` and "AWS partitions" in the Fault Isolation Boundaries whitepaper.
    pub enum Partition -> as_str {
        /// The commercial regions.
        Aws = "aws",
        /// China.
        AwsCn = "aws-cn",
        /// `GovCloud` (US).
        AwsUsGov = "aws-us-gov",
        /// European Sovereign Cloud.
        AwsEusc = "aws-eusc",
        /// US ISO.
        AwsIso = "aws-iso",
        /// US ISOB.
        AwsIsoB = "aws-iso-b",
        /// EU ISOE.
        AwsIsoE = "aws-iso-e",
        /// US ISOF.
        AwsIsoF = "aws-iso-f",
    }
}

/// The name of a region: AREA-DIRECTION-NUMBER, such as `us-east-1` or `ap-southeast-7`.
///
/// The words come from a table. The number is free, so that a future region is valid today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

text_value!(Region);

impl Region {
    /// The rules as an ECMAScript pattern.
    pub const PATTERN: &str = concat!(
        "^(?:af|ap|ca|eu|il|me|mx|sa|us|cn|us-gov|eusc-de|us-iso|us-isob|eu-isoe|us-isof|eu-isof)-",
        "(?:central|north|northeast|east|southeast|south|southwest|west|northwest)-[1-9][0-9]?$",
    );

    /// The first words of region names and their partitions.
    pub const AREAS: [(&str, Partition); 17] = [
        ("af", Partition::Aws),
        ("ap", Partition::Aws),
        ("ca", Partition::Aws),
        ("eu", Partition::Aws),
        ("il", Partition::Aws),
        ("me", Partition::Aws),
        ("mx", Partition::Aws),
        ("sa", Partition::Aws),
        ("us", Partition::Aws),
        ("cn", Partition::AwsCn),
        ("us-gov", Partition::AwsUsGov),
        ("eusc-de", Partition::AwsEusc),
        ("us-iso", Partition::AwsIso),
        ("us-isob", Partition::AwsIsoB),
        ("eu-isoe", Partition::AwsIsoE),
        ("us-isof", Partition::AwsIsoF),
        ("eu-isof", Partition::AwsIsoF),
    ];

    /// The words in the middle.
    pub const DIRECTIONS: [&str; 9] = [
        "central",
        "north",
        "northeast",
        "east",
        "southeast",
        "south",
        "southwest",
        "west",
        "northwest",
    ];

    /// The partition of the region.
    #[must_use]
    pub fn partition(&self) -> Partition {
        // The constructor accepts only areas in the table.
        split(&self.0).map_or(Partition::Aws, |(_, partition)| partition)
    }
}

impl FromStr for Region {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let is_region = split(text).is_some_and(|(rest, _)| {
            rest.rsplit_once('-').is_some_and(|(direction, number)| {
                Self::DIRECTIONS.contains(&direction)
                    && matches!(number.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'])
            })
        });
        if is_region {
            Ok(Self(text.to_owned()))
        } else {
            Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must be the name of an AWS region, such as us-east-1",
            ))
        }
    }
}

impl Region {
    /// Whether a text has the form of a region's name with words that are not in the tables: a region that is newer than this
    /// service, or a mistake.
    #[must_use]
    pub fn is_unknown(text: &str) -> bool {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let mut parts = text.rsplit('-');
        let has_number = parts
            .next()
            .is_some_and(|number| matches!(number.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9']));
        let words: Vec<&str> = parts.collect();
        let is_known = words
            .first()
            .is_some_and(|direction| Self::DIRECTIONS.contains(direction))
            && split(text).is_some_and(|(rest, _)| rest.split('-').count() == 2);
        has_number && words.len() >= 2 && words.into_iter().all(is_word) && !is_known
    }
}

/// Splits `us-gov-west-1` into `west-1` and the partition of `us-gov`.
fn split(text: &str) -> Option<(&str, Partition)> {
    Region::AREAS
        .into_iter()
        // `us-gov-west-1` begins with `us` too: the longest area wins.
        .filter_map(|(area, partition)| Some((text.strip_prefix(area)?.strip_prefix('-')?, partition)))
        .min_by_key(|(rest, _)| rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_every_partition_are_accepted() {
        for (text, partition) in [
            ("us-east-1", Partition::Aws),
            ("ap-southeast-7", Partition::Aws),
            ("mx-central-1", Partition::Aws),
            ("il-central-1", Partition::Aws),
            ("eu-north-1", Partition::Aws),
            ("us-west-12", Partition::Aws),
            ("cn-northwest-1", Partition::AwsCn),
            ("us-gov-west-1", Partition::AwsUsGov),
            ("eusc-de-east-1", Partition::AwsEusc),
            ("us-iso-east-1", Partition::AwsIso),
            ("us-isob-east-1", Partition::AwsIsoB),
            ("eu-isoe-west-1", Partition::AwsIsoE),
            ("us-isof-south-1", Partition::AwsIsoF),
        ] {
            let region: Region = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((region.as_str(), region.partition()), (text, partition));
        }
    }

    #[test]
    fn form_of_a_region_with_other_words_is_an_unknown_region() {
        for text in [
            "moon-1-x",
            "moon-1",
            "us-east-1",
            "us-gov-west-1",
            "us-east-1a",
            "us-east-0",
            "US-EAST-1",
            "us--1",
            "",
        ] {
            assert!(!Region::is_unknown(text), "{text:?}");
        }
        for text in [
            "moon-east-1",
            "us-upward-1",
            "us-gov-1",
            "us-moon-east-1",
            "xx-yy-central-12",
        ] {
            assert!(Region::is_unknown(text), "{text:?}");
        }
    }

    #[test]
    fn value_other_than_a_region_is_rejected() {
        for text in [
            "",
            "us-east",
            "us-east-0",
            "us-east-01",
            "us-east-100",
            "us-east-1a",
            "US-EAST-1",
            "us-east-1 ",
            "us-upward-1",
            "xx-east-1",
            "us--east-1",
            "us-gov-1",
            "gov-west-1",
            "a-b-1",
            "useast1",
            "us-east-\u{661}",
        ] {
            assert!(text.parse::<Region>().is_err(), "{text:?}");
        }
    }
}
