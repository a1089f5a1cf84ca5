"""Calls the API as a client does, and checks every response against the contract."""

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

TIMEOUT = 30  # seconds; API Gateway gives up after 29

# What a response may carry. A header that is not here leaks something that nobody decided to publish.
ALLOWED_HEADERS = {
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "etag",
    "location",
    "retry-after",
    "strict-transport-security",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-request-id",
} | {name.strip().lower() for name in os.environ.get("ALLOW_HEADERS", "").split(",") if name.strip()}

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def now(offset=0):
    """The present, `offset` seconds away, as clients write it."""
    moment = datetime.now(UTC) + timedelta(seconds=offset)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def signature(key, method, uri, timestamp, digest=""):
    """The seed's scheme: HMAC-SHA256 over method, URI and timestamp, and over the body's digest where there is one."""
    return hmac.new(key.encode(), f"{method.upper()}{uri}{timestamp}{digest}".encode(), hashlib.sha256).hexdigest()


def canonical(query):
    """The documented form of a query: sorted by name, percent-encoded."""
    return "&".join(f"{quote(name, safe='')}={quote(str(value), safe='')}" for name, value in sorted(query.items()))


@dataclass
class Response:
    """A response that has passed `check`."""

    status: int
    headers: list
    body: bytes
    json: dict = field(default=None)

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def data(self):
        return self.json["data"]

    @property
    def error(self):
        return self.json["error"]

    @property
    def errors(self):
        """The broken rules of a 422 as pairs of field and code."""
        return [(error["field"], error["code"]) for error in self.json["details"]["errors"]]

    @property
    def etag(self):
        return self.header("ETag")

    @property
    def tag(self):
        """The entity tag in the ETag, without its quotes."""
        return re.fullmatch(r'"([0-9a-f]{32})"', self.etag)[1]

    def expect(self, status):
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:500]!r}"
        return self


def check(method, response):
    """Checks a response against what the contract promises for every response."""
    names = {name.lower() for name, _ in response.headers}
    assert names <= ALLOWED_HEADERS, f"headers nobody decided on: {names - ALLOWED_HEADERS}"
    assert response.header("X-Request-Id"), "no request id"
    assert response.header("Cache-Control") == "no-store"
    if method == "HEAD" or response.status in (204, 304):
        assert response.body == b""
        return response
    assert response.header("Content-Type") == "application/json", response.header("Content-Type")
    envelope = response.json = json.loads(response.body)
    assert TIMESTAMP.fullmatch(envelope["timestamp"]), envelope["timestamp"]
    # A batch some of whose operations failed is an error with a status below 400.
    if response.status < 400 and response.status != 207:
        assert envelope["status"] == "success"
        assert set(envelope) <= {"timestamp", "status", "data", "message"}
        assert "data" in envelope or "message" in envelope
    else:
        assert envelope["status"] == "error"
        # A health check that fails still says which part is unhealthy, and a batch which operations failed.
        assert set(envelope) <= {"timestamp", "status", "error", "details", "data"}
        assert len(envelope["error"]) > 10, "an error is a sentence"
        # An authentication scheme is named where one is missing, and nowhere else (RFC 9110, 11.6.1).
        assert response.header("WWW-Authenticate") == ("HMAC-SHA256" if response.status == 401 else None)
        assert not re.search(r"panick|stack|backtrace|\.rs:|arn:aws:dynamodb|sqlite", response.body.decode(), re.I)
    return response


