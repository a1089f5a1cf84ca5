//! An HTTP response, made into the answer that API Gateway expects of a proxy integration.

use std::collections::BTreeMap;

use axum::{body::Body, response::Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use lambda::HandlerError;
use serde::Serialize;

/// Lambda refuses an answer of more bytes: 6 MB, written as 6,291,556 bytes in its own error message.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024 + 100;

/// The bytes of the answer that carries `response`.
pub(crate) async fn from_response(response: Response) -> Result<Vec<u8>, HandlerError> {
    let (parts, body) = response.into_parts();
    let body = collect(body).await?;
    let (body, is_base64_encoded) = match String::from_utf8(body) {
        Ok(text) => (text, false),
        Err(bytes) => (BASE64_STANDARD.encode(bytes.as_bytes()), true),
    };
    let (headers, multi_value_headers) = split_headers(&parts.headers);
    let answer = ProxyAnswer {
        status_code: parts.status.as_u16(),
        headers,
        multi_value_headers,
        body,
        is_base64_encoded,
    };
    let bytes =
        serde_json::to_vec(&answer).map_err(|_| HandlerError::new("InvalidAnswer", "the answer has no JSON form"))?;
    if bytes.len() > MAX_ANSWER_BYTES {
        return Err(HandlerError::new(
            "AnswerTooLarge",
            "the answer is larger than Lambda passes on",
        ));
    }
    Ok(bytes)
}

/// Each header stands in one of the maps only: API Gateway merges them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProxyAnswer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    body: String,
    is_base64_encoded: bool,
}

async fn collect(body: Body) -> Result<Vec<u8>, HandlerError> {
    let body = body
        .collect()
        .await
        .map_err(|_| HandlerError::new("InvalidAnswer", "the answer's body broke off"))?;
    Ok(body.to_bytes().into())
}

fn split_headers(headers: &HeaderMap) -> (BTreeMap<String, String>, BTreeMap<String, Vec<String>>) {
    let (mut singles, mut lists) = (BTreeMap::new(), BTreeMap::new());
    for name in headers.keys() {
        // The gateway frames the message that the client gets, and writes this header itself.
        if name == header::CONTENT_LENGTH {
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

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde_json::{Value, json};

    use super::*;

    async fn answer_to(response: impl IntoResponse) -> Value {
        serde_json::from_slice(&from_response(response.into_response()).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_text_is_carried_as_it_stands() {
        let answer = answer_to((
            http::StatusCode::CREATED,
            [("etag", "\"1\""), ("content-length", "2")],
            "{}",
        ))
        .await;
        let headers = json!({"content-type": "text/plain; charset=utf-8", "etag": "\"1\""});
        assert_eq!(
            answer,
            json!({"statusCode": 201, "headers": headers, "body": "{}", "isBase64Encoded": false})
        );
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_carried_as_base64() {
        let answer = answer_to(Response::new(Body::from(vec![0xff, 0x00]))).await;
        assert_eq!(
            answer,
            json!({"statusCode": 200, "headers": {}, "body": "/wA=", "isBase64Encoded": true})
        );
    }

    #[tokio::test]
    async fn a_repeated_header_keeps_all_its_values() {
        let mut response = Response::new(Body::empty());
        response
            .headers_mut()
            .append(header::VARY, http::HeaderValue::from_static("a"));
        response
            .headers_mut()
            .append(header::VARY, http::HeaderValue::from_static("b"));
        let answer = answer_to(response).await;
        assert_eq!(answer["multiValueHeaders"], json!({"vary": ["a", "b"]}));
        assert_eq!(answer["headers"], json!({}));
    }

    #[tokio::test]
    async fn an_answer_that_lambda_would_refuse_is_an_error_of_its_own() {
        let error = from_response(Response::new(Body::from("a".repeat(MAX_ANSWER_BYTES))))
            .await
            .unwrap_err();
        assert_eq!(error.kind, "AnswerTooLarge");
    }
}
