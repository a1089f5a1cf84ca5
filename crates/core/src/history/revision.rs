//! The names of revisions.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::digits;

/// The name of one revision of a configuration: an opaque text of digits and lower-case letters, at most 64, which
/// needs no escape in a URL.
///
/// It is a pure function of the stream's record: label of the stream, sequence number, time. Of two revisions of one
/// configuration, the later one has the greater text. A label is the time at which its stream was enabled, and the
/// sequence numbers of one item rise with its changes (`StreamRecord` in the Amazon DynamoDB Streams API Reference).
///
/// What was found in the table without a record has the name of the last revision before it, one step further.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// When the stream was enabled, in nanoseconds since 1970. 0 where no record is known.
    stream: u64,
    sequence: Sequence,
    step: u16,
    /// Seconds since 1970. Last, because the times of records are approximate: they say nothing about the order.
    changed_at: i64,
}

/// Decimal digits without leading zeros. The shorter number is the smaller one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Sequence {
    length: usize,
    digits: String,
}

/// Why a record has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// The label of the stream is not a time.
    #[error("the label of the stream is not a time")]
    Label,
    /// The sequence number is not a number of at most 40 digits.
    #[error("the sequence number is not a number of at most 40 digits")]
    SequenceNumber,
}

/// The text is not a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a revision that a history response contains")]
pub struct RevisionError;

/// 64 bits.
const STREAM_DIGITS: usize = 13;
/// The count of digits of a sequence number.
const LENGTH_DIGITS: usize = 2;
/// Source: `SequenceNumber` of `StreamRecord` in the Amazon DynamoDB Streams API Reference. It has 21 digits at least;
/// emulators have fewer.
const MAX_SEQUENCE_DIGITS: usize = 40;
const STEP_DIGITS: usize = 2;
const MAX_STEP: u16 = 32 * 32 - 1;
/// 35 bits of seconds: until the year 3058.
const TIME_DIGITS: usize = 7;
const MAX_TIME: i64 = (1 << 35) - 1;

impl Revision {
    /// The revision of a record. The label is the last part of the stream's ARN. The time is that of the record, whose
    /// fraction of a second is cut off.
    pub fn from_record(label: &str, sequence_number: &str, changed_at: DateTime<Utc>) -> Result<Self, InvalidRecord> {
        Ok(Self {
            stream: enabled_at(label).ok_or(InvalidRecord::Label)?,
            sequence: Sequence::parse(sequence_number).ok_or(InvalidRecord::SequenceNumber)?,
            step: 0,
            changed_at: clamp(changed_at),
        })
    }

    /// The revision of what was found in the table at this time, after that revision and before that of any later
    /// record.
    #[must_use]
    pub fn observed_after(previous: Option<&Self>, now: DateTime<Utc>) -> Self {
        Self {
            stream: previous.map_or(0, |previous| previous.stream),
            sequence: previous.map_or_else(Sequence::zero, |previous| previous.sequence.clone()),
            step: previous.map_or(0, |previous| previous.step.saturating_add(1).min(MAX_STEP)),
            changed_at: clamp(now),
        }
    }

    /// Whether it is that of what was found before any record of the item. Then the configurations that were found in one
    /// second share it.
    #[must_use]
    pub const fn is_baseline(&self) -> bool {
        self.sequence.length == 0
    }

    /// When the change was made, in whole seconds; of what was found in the table, when that was.
    #[must_use]
    pub fn changed_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.changed_at, 0).unwrap_or_default()
    }

    /// The same place with the time first: a text whose order is that of time, and of the revisions of one second. The
    /// history of a configuration is stored in this order, so that a time is a place in it.
    #[must_use]
    pub fn by_time(&self) -> String {
        let mut text = Self::time_text(self.changed_at());
        self.push_sequence(&mut text);
        text
    }

    /// The text with which [`Revision::by_time`] begins for changes of this second. It is before all of them.
    #[must_use]
    pub fn time_text(time: DateTime<Utc>) -> String {
        let mut text = String::new();
        push_time(&mut text, clamp(time));
        text
    }

    fn push_sequence(&self, text: &mut String) {
        let Self {
            stream, sequence, step, ..
        } = self;
        digits::push(text, *stream, STREAM_DIGITS);
        // Writing to a string does not fail.
        let _ = write!(text, "{:0LENGTH_DIGITS$}{}", sequence.length, sequence.digits);
        digits::push(text, u64::from(*step), STEP_DIGITS);
    }
}

impl Sequence {
    fn parse(text: &str) -> Option<Self> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let digits = text.trim_start_matches('0');
        (is_number && digits.len() <= MAX_SEQUENCE_DIGITS).then(|| Self {
            length: digits.len(),
            digits: digits.to_owned(),
        })
    }

    const fn zero() -> Self {
        Self {
            length: 0,
            digits: String::new(),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        self.push_sequence(&mut text);
        push_time(&mut text, self.changed_at);
        f.write_str(&text)
    }
}

/// Accepts what [`Revision`] displays and nothing else, so that one revision has one text.
impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        parse(text)
            .filter(|revision| revision.to_string() == text)
            .ok_or(RevisionError)
    }
}

fn parse(text: &str) -> Option<Revision> {
    let (stream, rest) = text.split_at_checked(STREAM_DIGITS)?;
    let (length, rest) = rest.split_at_checked(LENGTH_DIGITS)?;
    let length = length
        .parse::<usize>()
        .ok()
        .filter(|length| *length <= MAX_SEQUENCE_DIGITS)?;
    let (sequence, rest) = rest.split_at_checked(length)?;
    let (step, time) = rest.split_at_checked(STEP_DIGITS)?;
    let sequence = match length {
        0 => Sequence::zero(),
        _ => Sequence::parse(sequence)?,
    };
    (time.len() == TIME_DIGITS).then_some(())?;
    Some(Revision {
        stream: digits::parse(stream)?,
        sequence,
        step: u16::try_from(digits::parse(step)?).ok()?,
        changed_at: i64::try_from(digits::parse(time)?).ok()?,
    })
}

