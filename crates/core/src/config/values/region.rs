//! AWS regions and the partitions they form.

use std::str::FromStr;

use super::text::{suggest, text_value};
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
/// A direction comes from a table. An area is one or two words of any text, since AWS adds areas and tables age: one that
/// is not in [`Region::AREAS`] is valid, and [`Region::is_known`] tells. The number is free, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

text_value!(Region);

macro_rules! directions {
    () => {
        "(?:central|north|northeast|east|southeast|south|southwest|west|northwest)"
    };
}

impl Region {
    /// The rules as an ECMAScript pattern.
    pub const PATTERN: &str = concat!(
        "^[a-z]{2,8}-(?:(?!",
        directions!(),
        "-)[a-z]{2,8}-)?",
        directions!(),
        "-[1-9][0-9]?$",
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

    /// The partition of the region; `None` if its area is not known.
    #[must_use]
    pub fn partition(&self) -> Option<Partition> {
        Self::partition_of(&self.0)
    }

    /// Whether the area of the region is one of [`Region::AREAS`]. Of any other, nobody can say whether it exists.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.partition().is_some()
    }

    /// The partition of the area with which a text begins; the longest area counts, since `us-gov-west-1` begins with `us` too.
    fn partition_of(text: &str) -> Option<Partition> {
        let (area, _, _) = split(text)?;
        Self::AREAS
            .into_iter()
            .find(|(known, _)| *known == area)
            .map(|(_, partition)| partition)
    }

    fn check(text: &str) -> Result<Self, Violation> {
        let is_word = |word: &str| (2..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_region = split(text).is_some_and(|(area, direction, number)| {
            let mut words = area.split('-');
            let (first, second, more) = (words.next(), words.next(), words.next());
            first.is_some_and(is_word)
                && second.is_none_or(|word| is_word(word) && !Self::DIRECTIONS.contains(&word))
                && more.is_none()
                && Self::DIRECTIONS.contains(&direction)
                && matches!(number.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'])
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
        let is_known = Self::check(text).is_ok_and(|region| region.is_known());
        has_number && words.len() >= 2 && words.into_iter().all(is_word) && !is_known
    }
}

impl FromStr for Region {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let known = |meant: &str| {
            Self::check(meant).and_then(|region| {
                let unknown = || Violation::new(ErrorCode::InvalidFormat, "is not known");
                if region.is_known() { Ok(region) } else { Err(unknown()) }
            })
        };
        Self::check(text).map_err(|violation| suggest(violation, &meant(text), known))
    }
}

/// Splits `us-gov-west-1` into `us-gov`, `west` and `1`.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (rest, number) = text.rsplit_once('-')?;
    let (area, direction) = rest.rsplit_once('-')?;
    Some((area, direction, number))
}

/// The region in the name of one of its availability zones, or in another spelling.
fn meant(text: &str) -> String {
    let mut region = text.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    for (two_words, direction) in [
        ("-north-east-", "-northeast-"),
        ("-north-west-", "-northwest-"),
        ("-south-east-", "-southeast-"),
        ("-south-west-", "-southwest-"),
    ] {
        region = region.replace(two_words, direction);
    }
    region
        .trim_end_matches(|last: char| last.is_ascii_lowercase())
        .to_owned()
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
            assert_eq!((region.as_str(), region.partition()), (text, Some(partition)));
            assert!(region.is_known(), "{text}");
        }
    }

    #[test]
    fn region_of_an_unknown_area_is_accepted_and_not_known() {
        for text in [
            "mars-north-1",
            "xx-east-1",
            "us-isog-west-1",
            "eusc-fr-west-2",
            "gov-west-1",
        ] {
            let region: Region = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((region.as_str(), region.partition()), (text, None));
            assert!(!region.is_known(), "{text}");
        }
    }

    #[test]
    fn likely_mistakes_are_shown_with_the_corrected_value() {
        for (text, meant) in [
            ("us-east-1a", "us-east-1"),
            ("US-EAST-1", "us-east-1"),
            ("us_gov_west_1", "us-gov-west-1"),
            (" eu-west-1\n", "eu-west-1"),
            ("ap-north-east-1", "ap-northeast-1"),
        ] {
            let message = text.parse::<Region>().unwrap_err().message;
            assert!(
                message.ends_with(&format!("(did you mean {meant}?)")),
                "{text}: {message}"
            );
        }
        for text in ["", "us", "XX-EAST-1", "us-upward-1", "us-east-100"] {
            let message = text.parse::<Region>().unwrap_err().message;
            assert!(!message.contains("did you mean"), "{text}: {message}");
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
            "x-east-1",
            "us--east-1",
            "-east-1",
            "us-gov-1",
            "us-gov-iso-east-1",
            "ap-north-east-1",
            "continents-east-1",
            "a-b-1",
            "useast1",
            "us-east-\u{661}",
        ] {
            assert!(text.parse::<Region>().is_err(), "{text:?}");
        }
    }
}
