"""Signs every request of a client that openapi-generator made."""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

import urllib3


class SigningPool(urllib3.PoolManager):
    """Takes the place of `rest_client.pool_manager`, so that it sees the exact bytes that are sent."""

    def __init__(self, key):
        super().__init__()
        self.key = key.encode()

    def urlopen(self, method, url, redirect=True, **kw):
        body = kw.get("body") or b""
        body = body.encode() if isinstance(body, str) else body
        kw["headers"] = {**(kw.get("headers") or {}), **self.signed_headers(method, url, body)}
        return super().urlopen(method, url, redirect, **kw)

    def signed_headers(self, method, url, body):
        path, query = urlsplit(url)[2:4]
        pairs = sorted((quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in parse_qsl(query, True))
        uri = path + ("?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")
        timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        digest = hashlib.sha256(body).hexdigest() if body else ""
        message = f"{method}{uri}{timestamp}{digest}".encode()
        signature = hmac.new(self.key, message, hashlib.sha256).hexdigest()
        headers = {"Authorization": f"HMAC-SHA256 {signature}", "X-API-Timestamp": timestamp}
        return headers | ({"X-Body-SHA256": digest} if digest else {})