/// A label is the time at which the stream was enabled, such as `2015-05-11T21:21:33.291`. Emulators add a time zone.
fn enabled_at(label: &str) -> Option<u64> {
    let label = label
        .strip_suffix('Z')
        .or(label.strip_suffix("+00:00"))
        .unwrap_or(label);
    let time = NaiveDateTime::parse_from_str(label, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    u64::try_from(time.and_utc().timestamp_nanos_opt()?).ok()
}

fn clamp(time: DateTime<Utc>) -> i64 {
    time.timestamp().clamp(0, MAX_TIME)
}

fn push_time(text: &mut String, seconds: i64) {
    digits::push(text, u64::try_from(seconds).unwrap_or(0), TIME_DIGITS);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABEL: &str = "2026-11-27T09:24:53.123";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn revision(label: &str, sequence_number: &str) -> Revision {
        Revision::from_record(label, sequence_number, at(1_700_000_000)).unwrap()
    }

    fn any_label() -> impl Strategy<Value = String> {
        (0_i64..4_000_000_000_000).prop_map(|milliseconds| {
            let time = DateTime::from_timestamp_millis(milliseconds).unwrap();
            time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
        })
    }

    proptest! {
        #[test]
        fn later_record_of_a_stream_has_the_greater_text(one in 0_u128.., other in 0_u128.., label in any_label()) {
            let (earlier, later) = (revision(&label, &one.to_string()), revision(&label, &other.to_string()));
            prop_assert_eq!(one.cmp(&other), earlier.to_string().cmp(&later.to_string()));
            prop_assert_eq!(one.cmp(&other), earlier.cmp(&later));
        }

        #[test]
        fn record_of_a_later_stream_has_the_greater_text(one in any_label(), other in any_label(), numbers: [u64; 2]) {
            prop_assume!(one != other);
            let revisions = [revision(&one, &numbers[0].to_string()), revision(&other, &numbers[1].to_string())];
            prop_assert_eq!(one.cmp(&other), revisions[0].to_string().cmp(&revisions[1].to_string()));
        }

        #[test]
        fn text_is_a_name_that_needs_no_escape(label in any_label(), number in "[0-9]{1,40}", seconds in 0..MAX_TIME) {
            let revision = Revision::from_record(&label, &number, at(seconds)).unwrap();
            let text = revision.to_string();
            prop_assert!(text.len() <= 64 && digits::are_digits(&text), "{}", text);
            prop_assert_eq!(text.parse(), Ok(revision.clone()));
            prop_assert_eq!(revision.changed_at(), at(seconds));
        }

        #[test]
        fn order_by_time_is_that_of_the_seconds_first(numbers: [u64; 2], seconds in [0..MAX_TIME, 0..MAX_TIME]) {
            let [one, other] = [0, 1].map(|n| {
                Revision::from_record(LABEL, &numbers[n].to_string(), at(seconds[n])).unwrap()
            });
            let expected = seconds[0].cmp(&seconds[1]).then(one.cmp(&other));
            prop_assert_eq!(expected, one.by_time().cmp(&other.by_time()));
            prop_assert!(Revision::time_text(at(seconds[0])) < one.by_time());
            prop_assert_eq!(seconds[0] < seconds[1], one.by_time() < Revision::time_text(at(seconds[1])));
        }

        #[test]
        fn what_was_observed_is_between_two_records(numbers in (0..u128::MAX), seconds in 0..MAX_TIME, steps in 1..5_usize) {
            let (before, after) = (revision(LABEL, &numbers.to_string()), revision(LABEL, &(numbers + 1).to_string()));
            let mut last = before;
            for _ in 0..steps {
                let observed = Revision::observed_after(Some(&last), at(seconds));
                prop_assert!(last.to_string() < observed.to_string() && observed.to_string() < after.to_string());
                prop_assert_eq!(observed.to_string().parse(), Ok(observed.clone()));
                last = observed;
            }
        }

        #[test]
        fn any_other_text_is_rejected_or_is_the_text_of_a_revision(text in "[0-9a-w]{0,70}") {
            if let Ok(revision) = text.parse::<Revision>() {
                prop_assert_eq!(revision.to_string(), text);
            }
        }
    }

    #[test]
    fn baseline_is_before_every_record() {
        let baseline = Revision::observed_after(None, at(MAX_TIME));
        assert!(baseline < revision("1970-01-01T00:00:00.000", "1"));
        assert_eq!(baseline.to_string().parse(), Ok(baseline));
    }

    #[test]
    fn labels_of_emulators_are_read() {
        let expected = revision(LABEL, "7");
        for label in ["2026-11-27T09:24:53.123Z", "2026-11-27T09:24:53.123000+00:00"] {
            assert_eq!(revision(label, "007"), expected, "{label}");
        }
    }

    #[test]
    fn record_without_a_label_or_a_number_is_rejected() {
        let read = |label, number| Revision::from_record(label, number, at(0));
        for label in ["", "stream", "2026-11-27", "1700000000.123"] {
            assert_eq!(read(label, "1"), Err(InvalidRecord::Label), "{label}");
        }
        let long = "1".repeat(41);
        for number in ["", "-1", "+1", "1.0", " 1", "x", "\u{661}", &long] {
            assert_eq!(read(LABEL, number), Err(InvalidRecord::SequenceNumber), "{number}");
        }
    }
}
