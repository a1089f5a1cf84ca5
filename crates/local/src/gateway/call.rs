//! One HTTP request as the gateway sees it: read off the wire, bounded, and cleaned of what ends at this hop.

use std::{net::SocketAddr, time::Duration};

use chrono::{DateTime, Utc};
use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{CONTENT_LENGTH, EXPECT, HOST},
    request::Parts,
};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::timeout;

use super::{gateway_response::GatewayResponse, hop_by_hop};
use crate::id;

/// The most that API Gateway takes: 10 MB of body.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// What is read of a body that is too large and thrown away, so that a client which does not listen while it sends
/// gets to read its response.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;
/// API Gateway's bound on the request line and all header values together, here on each of the two, names included.
const MAX_HEAD_BYTES: usize = 10_240;
const TRACE_HEADER: &str = "x-amzn-trace-id";

/// What came over the wire, and when and from where.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// Without those that end at this hop, with those that the gateway adds.
    pub(super) headers: HeaderMap,
    pub(super) peer: SocketAddr,
    pub(super) time: DateTime<Utc>,
    pub(super) request_id: String,
    pub(super) trace_id: String,
}

impl Call {
    /// Reads the head of a request.
    pub(super) fn new(head: Parts, peer: SocketAddr, local_port: u16) -> Self {
        let time = Utc::now();
        let mut headers = head.headers;
        hop_by_hop::remove(&mut headers);
        headers.remove(EXPECT);
        let trace_id = headers
            .get(TRACE_HEADER)
            .and_then(|value| value.to_str().ok())
            .map_or_else(|| id::trace_root(time), str::to_owned);
        let mut call = Self {
            method: head.method,
            uri: head.uri,
            headers,
            peer,
            time,
            request_id: id::uuid(),
            trace_id,
        };
        call.add_headers(local_port);
        call
    }

    /// Rejects a request that does not name its host once, as HTTP demands.
    pub(super) fn check_host(&self) -> Result<(), GatewayResponse> {
        let mut hosts = self.headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) if !host.as_bytes().trim_ascii().is_empty() => Ok(()),
            _ => Err(GatewayResponse::HostNotNamedOnce),
        }
    }

    /// Rejects a head that API Gateway would not read.
    pub(super) fn check_size(&self) -> Result<(), GatewayResponse> {
        if self.path().len() + self.query().map_or(0, str::len) > MAX_HEAD_BYTES {
            return Err(GatewayResponse::UriTooLong);
        }
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if headers > MAX_HEAD_BYTES {
            Err(GatewayResponse::HeadersTooLarge)
        } else {
            Ok(())
        }
    }

    /// The path as it came, percent-encoding and all. `*` and a `CONNECT` have none.
    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// What follows the `?`, when there is something.
    pub(super) fn query(&self) -> Option<&str> {
        self.uri.query().filter(|query| !query.is_empty())
    }

    /// Whether a header is there with a value that is not blank.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers
            .get(name)
            .is_some_and(|value| !value.as_bytes().trim_ascii().is_empty())
    }

    fn add_headers(&mut self, local_port: u16) {
        let client = self.peer.ip().to_canonical().to_string();
        let forwarded_for = match self
            .headers
            .get("x-forwarded-for")
            .and_then(|value| value.to_str().ok())
        {
            Some(before) => format!("{before}, {client}"),
            None => client,
        };
        for (name, value) in [
            ("x-forwarded-for", forwarded_for),
            ("x-forwarded-port", local_port.to_string()),
            ("x-forwarded-proto", "http".to_owned()),
            (TRACE_HEADER, self.trace_id.clone()),
        ] {
            let value =
                HeaderValue::from_str(&value).expect("addresses, ports and visible header text are header text");
            self.headers.insert(name, value);
        }
    }
}

/// The body of a request, which is not read before the head has decided that it is needed.
pub(super) struct RequestBody {
    /// Until it is read or given up.
    incoming: Option<Incoming>,
    announced_bytes: usize,
    /// Whether the client sends it only if it is asked to.
    is_on_request: bool,
    time_limit: Duration,
}

impl RequestBody {
    /// The body after this head.
    pub(super) fn new(head: &Parts, incoming: Incoming, time_limit: Duration) -> Self {
        let announced = head.headers.get(CONTENT_LENGTH);
        let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
        Self {
            incoming: Some(incoming),
            announced_bytes: announced.unwrap_or(0),
            is_on_request: head.headers.contains_key(EXPECT),
            time_limit,
        }
    }

    /// Rejects a body that is announced as too large.
    pub(super) fn check_size(&self) -> Result<(), GatewayResponse> {
        if self.announced_bytes > MAX_BODY_BYTES {
            Err(GatewayResponse::BodyTooLarge)
        } else {
            Ok(())
        }
    }

    /// Reads it to its end, within the limits of size and time.
    pub(super) async fn read(&mut self) -> Result<Bytes, GatewayResponse> {
        let Some(incoming) = self.incoming.take() else {
            return Ok(Bytes::new());
        };
        let expected = usize::try_from(incoming.size_hint().lower()).unwrap_or(0);
        let mut bytes = Vec::with_capacity(expected.min(MAX_BODY_BYTES));
        let reading = self.read_frames(incoming, |data, seen| {
            if seen <= MAX_BODY_BYTES {
                bytes.extend_from_slice(data);
            } else {
                bytes = Vec::new();
            }
        });
        if reading.await? > MAX_BODY_BYTES {
            Err(GatewayResponse::BodyTooLarge)
        } else {
            Ok(Bytes::from(bytes))
        }
    }

    /// Reads what was not read and throws it away: a client that does not listen while it sends would not get its
    /// response.
    pub(super) async fn discard(&mut self) {
        if let Some(incoming) = self.incoming.take()
            && !self.is_on_request
            && self.announced_bytes <= MAX_DISCARDED_BYTES
        {
            // The response is another one already.
            let _ = self.read_frames(incoming, |_, _| {}).await;
        }
    }

    /// Calls `take` with each part and with the number of bytes so far; returns how many they were.
    async fn read_frames(
        &self,
        mut incoming: Incoming,
        mut take: impl FnMut(&[u8], usize),
    ) -> Result<usize, GatewayResponse> {
        let reading = async {
            let mut seen = 0;
            while seen <= MAX_DISCARDED_BYTES
                && let Some(frame) = incoming.frame().await
            {
                let frame = frame.map_err(|_| GatewayResponse::BodyIncomplete)?;
                // Trailers are dropped, as every gateway in front of a function drops them.
                let Ok(data) = frame.into_data() else { continue };
                seen += data.len();
                take(&data, seen);
            }
            Ok(seen)
        };
        timeout(self.time_limit, reading)
            .await
            .unwrap_or(Err(GatewayResponse::BodyTimeout))
    }
}
