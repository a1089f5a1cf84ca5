//! The events that API Gateway sends, as it sends them: with every header of a client behind `CloudFront` and with the whole
//! request context, whether or not the functions read it.

use chrono::Utc;
use http::Request;
use hyper::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tenant_core::signature::{BodyDigest, Message, Method, SigningKey, Timestamp, Uri, sign};

use crate::ssm::PSK;

const API: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod";
const BODY_SHA256: &str = "X-Body-SHA256";
/// RFC 3986's unreserved characters are not encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request of a client.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    header: Option<(&'static str, String)>,
    body: Option<Value>,
}

impl Call {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            header: None,
            body: None,
        }
    }

    pub(crate) fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    pub(crate) fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds the digest of the body, which the signature then covers.
    pub(crate) fn with_digest(self) -> Self {
        let body = self.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let digest = BodyDigest::from_body(body.as_bytes());
        self.with_header(BODY_SHA256, digest.as_str())
    }

    /// The request that a client sends, signed now.
    pub(crate) fn http_request(&self) -> Request<Bytes> {
        let signed = self.signature();
        let own = self.header.iter().map(|(name, value)| (*name, value.as_str()));
        let headers = [
            ("Host", "localhost"),
            ("Content-Type", "application/json"),
            ("Authorization", &signed.authorization),
            ("X-API-Timestamp", &signed.timestamp),
        ];
        let request = Request::builder().method(self.method).uri(&self.path);
        let request = headers
            .into_iter()
            .chain(own)
            .fold(request, |request, (name, value)| request.header(name, value));
        let body = self.body.as_ref().map(ToString::to_string).unwrap_or_default();
        request
            .body(Bytes::from(body))
            .expect("methods, paths and headers here are plain")
    }

    /// The event that the api function gets, once the authorizer has allowed the call.
    pub(crate) fn api_event(&self) -> Bytes {
        let mut event = self.event(&self.signature());
        event["requestContext"]["authorizer"] = json!({
            "principalId": "tenant-management", "authMethod": "HMAC-SHA256", "keyVersion": "current:1",
            "integrationLatency": 3,
        });
        event["body"] = self
            .body
            .as_ref()
            .map_or(Value::Null, |body| Value::String(body.to_string()));
        event["isBase64Encoded"] = Value::Bool(false);
        Bytes::from(event.to_string())
    }

    /// The event that the authorizer gets, signed now.
    pub(crate) fn authorizer_event(&self) -> Bytes {
        self.authorizer_event_with(&self.signature())
    }

    /// The same with an invalid signature.
    pub(crate) fn forged_authorizer_event(&self) -> Bytes {
        let Signed { timestamp, .. } = self.signature();
        let authorization = format!("HMAC-SHA256 {}", "0".repeat(64));
        self.authorizer_event_with(&Signed {
            authorization,
            timestamp,
        })
    }

    fn authorizer_event_with(&self, signed: &Signed) -> Bytes {
        let mut event = self.event(signed);
        event["type"] = json!("REQUEST");
        event["methodArn"] = json!(format!("{API}/{}{}", self.method, self.path));
        Bytes::from(event.to_string())
    }

    /// Signs the canonical form: encoded, and sorted by name.
    fn signature(&self) -> Signed {
        let mut pairs: Vec<_> = self
            .query
            .iter()
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        pairs.sort();
        let pairs: Vec<_> = pairs
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let query = if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        };
        let timestamp = Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let digest = self.header.as_ref().filter(|(name, _)| *name == BODY_SHA256);
        let digest = digest.map(|(_, digest)| BodyDigest::parse(digest).expect("it is made here"));
        let message = Message {
            method: &Method::parse(self.method).expect("methods here are plain words"),
            uri: &Uri::parse(&format!("{}{query}", self.path)).expect("paths here are plain"),
            timestamp: &Timestamp::parse(&timestamp).expect("the format is the required one"),
            body_digest: digest.as_ref(),
        };
        let key = SigningKey::new(PSK.as_bytes()).expect("the key is long enough");
        Signed {
            authorization: sign(&key, &message).to_authorization(),
            timestamp,
        }
    }

    fn event(&self, signed: &Signed) -> Value {
        let headers = [
            ("Accept", "*/*"),
            ("Accept-Encoding", "gzip, deflate"),
            ("Authorization", &signed.authorization),
            ("CloudFront-Forwarded-Proto", "https"),
            ("CloudFront-Is-Desktop-Viewer", "true"),
            ("CloudFront-Is-Mobile-Viewer", "false"),
            ("CloudFront-Is-SmartTV-Viewer", "false"),
            ("CloudFront-Is-Tablet-Viewer", "false"),
            ("CloudFront-Viewer-ASN", "64496"),
            ("CloudFront-Viewer-Country", "DE"),
            ("Content-Type", "application/json"),
            ("Host", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"),
            ("User-Agent", "python-requests/2.32.3"),
            (
                "Via",
                "1.1 0123456789abcdef0123456789abcdef.cloudfront.net (CloudFront)",
            ),
            ("X-API-Timestamp", &signed.timestamp),
            ("X-Amz-Cf-Id", "dGhpcyBpcyBub3QgYSByZWFsIGNsb3VkZnJvbnQgaWQgYXQgYWxs"),
            ("X-Amzn-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
            ("X-Forwarded-For", "203.0.113.10, 198.51.100.20"),
            ("X-Forwarded-Port", "443"),
            ("X-Forwarded-Proto", "https"),
        ];
        let headers = || {
            let own = self.header.iter().map(|(name, value)| (*name, value.as_str()));
            headers.into_iter().chain(own)
        };
        let single = |pairs: &mut dyn Iterator<Item = (&str, &str)>| -> Map<String, Value> {
            pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect()
        };
        let multiple = |pairs: &mut dyn Iterator<Item = (&str, &str)>| -> Map<String, Value> {
            pairs.map(|(name, value)| (name.to_owned(), json!([value]))).collect()
        };
        let query = || self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let unless_empty = |map: Map<String, Value>| {
            if map.is_empty() {
                Value::Null
            } else {
                Value::Object(map)
            }
        };
        json!({
            "resource": "/{proxy+}",
            "path": self.path,
            "httpMethod": self.method,
            "headers": single(&mut headers()),
            "multiValueHeaders": multiple(&mut headers()),
            "queryStringParameters": unless_empty(single(&mut query())),
            "multiValueQueryStringParameters": unless_empty(multiple(&mut query())),
            "pathParameters": {"proxy": self.path.trim_start_matches('/')},
            "stageVariables": null,
            "requestContext": self.request_context(),
        })
    }

    fn request_context(&self) -> Value {
        json!({
            "resourceId": "r3s0u7",
            "resourcePath": "/{proxy+}",
            "httpMethod": self.method,
            "extendedRequestId": "Q1h5bEdoM0lBTUZ4Zz0=",
            "requestTime": "15/Jan/2024:10:30:00 +0000",
            "path": format!("/prod{}", self.path),
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "a1b2c3d4e5",
            "requestTimeEpoch": 1_705_314_600_000_i64,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {
                "cognitoIdentityPoolId": null, "accountId": null, "cognitoIdentityId": null, "caller": null,
                "sourceIp": "203.0.113.10", "principalOrgId": null, "accessKey": null,
                "cognitoAuthenticationType": null, "cognitoAuthenticationProvider": null, "userArn": null,
                "userAgent": "python-requests/2.32.3", "user": null,
            },
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "deploymentId": "d3pl0y",
            "apiId": "a1b2c3d4e5",
        })
    }
}

struct Signed {
    authorization: String,
    timestamp: String,
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
