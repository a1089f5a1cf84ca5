//! Signs every request of the generated client.

use anyhow::anyhow;
use async_trait::async_trait;
use chrono::{SecondsFormat, Utc};
use hmac::{Hmac, Mac};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use sha2::{Digest, Sha256};
use url::Url;

/// A middleware sees what is sent.
pub struct Signing {
    pub key: String,
}

#[async_trait]
impl Middleware for Signing {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let digest = if body.is_empty() { String::new() } else { hex::encode(Sha256::digest(body)) };
        let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let message = format!("{}{}{timestamp}{digest}", request.method(), canonical(request.url()));
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("any length is valid");
        mac.update(message.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let mut headers = vec![
            ("authorization", format!("HMAC-SHA256 {signature}")),
            ("x-api-timestamp", timestamp),
        ];
        if !digest.is_empty() {
            headers.push(("x-body-sha256", digest));
        }
        for (name, value) in headers {
            let value = value.parse().map_err(|error| Error::Middleware(anyhow!("{name}: {error}")))?;
            request.headers_mut().insert(name, value);
        }
        next.run(request, extensions).await
    }
}

/// With the pairs of the query sorted, and percent-encoded without a plus sign.
fn canonical(url: &Url) -> String {
    let mut pairs: Vec<_> = url
        .query_pairs()
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    if pairs.is_empty() {
        url.path().to_owned()
    } else {
        format!("{}?{}", url.path(), pairs.join("&"))
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
