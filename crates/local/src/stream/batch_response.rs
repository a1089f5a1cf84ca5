//! A function's response to a batch of records: which of them it did not handle.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>

use serde::Deserialize;

use super::position::Position;

#[derive(Deserialize)]
struct BatchResponse {
    #[serde(rename = "batchItemFailures")]
    failures: Option<Vec<BatchItemFailure>>,
}

#[derive(Deserialize)]
struct BatchItemFailure {
    #[serde(rename = "itemIdentifier")]
    sequence_number: String,
}

/// Why a response cannot be used. The whole batch then counts as failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchResponseError {
    #[error("the response of the function is not a batch response")]
    Malformed(#[from] serde_json::Error),
    #[error("the response of the function reports a record that is not in the batch")]
    Unknown,
}

/// The first record that was not handled, if there is one. All after it count as not handled either, so that the order is
/// kept.
pub(super) fn first_failure(response: &[u8], batch: &[Position]) -> Result<Option<Position>, BatchResponseError> {
    // An empty response and null report a success.
    let response: Option<BatchResponse> = match response.trim_ascii() {
        [] => None,
        response => serde_json::from_slice(response)?,
    };
    let failures = response.and_then(|response| response.failures).unwrap_or_default();
    let mut first = None;
    for failure in failures {
        let position = Position::parse(&failure.sequence_number)
            .filter(|position| batch.contains(position))
            .ok_or(BatchResponseError::Unknown)?;
        first = Some(first.map_or(position, |first: Position| first.min(position)));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [&str; 3] = [
        "100001790000000000001",
        "100001790000000000005",
        "100001790000000000009",
    ];

    fn read(response: &str) -> Result<Option<Position>, BatchResponseError> {
        let batch = NUMBERS.map(|number| Position::parse(number).unwrap());
        first_failure(response.as_bytes(), &batch)
    }

    #[test]
    fn response_without_failures_is_a_success() {
        for response in [
            "",
            " \n",
            "null",
            "{}",
            r#"{"batchItemFailures":null}"#,
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":[],"more":1}"#,
        ] {
            assert_eq!(read(response).unwrap(), None, "{response}");
        }
    }

    #[test]
    fn lowest_of_the_reported_records_counts() {
        let [_, second, third] = NUMBERS;
        let report =
            format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{third}"}},{{"itemIdentifier":"{second}"}}]}}"#);
        assert_eq!(read(&report).unwrap(), Position::parse(second));
    }

    #[test]
    fn report_that_names_no_record_of_the_batch_is_an_error() {
        for items in [
            r#"[{"itemIdentifier":""}]"#,
            r#"[{"itemIdentifier":null}]"#,
            r#"[{"id":"100001790000000000001"}]"#,
            r#"[{"itemIdentifier":"100001790000000000002"}]"#,
            r#"[{"itemIdentifier":"100001790000000000001"},{"itemIdentifier":"x"}]"#,
            r#""100001790000000000001""#,
        ] {
            let report = format!(r#"{{"batchItemFailures":{items}}}"#);
            assert!(read(&report).is_err(), "{report}");
        }
        for response in ["handled", r#""handled""#, "3", "[1]", "{"] {
            assert!(read(response).is_err(), "{response}");
        }
    }
}