class Api:
    """One deployment of the API, and a key."""

    def __init__(self, base_url, key):
        self.base_url = base_url.rstrip("/")
        self.key = key
        parts = urlsplit(self.base_url)
        self.tls = parts.scheme == "https"
        self.host, self.port = parts.hostname, parts.port or (443 if self.tls else 80)
        self.prefix = parts.path  # the stage, when the URL holds it

    def sign(self, method, uri, *, timestamp=None, digest=None, key=None):
        """The headers of a signed request, as a list of pairs."""
        timestamp = now() if timestamp is None else timestamp
        signed = signature(key or self.key, method, uri, timestamp, digest or "")
        headers = [("Authorization", f"HMAC-SHA256 {signed}"), ("X-API-Timestamp", timestamp)]
        return headers + ([("X-Body-SHA256", digest)] if digest else [])

    def call(self, method, path, body=None, *, query=None, headers=(), signed=True, sign_as=None):
        """Sends a request and returns its checked response.

        `path` is the route (`/api/v1/...`); a dict as `body` goes as JSON; `query` is a dict or the raw text. What is
        signed is the route, without the stage, or `sign_as`.
        """
        uri = path
        if query:
            uri += "?" + (query if isinstance(query, str) else canonical(query))
        all_headers = list(headers.items() if isinstance(headers, dict) else headers)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        if body is not None and not any(name.lower() == "content-type" for name, _ in all_headers):
            all_headers.append(("Content-Type", "application/json"))
        if signed:
            all_headers += self.sign(method, sign_as or uri)
        return check(method, self.send(method, uri, all_headers, body))

    def send(self, method, uri, headers=(), body=None):
        """Sends exactly these headers; the response is unchecked."""
        connection = self._connection()
        try:
            connection.putrequest(method, self.prefix + uri, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Response(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def _connection(self):
        if self.tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self.host, self.port, timeout=TIMEOUT, context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)

    def raw(self, request, *, half_close=False):
        """Sends raw bytes; returns everything that comes back until the server closes (or b"")."""
        with socket.create_connection((self.host, self.port), timeout=TIMEOUT) as connection:
            try:
                connection.sendall(request)
                if half_close:
                    with contextlib.suppress(OSError):  # the server has hung up already
                        connection.shutdown(socket.SHUT_WR)
                chunks = []
                while chunk := connection.recv(65536):
                    chunks.append(chunk)
                return b"".join(chunks)
            except (BrokenPipeError, ConnectionResetError):
                return b""  # the server would not listen to the end: its right

    # The routes.

    def create(self, config, **more):
        return self.call("POST", f"/api/v1/tenants/{config['tenant_id']}/delivery-configs", config, **more)

    def get(self, tenant, kind, **more):
        return self.call("GET", config_path(tenant, kind), **more)

    def patch(self, tenant, kind, body, **more):
        return self.call("PATCH", config_path(tenant, kind), body, **more)

    def put(self, tenant, kind, body, **more):
        return self.call("PUT", config_path(tenant, kind), body, **more)

    def delete(self, tenant, kind, **more):
        return self.call("DELETE", config_path(tenant, kind), **more)

    def list_tenant(self, tenant, **more):
        return self.call("GET", f"/api/v1/tenants/{tenant}/delivery-configs", **more)

    def list_all(self, **query):
        return self.call("GET", "/api/v1/delivery-configs", query=query)

    def walk(self, limit):
        """Yields the configurations of every page."""
        query = {"limit": limit}
        while True:
            data = self.list_all(**query).expect(200).data
            assert data["count"] == len(data["configurations"]) <= limit
            assert data["limit"] == limit
            yield from data["configurations"]
            if "last_key" not in data:
                return
            assert data["configurations"], "a page that is not the last holds something"
            query["last_key"] = data["last_key"]


def config_path(tenant, kind):
    return f"/api/v1/tenants/{tenant}/delivery-configs/{kind}"


def cloudwatch(tenant, **more):
    """A CloudWatch configuration with every required field."""
    return {
        "tenant_id": tenant,
        "type": "cloudwatch",
        "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole",
        "log_group_name": f"/aws/logs/{tenant}",
    } | more


def s3(tenant, **more):
    """An S3 configuration with every required field."""
    return {"tenant_id": tenant, "type": "s3", "bucket_name": "acme-corp-logs"} | more
