"""Signs requests as the description's security schemes specify."""

import hashlib
import hmac
import os
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

import requests


def signed_headers(psk, method, target, body=b"", digest=None):
    """The headers of a signed request. If there is a body, it is signed too.

    The digest is that of the body unless the caller passes another one.
    """
    timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    if digest is None and body:
        digest = hashlib.sha256(body).hexdigest()
    message = f"{method.upper()}{canonical(target)}{timestamp}{digest or ''}"
    signature = hmac.new(psk.encode(), message.encode(), hashlib.sha256).hexdigest()
    headers = {"Authorization": f"HMAC-SHA256 {signature}", "X-API-Timestamp": timestamp}
    return headers | ({"X-Body-SHA256": digest} if digest else {})


def canonical(target):
    """Path and query in the form that the signature scheme recommends."""
    path, query = urlsplit(target)[2:4]
    pairs = sorted((quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in parse_qsl(query, True))
    return path + ("?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")


class SignatureAuth(requests.auth.AuthBase):
    """Signs with the key in PSK after everything else about the request is final."""

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        given = request.headers.get("X-Body-SHA256")
        digest = given.decode("latin-1") if isinstance(given, bytes) else given
        request.headers.update(signed_headers(os.environ["PSK"], request.method, request.url, body, digest))
        return request
