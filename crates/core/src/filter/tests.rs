//! Filters as texts and as conditions.

mod grammar;
mod meaning;
mod properties;

use serde_json::Value;

use super::*;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

fn parse(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn canonical(text: &str) -> String {
    parse(text).to_string()
}

fn error(text: &str) -> FilterError {
    let parsed = text.parse::<Filter>();
    parsed.map_or_else(|error| error, |filter| panic!("{text} is the filter {filter}"))
}

fn stored(attributes: Value) -> StoredConfig {
    let Value::Object(attributes) = attributes else {
        unreachable!("the tests pass objects")
    };
    StoredConfig::from_attributes(attributes)
}

/// Whether a configuration with these attributes matches.
fn matches(filter: &str, attributes: Value) -> bool {
    parse(filter).matches(&stored(attributes), NOW)
}
