//! How to sign a request, for authors of clients.

use serde_json::{Value, json};
use tenant_core::signature::{
    MAX_QUERY_PAIRS, MAX_URI_BYTES, MIN_KEY_BYTES, Message, Method, SCHEME, SigningKey, Timestamp, Uri, WINDOW, sign,
};

/// The two headers of a signed request. OpenAPI has no scheme for a signature: two keys in headers come closest, and
/// one requirement names both.
pub(crate) fn schemes() -> Value {
    json!({
        "Signature": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": algorithm(),
        },
        "Timestamp": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Timestamp",
            "description": format!(
                "When the request was signed, as `YYYY-MM-DDThh:mm:ss`, up to nine digits of a fraction, and `Z` or `+00:00`. \
                 It can be at most {} seconds before or after the clock of the service. The signature covers this exact text.",
                WINDOW.num_seconds()
            ),
        },
    })
}

/// Both schemes at once.
pub(crate) fn requirement() -> Value {
    json!([{ "Signature": [], "Timestamp": [] }])
}

fn algorithm() -> String {
    let (message, authorization) = example();
    format!(
        "`Authorization: {SCHEME} <hex>`, where `<hex>` is, in 64 hex digits,\n\
         \n\
         ```\n\
         {SCHEME}(key, METHOD + URI + TIMESTAMP + BODY_SHA256)\n\
         ```\n\
         \n\
         There is no separator between the parts:\n\
         \n\
         - `key`: the bytes of the pre-shared key as it is stored: not decoded, and without line ends after it. At least {MIN_KEY_BYTES} bytes.\n\
         - `METHOD`: the method in upper case.\n\
         - `URI`: path and query as they are sent, at most {MAX_URI_BYTES} bytes: `/api/v1/...`, or with the stage in front on an `execute-api` \
         host. In the query, every byte except `A-Z a-z 0-9 - . _ ~` is percent-encoded with upper-case digits, and the \
         pairs (at most {MAX_QUERY_PAIRS}) are sorted by name. Without a query there is no `?`.\n\
         - `TIMESTAMP`: the text of `X-API-Timestamp`.\n\
         - `BODY_SHA256`: the text of `X-Body-SHA256` if that header is sent, otherwise nothing.\n\
         \n\
         For example, with the key `0123456789abcdef` the message `{message}` gives the header `Authorization: {authorization}`.\n\
         \n\
         The response to a request without one of the headers is a 401. The response to one whose signature or timestamp is \
         rejected is a 403 that gives no reason: the log of the service has it."
    )
}

/// A message, and the header that signs it.
fn example() -> (String, String) {
    let key = SigningKey::new(b"0123456789abcdef").unwrap();
    let message = Message {
        method: &Method::parse("GET").unwrap(),
        uri: &Uri::parse("/api/v1/delivery-configs?limit=1").unwrap(),
        timestamp: &Timestamp::parse("2024-01-15T10:30:00Z").unwrap(),
        body_digest: None,
    };
    (
        String::from_utf8(message.to_bytes()).unwrap(),
        sign(&key, &message).to_authorization(),
    )
}
