//! The api function's answer, turned into HTTP as API Gateway's Lambda proxy integration does it.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, InvalidHeaderName, InvalidHeaderValue},
};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::hop_by_hop;

/// Why the answer is none; on AWS an `Execution failed due to configuration error: Malformed Lambda proxy response`.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("the answer is not that of a proxy integration")]
    Malformed(#[from] serde_json::Error),
    #[error("the answer's status is {0}, which is not one of 200-599")]
    Status(u16),
    #[error("the answer has a header whose name is none")]
    HeaderName(#[from] InvalidHeaderName),
    #[error("the answer has a header whose value is none")]
    HeaderValue(#[from] InvalidHeaderValue),
    #[error("the answer's header {0:?} is neither a string, a number nor a boolean")]
    HeaderType(String),
    #[error("the answer's body is not the Base64 that it is said to be")]
    Body(#[from] base64::DecodeError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// Reads `answer`, which a function gave, as a response.
pub(super) fn read(answer: &[u8]) -> Result<Response<Full<Bytes>>, AnswerError> {
    let answer: Answer = serde_json::from_slice(answer)?;
    // An interim status (1xx) would leave the client waiting for the final one.
    let status = StatusCode::from_u16(answer.status_code)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or(AnswerError::Status(answer.status_code))?;
    let headers = merge(
        answer.headers.unwrap_or_default(),
        answer.multi_value_headers.unwrap_or_default(),
    )?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded == Some(true) {
        Bytes::from(BASE64_STANDARD.decode(body)?)
    } else {
        Bytes::from(body)
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Both maps as one: where both name a header, the values of `many` are the header's, and without a content type it
/// is JSON.
fn merge(one: BTreeMap<String, Value>, many: BTreeMap<String, Vec<Value>>) -> Result<HeaderMap, AnswerError> {
    let mut headers = HeaderMap::new();
    for (name, value) in one {
        if let Some(value) = header_value(&name, &value)? {
            headers.insert(HeaderName::try_from(name)?, value);
        }
    }
    for (name, values) in many {
        let key = HeaderName::try_from(name.as_str())?;
        headers.remove(&key);
        for value in values {
            if let Some(value) = header_value(&name, &value)? {
                headers.append(key.clone(), value);
            }
        }
    }
    hop_by_hop::remove(&mut headers);
    // The length is that of the body which the server sends.
    headers.remove(CONTENT_LENGTH);
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Ok(headers)
}

fn header_value(name: &str, value: &Value) -> Result<Option<HeaderValue>, AnswerError> {
    Ok(match value {
        Value::Null => None,
        Value::String(text) => Some(HeaderValue::from_str(text)?),
        Value::Number(_) | Value::Bool(_) => Some(HeaderValue::from_str(&value.to_string())?),
        Value::Array(_) | Value::Object(_) => return Err(AnswerError::HeaderType(name.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    async fn read_json(answer: Value) -> (StatusCode, HeaderMap, Bytes) {
        let (head, body) = read(answer.to_string().as_bytes()).unwrap().into_parts();
        (head.status, head.headers, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn answer_becomes_status_headers_and_body() {
        let (status, headers, body) = read_json(json!({
            "statusCode": 201,
            "headers": {"Location": "/x", "X-Count": 3, "X-Fresh": true, "X-None": null},
            "multiValueHeaders": {"ETag": ["\"1\""], "Vary": ["origin", "accept"]},
            "body": "{\"ü\":1}",
            "isBase64Encoded": false,
        }))
        .await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(headers["location"], "/x");
        assert_eq!(headers["x-count"], "3");
        assert_eq!(headers["x-fresh"], "true");
        assert!(!headers.contains_key("x-none"));
        assert_eq!(headers["etag"], "\"1\"");
        assert_eq!(headers.get_all("vary").iter().collect::<Vec<_>>(), ["origin", "accept"]);
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(body, "{\"ü\":1}".as_bytes());
    }

    #[tokio::test]
    async fn values_of_the_multi_value_map_are_not_doubled() {
        let (_, headers, _) = read_json(json!({
            "statusCode": 200,
            "headers": {"content-type": "text/html"},
            "multiValueHeaders": {"Content-Type": ["text/html"]},
        }))
        .await;
        assert_eq!(headers.get_all("content-type").iter().count(), 1);
    }

    #[tokio::test]
    async fn connection_headers_and_a_length_are_the_servers_business() {
        let (_, headers, body) = read_json(json!({
            "statusCode": 200,
            "headers": {"Connection": "x-hop", "X-Hop": "1", "Transfer-Encoding": "chunked", "Content-Length": "99"},
            "body": "short",
        }))
        .await;
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["content-type"]);
        assert_eq!(body, "short");
    }

    #[tokio::test]
    async fn base64_body_is_decoded() {
        let (_, _, body) = read_json(json!({"statusCode": 200, "body": "/wA=", "isBase64Encoded": true})).await;
        assert_eq!(body, [0xff, 0].as_slice());
    }

    #[test]
    fn malformed_answer_is_an_error() {
        for malformed in [
            json!(null),
            json!("ok"),
            json!({}),
            json!({"statusCode": "200"}),
            json!({"statusCode": 100}),
            json!({"statusCode": 0}),
            json!({"statusCode": 600}),
            json!({"statusCode": 200, "body": {"a": 1}}),
            json!({"statusCode": 200, "headers": {"a b": "1"}}),
            json!({"statusCode": 200, "headers": {"a": "1\r\nset-cookie: x"}}),
            json!({"statusCode": 200, "headers": {"a": ["1"]}}),
            json!({"statusCode": 200, "multiValueHeaders": {"a": "1"}}),
            json!({"statusCode": 200, "body": "!", "isBase64Encoded": true}),
        ] {
            assert!(read(malformed.to_string().as_bytes()).is_err(), "{malformed}");
        }
        assert!(read(b"").is_err());
    }
}
