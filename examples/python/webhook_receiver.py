#!/usr/bin/env python3
"""Receives events of the Tenant Management API and verifies them. Needs nothing but Python 3.

    WEBHOOK_SECRET=whsec_... examples/python/webhook_receiver.py [PORT]

Prints a line for each new event. docs/webhooks.md says how to try it with the local server.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds by which the clocks may differ


def verify(secret, headers, body):
    """Whether one of the signatures is right and recent. `body` are the bytes as they came."""
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    # While a secret rotates there are two.
    signatures = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures)


# The ids of the events so far, and the sequence of the last one of each configuration. A real receiver stores both.
RECEIVED = set()
LATEST = {}


class Receiver(BaseHTTPRequestHandler):
    secret = os.environ.get("WEBHOOK_SECRET", "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not verify(self.secret, self.headers, body):
            return self.respond(401)
        event = json.loads(body)
        if event["id"] not in RECEIVED:
            RECEIVED.add(event["id"])
            self.handle_event(event)
        return self.respond(204)

    def handle_event(self, event):
        data, note = event["data"], ""
        if "sequence" in event:
            key = (data["tenant_id"], data["type"])
            # Events come in no order: an earlier one than the last changes nothing.
            if event["sequence"] <= LATEST.get(key, ""):
                note = " (an earlier change than the last one)"
            else:
                LATEST[key] = event["sequence"]
        subject = "/".join(str(data[name]) for name in ("tenant_id", "type") if name in data)
        print(f"verified {event['type']} {subject}{note}", flush=True)

    def respond(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if not Receiver.secret:
        sys.exit("WEBHOOK_SECRET is not set; set it to the secret of the webhook")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
