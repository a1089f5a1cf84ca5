//! The responses that operations share: the failures of the function, and those of API Gateway in front of it.

use serde_json::{Map, Value, json};

/// Every shared response, by the name that operations refer to it by.
pub(crate) fn failures() -> Value {
    let of_function = api::description::failures().into_iter().map(|failure| {
        let response = response(failure.description, failure.headers, failure.schema, &failure.example);
        (failure.name.to_owned(), response)
    });
    of_function.chain(gateway_failures()).collect::<Map<_, _>>().into()
}

/// What API Gateway responds without the function: name, description, headers of its own, and the sentence in
/// `cloudformation/api.yaml`.
const GATEWAY_FAILURES: [(&str, &str, &[&str], &str); 5] = [
    (
        "Unauthorized",
        "A header of the signature is missing.",
        &["WWW-Authenticate"],
        "The headers Authorization and X-API-Timestamp are required.",
    ),
    (
        "Forbidden",
        "The signature or its timestamp is rejected.",
        &[],
        "The request's signature or timestamp was rejected.",
    ),
    (
        "TooManyRequests",
        "There are more requests than the service accepts.",
        &["Retry-After"],
        "Too many requests. Wait a moment, then try again.",
    ),
    (
        "BadResponse",
        "The service failed to respond.",
        &[],
        "The service failed to respond. Try again.",
    ),
    (
        "ResponseTimeout",
        "The service did not respond in time.",
        &[],
        "The service did not respond in time. Try again.",
    ),
];

fn gateway_failures() -> impl Iterator<Item = (String, Value)> {
    GATEWAY_FAILURES
        .into_iter()
        .map(|(name, description, headers, sentence)| {
            let example = json!({ "timestamp": "15/Jan/2024:10:30:00 +0000", "status": "error", "error": sentence });
            (name.to_owned(), response(description, headers, "Failure", &example))
        })
}

fn response(description: &str, own_headers: &[&str], schema: &str, example: &Value) -> Value {
    let schema = format!("#/components/schemas/{schema}");
    json!({
        "description": description,
        "headers": headers(own_headers.iter().copied()),
        "content": { "application/json": { "schema": { "$ref": schema }, "example": example } },
    })
}

/// The headers of every response, and these.
pub(crate) fn headers<'a>(own: impl Iterator<Item = &'a str>) -> Value {
    ["X-Request-Id", "Cache-Control"]
        .into_iter()
        .chain(own)
        .map(|header| {
            let reference = json!({ "$ref": format!("#/components/headers/{header}") });
            (header.to_owned(), reference)
        })
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_sentences_are_those_of_the_template() {
        let template = include_str!("../../../cloudformation/api.yaml");
        // The template folds long sentences, and YAML doubles an apostrophe within apostrophes.
        let template = template
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace("''", "'");
        for (name, _, _, sentence) in GATEWAY_FAILURES {
            let member = format!(r#""error":"{sentence}""#);
            assert!(template.contains(&member), "{name}: {sentence}");
        }
    }
}
