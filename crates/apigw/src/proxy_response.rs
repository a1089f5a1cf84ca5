//! The response of a Lambda proxy integration, written by a function and read as API Gateway does.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, InvalidHeaderName, InvalidHeaderValue},
    response::Parts,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::merge::{Names, flatten, merge};

/// Lambda rejects a larger response: 6 MB, given as 6,291,556 bytes in its own error message.
pub const MAX_BYTES: usize = 6 * 1024 * 1024 + 100;

/// Why a response cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It does not serialise.
    #[error("the response has no JSON form")]
    Json(#[from] serde_json::Error),
    /// It is larger than [`MAX_BYTES`].
    #[error("the response is larger than Lambda passes on")]
    TooLarge,
}

/// Why a response cannot be read; on AWS an `Execution failed due to configuration error: Malformed Lambda proxy
/// response`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not JSON, or a member is missing or has another type.
    #[error("the response is not a proxy integration response")]
    Malformed(#[from] serde_json::Error),
    /// Not a final status.
    #[error("the response's status is {0}, which is not from 200 to 599")]
    Status(u16),
    /// Not a header name.
    #[error("the response has an invalid header name")]
    HeaderName(#[from] InvalidHeaderName),
    /// Not a header value.
    #[error("the response has an invalid header value")]
    HeaderValue(#[from] InvalidHeaderValue),
    /// A list or an object.
    #[error("the response's header {0:?} is not a string, a number or a boolean")]
    HeaderType(String),
    /// Marked as base64.
    #[error("the response's body is marked as base64 but is not valid base64")]
    Body(#[from] base64::DecodeError),
}

/// A response with header values of type `V`: strings where it is written, any JSON where it is read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyResponse<V> {
    status_code: u16,
    headers: Option<BTreeMap<String, V>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<BTreeMap<String, Vec<V>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The response as JSON. Each header is in one of the two maps only, since API Gateway merges them. A body that is not
/// UTF-8 is sent as base64.
pub fn write(head: &Parts, body: Vec<u8>) -> Result<Vec<u8>, WriteError> {
    let (body, is_base64_encoded) = match String::from_utf8(body) {
        Ok(text) => (text, false),
        Err(bytes) => (BASE64_STANDARD.encode(bytes.as_bytes()), true),
    };
    let (headers, multi_value_headers) = split_headers(&head.headers);
    let response = ProxyResponse {
        status_code: head.status.as_u16(),
        headers: Some(headers),
        multi_value_headers: Some(multi_value_headers).filter(|headers| !headers.is_empty()),
        body: Some(body),
        is_base64_encoded: Some(is_base64_encoded),
    };
    let bytes = serde_json::to_vec(&response)?;
    if bytes.len() > MAX_BYTES {
        return Err(WriteError::TooLarge);
    }
    Ok(bytes)
}

/// Reads the response of a function. Without a content type it is JSON.
///
/// Headers that end at this hop are left in: the server that sends the response frames it.
pub fn read(response: &[u8]) -> Result<Response<Vec<u8>>, ReadError> {
    let response: ProxyResponse<Value> = serde_json::from_slice(response)?;
    // An interim status (1xx) would leave the client waiting for the final one.
    let status = StatusCode::from_u16(response.status_code)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or(ReadError::Status(response.status_code))?;
    let pairs = merge(
        flatten(response.multi_value_headers.unwrap_or_default()),
        response.headers.unwrap_or_default(),
        Names::IgnoreCase,
    );
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        if let Some(value) = header_value(&name, &value)? {
            headers.append(HeaderName::try_from(name)?, value);
        }
    }
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    let body = response.body.unwrap_or_default();
    let body = if response.is_base64_encoded == Some(true) {
        BASE64_STANDARD.decode(body)?
    } else {
        body.into_bytes()
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn split_headers(headers: &HeaderMap) -> (BTreeMap<String, String>, BTreeMap<String, Vec<String>>) {
    let (mut singles, mut lists) = (BTreeMap::new(), BTreeMap::new());
    for name in headers.keys() {
        // API Gateway frames the message that the client receives, and writes this header itself.
        if name == CONTENT_LENGTH {
            continue;
        }
        let mut values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        if values.len() == 1 {
            singles.extend(values.pop().map(|value| (name.to_string(), value)));
        } else {
            lists.insert(name.to_string(), values);
        }
    }
    (singles, lists)
}

fn header_value(name: &str, value: &Value) -> Result<Option<HeaderValue>, ReadError> {
    Ok(match value {
        Value::Null => None,
        Value::String(text) => Some(HeaderValue::from_str(text)?),
        Value::Number(_) | Value::Bool(_) => Some(HeaderValue::from_str(&value.to_string())?),
        Value::Array(_) | Value::Object(_) => return Err(ReadError::HeaderType(name.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(response: http::response::Builder, body: &[u8]) -> Value {
        let (head, ()) = response.body(()).unwrap().into_parts();
        serde_json::from_slice(&write(&head, body.to_vec()).unwrap()).unwrap()
    }

    #[test]
    fn text_body_is_unchanged() {
        let response = Response::builder()
            .status(201)
            .header("content-type", "text/plain; charset=utf-8")
            .header("etag", "\"1\"")
            .header("content-length", "2");
        let headers = json!({"content-type": "text/plain; charset=utf-8", "etag": "\"1\""});
        assert_eq!(
            written(response, b"{}"),
            json!({"statusCode": 201, "headers": headers, "body": "{}", "isBase64Encoded": false})
        );
    }

    #[test]
    fn body_that_is_not_utf_8_is_sent_as_base64() {
        assert_eq!(
            written(Response::builder(), &[0xff, 0x00]),
            json!({"statusCode": 200, "headers": {}, "body": "/wA=", "isBase64Encoded": true})
        );
    }

    #[test]
    fn repeated_header_keeps_all_its_values() {
        let response = written(Response::builder().header("vary", "a").header("vary", "b"), b"");
        assert_eq!(response["multiValueHeaders"], json!({"vary": ["a", "b"]}));
        assert_eq!(response["headers"], json!({}));
    }

    #[test]
    fn response_larger_than_lambda_allows_is_an_error() {
        let (head, ()) = Response::new(()).into_parts();
        let error = write(&head, vec![b'a'; MAX_BYTES]).unwrap_err();
        assert!(matches!(error, WriteError::TooLarge));
    }

    #[test]
    fn written_response_is_read_as_it_was() {
        let response = Response::builder().status(404).header("content-type", "text/html");
        let (head, ()) = response
            .header("vary", "a")
            .header("vary", "b")
            .body(())
            .unwrap()
            .into_parts();
        for body in [&b"text"[..], &[0xff, 0x00]] {
            let response = read(&write(&head, body.to_vec()).unwrap()).unwrap();
            assert_eq!(response.status(), head.status);
            assert_eq!(*response.headers(), head.headers);
            assert_eq!(response.body(), body);
        }
    }

    fn read_json(response: &Value) -> (StatusCode, HeaderMap, Vec<u8>) {
        let (head, body) = read(response.to_string().as_bytes()).unwrap().into_parts();
        (head.status, head.headers, body)
    }

    #[test]
    fn response_is_read_as_status_headers_and_body() {
        let (status, headers, body) = read_json(&json!({
            "statusCode": 201,
            "headers": {"Location": "/x", "X-Count": 3, "X-Fresh": true, "X-None": null},
            "multiValueHeaders": {"ETag": ["\"1\""], "Vary": ["origin", "accept"]},
            "body": "{\"ü\":1}",
            "isBase64Encoded": false,
        }));
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

    #[test]
    fn values_of_the_multi_value_map_are_not_doubled() {
        let (_, headers, _) = read_json(&json!({
            "statusCode": 200,
            "headers": {"content-type": "text/html"},
            "multiValueHeaders": {"Content-Type": ["text/html"]},
        }));
        assert_eq!(headers.get_all("content-type").iter().count(), 1);
    }

    #[test]
    fn base64_body_is_decoded() {
        let (_, _, body) = read_json(&json!({"statusCode": 200, "body": "/wA=", "isBase64Encoded": true}));
        assert_eq!(body, [0xff, 0].as_slice());
    }

    #[test]
    fn malformed_response_is_an_error() {
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
