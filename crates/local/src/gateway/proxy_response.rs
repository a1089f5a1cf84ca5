//! The integration's response as HTTP: what API Gateway takes away before it sends it.

use apigw::proxy_response::{self, ReadError};
use http::{Response, header::CONTENT_LENGTH};
use http_body_util::Full;
use hyper::body::Bytes;

use super::hop_by_hop;

/// Reads the response of a function.
pub(super) fn read(response: &[u8]) -> Result<Response<Full<Bytes>>, ReadError> {
    let mut response = proxy_response::read(response)?.map(|body| Full::new(Bytes::from(body)));
    hop_by_hop::remove(response.headers_mut());
    // The length is that of the body that the server sends.
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn hop_by_hop_headers_and_content_length_are_removed() {
        let response = json!({
            "statusCode": 200,
            "headers": {"Connection": "x-hop", "X-Hop": "1", "Transfer-Encoding": "chunked", "Content-Length": "99"},
            "body": "short",
        });
        let (head, body) = read(response.to_string().as_bytes()).unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(head.headers.keys().collect::<Vec<_>>(), ["content-type"]);
        assert_eq!(body, "short");
    }
}
