"""Webhooks on this machine, verified by the official library and by the example."""

import base64
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

import pytest
from harness import config_path, s3
from standardwebhooks import Webhook, WebhookVerificationError

RECEIVER = pathlib.Path(__file__).parents[2] / "examples" / "python" / "webhook_receiver.py"
PATIENCE = 20
NETWORKS = ("--in-memory", "--webhook-networks", "127.0.0.0/8")


class Subscriber:
    """Keeps the headers and bodies that it receives while it is up, and counts what it receives while it is down."""

    def __init__(self, is_up=True):
        self.is_up, self.rejected = is_up, 0
        received, subscriber = [], self
        self.received = received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = (dict(self.headers), self.rfile.read(int(self.headers["content-length"])))
                if subscriber.is_up:
                    received.append(request)
                else:
                    subscriber.rejected += 1
                self.send_response(204 if subscriber.is_up else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while len(self.received) < count:
            assert time.monotonic() < deadline, (len(self.received), self.received[:3])
            time.sleep(0.02)
        return self.received


def create(server, url, **more):
    return server.api.call("POST", "/api/v1/webhooks", body={"url": url} | more).expect(201).data


def test_official_library_verifies_every_event(start, tenant):
    server, subscriber = start(*NETWORKS), Subscriber()
    webhook = create(server, subscriber.url)
    server.api.call("POST", f"/api/v1/tenants/{tenant}/delivery-configs", body=s3(tenant)).expect(201)
    server.api.call("PATCH", config_path(tenant, "s3"), body={"enabled": False}).expect(200)
    verifier = Webhook(webhook["secret"])
    events = [verifier.verify(body, headers) for headers, body in subscriber.wait(2)]
    assert {event["type"] for event in events} == {"delivery_config.created", "delivery_config.updated"}
    headers, body = subscriber.received[0]
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body.replace(b"specversion", b"specVersion"), headers)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body, headers | {"webhook-timestamp": "1614265330"})
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)


def test_both_secrets_verify_while_they_rotate(start, tenant):
    server, subscriber = start(*NETWORKS), Subscriber()
    webhook = create(server, subscriber.url)
    path = f"/api/v1/webhooks/{webhook['id']}"
    rotated = server.api.call("POST", f"{path}/secret/rotate", body={"grace_seconds": 600}).expect(200).data
    assert rotated["previous_secret"] == webhook["secret"] != rotated["secret"]
    server.api.call("POST", f"{path}/test").expect(202)
    [(headers, body)] = subscriber.wait(1)
    for secret in (webhook["secret"], rotated["secret"]):
        assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"


def test_example_of_a_receiver_prints_what_it_verified(start, tenant):
    server, subscriber = start(*NETWORKS), Subscriber()
    webhook = create(server, subscriber.url)
    environment = os.environ | {"WEBHOOK_SECRET": webhook["secret"]}
    receiver = subprocess.Popen(
        [sys.executable, RECEIVER, "0"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        url = re.search(r"http://\S+", receiver.stdout.readline())[0]
        server.api.call("PATCH", f"/api/v1/webhooks/{webhook['id']}", body={"url": url}).expect(200)
        server.api.call("POST", f"/api/v1/tenants/{tenant}/delivery-configs", body=s3(tenant)).expect(201)
        printed = receiver.stdout.readline()
        assert printed.startswith(f"delivery_config.created | {config_path(tenant, 's3')} | changed: bucket_name"), (
            printed
        )
        # Another secret than the example has.
        server.api.call("POST", f"/api/v1/webhooks/{webhook['id']}/secret/rotate", body={"grace_seconds": 0}).expect(
            200
        )
        event = server.api.call("POST", f"/api/v1/webhooks/{webhook['id']}/test").expect(202).data["event_id"]
        deadline = time.monotonic() + PATIENCE
        attempts = []
        while not attempts and time.monotonic() < deadline:
            delivery = server.api.call("GET", f"/api/v1/webhooks/{webhook['id']}/deliveries/{event}").expect(200)
            attempts = delivery.data["last_attempts"]
        assert [attempt["status"] for attempt in attempts] == [401]
    finally:
        receiver.kill()
        receiver.wait()


def test_vector_of_the_specification_is_verified_by_the_example():
    sys.path.insert(0, str(RECEIVER.parent))
    import webhook_receiver

    now = int(time.time())
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = json.dumps({"test": 2432232314})
    signature = Webhook(secret).sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.datetime.fromtimestamp(now, datetime.UTC), body
    )
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,AAAA {signature}",
    }
    assert webhook_receiver.verify(secret, headers, body.encode())
    with pytest.raises(ValueError, match="five minutes"):
        webhook_receiver.verify(secret, headers | {"webhook-timestamp": str(now - 301)}, body.encode())
    with pytest.raises(ValueError, match="no valid signature"):
        webhook_receiver.verify(secret, headers, b"{}")


def ids(subscriber):
    return [headers["webhook-id"] for headers, _ in subscriber.received]


@pytest.mark.skipif(
    not os.environ.get("FULL"), reason="takes two minutes: a subscriber that fails is left alone for one"
)
def test_subscriber_that_was_down_gets_a_thousand_events_and_no_other_waits(start, tenant):
    server = start(*NETWORKS, "--webhook-retry-schedule", "1,2,4,8,16,32")
    down, healthy = Subscriber(is_up=False), Subscriber()
    webhook = create(server, down.url)
    create(server, healthy.url, events=["delivery_config.created"])
    path = "/api/v1/delivery-configs/batch"
    for first in range(0, 1000, 100):
        numbers = range(first, first + 100)
        operations = [{"op": "create", "config": s3(f"{tenant}-{number}")} for number in numbers]
        body = json.dumps({"operations": operations, "atomic": False}).encode()
        signed = server.api.sign("POST", path, digest=hashlib.sha256(body).hexdigest())
        server.api.call("POST", path, body, headers=signed, signed=False).expect(200)
    # The other one has everything while this one is left alone.
    healthy.wait(1000, 120)
    assert not down.received
    # Ten failures, and what was under way at the tenth.
    assert down.rejected <= 20
    assert server.api.call("GET", f"/api/v1/webhooks/{webhook['id']}").expect(200).data["status"] == "failing"
    down.is_up = True
    down.wait(1000, 180)
    assert sorted(set(ids(down))) == sorted(ids(down)) == sorted(ids(healthy))
    status = server.api.call("GET", f"/api/v1/webhooks/{webhook['id']}").expect(200).data["status"]
    assert status == "enabled"
