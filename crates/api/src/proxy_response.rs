//! An HTTP response as the response of a proxy integration.

use apigw::proxy_response::{self, WriteError};
use axum::response::Response;
use http_body_util::BodyExt;
use lambda::HandlerError;

/// The bytes of the proxy response that carries `response`.
pub(crate) async fn from_response(response: Response) -> Result<Vec<u8>, HandlerError> {
    let (head, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|_| HandlerError::new("InvalidAnswer", "the response's body is incomplete"))?;
    proxy_response::write(&head, body.to_bytes().into()).map_err(|error| {
        let kind = match error {
            WriteError::TooLarge => "AnswerTooLarge",
            _ => "InvalidAnswer",
        };
        HandlerError::new(kind, error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, response::IntoResponse};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn response_is_written_with_its_status_headers_and_body() {
        let response = (http::StatusCode::CREATED, [("etag", "\"1\"")], "{}").into_response();
        let written: Value = serde_json::from_slice(&from_response(response).await.unwrap()).unwrap();
        let headers = json!({"content-type": "text/plain; charset=utf-8", "etag": "\"1\""});
        assert_eq!(
            written,
            json!({"statusCode": 201, "headers": headers, "body": "{}", "isBase64Encoded": false})
        );
    }

    #[tokio::test]
    async fn response_that_lambda_rejects_is_an_error_with_its_own_kind() {
        let body = Body::from("a".repeat(proxy_response::MAX_BYTES));
        let error = from_response(Response::new(body)).await.unwrap_err();
        assert_eq!(error.kind, "AnswerTooLarge");
    }
}
