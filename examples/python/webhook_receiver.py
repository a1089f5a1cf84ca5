#!/usr/bin/env python3
"""Receives the events of a webhook with Python's standard library, and prints those that it has verified.

    WEBHOOK_SECRET=whsec_... python3 webhook_receiver.py [PORT]

Copy `verify` and `Inbox` into your own code. docs/webhooks.md shows how to create the webhook that this one belongs to.
If the package `standardwebhooks` is installed, it has to verify each event as well.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    from standardwebhooks import Webhook
except ImportError:
    Webhook = None

DEFAULT_PORT = 9000
MAX_BYTES = 1 << 20  # an event has at most 256 KiB
MAX_IDS = 100_000


def verify(secret, headers, body, now=None):
    """The event, if it was signed with the secret less than five minutes ago. Raises `ValueError` if it was not."""
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    age = (time.time() if now is None else now) - int(timestamp or 0)
    if abs(age) > 300:
        raise ValueError("webhook-timestamp is missing, or more than five minutes away")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # While a secret rotates there are two signatures, and one of them is enough.
    signatures = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(signature.encode(), expected) for signature in signatures):
        raise ValueError("webhook-signature has no valid signature")
    return json.loads(body)


class Inbox:
    """What was handled already: an event can arrive twice, and after a later one.

    This one is lost when the program ends. Keep yours in a database, in the transaction that does the work.
    """

    def __init__(self):
        self._ids = {}
        self._sequences = {}
        self._lock = threading.Lock()

    def handle(self, event, work):
        """Calls `work` with the event unless that is out of place. Returns `handled`, `repeated` or `outdated`."""
        # Two events of one configuration can arrive at the same time.
        with self._lock:
            if event["id"] in self._ids:
                return "repeated"
            # Tests, and events about webhooks, have no sequence.
            sequence = event.get("sequence")
            if sequence and sequence <= self._sequences.get(event["source"], ""):
                return "outdated"
            work(event)
            # Only now: an event whose work failed has to come again.
            self._ids[event["id"]] = None
            if len(self._ids) > MAX_IDS:
                del self._ids[next(iter(self._ids))]
            if sequence:
                self._sequences[event["source"]] = sequence
            return "handled"


def show(event):
    """The work: print what happened."""
    data = event["data"]
    words = [event["type"], event["source"]]
    if fields := [change["field"] for change in data.get("changed", [])]:
        words.append("changed: " + ", ".join(fields))
    if actor := data.get("actor"):
        words.append("by " + (actor.get("kind") or actor["type"]))
    print(" | ".join(words), flush=True)


class Receiver(BaseHTTPRequestHandler):
    """Responds 204 to an event that it has, and 401 to what was not signed with the secret."""

    timeout = 10  # seconds; the service waits for 15
    secret = None
    inbox = Inbox()

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            return self._respond(413)
        body = self.rfile.read(int(length))
        try:
            event = verify(self.secret, self.headers, body)
            if Webhook:
                Webhook(self.secret).verify(body, dict(self.headers))
        except Exception as error:
            # No reason in the response: a sender that is not the service learns nothing.
            print("rejected |", error, flush=True)
            return self._respond(401)
        outcome = self.inbox.handle(event, show)
        if outcome != "handled":
            print(outcome, "|", event["type"], "|", event["id"], flush=True)
        return self._respond(204)

    def _respond(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing but the events is printed."""


def main():
    Receiver.secret = os.environ.get("WEBHOOK_SECRET", "")
    if not Receiver.secret.startswith("whsec_"):
        sys.exit("set WEBHOOK_SECRET to the secret of the webhook, whsec_...")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PORT
    # On this machine only. For https, put a proxy in front that has a certificate.
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    how = "by hand and by standardwebhooks" if Webhook else "by hand"
    print(f"waiting for events at http://127.0.0.1:{server.server_port}/ (verified {how})", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
