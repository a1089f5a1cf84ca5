"""What docs/webhooks.md promises, with the local server as the sender and the receiver of examples/ as the receiver."""

import json
import os
import queue
import re
import secrets
import shlex
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness import Api, s3
from verifiers import DOCS, RECEIVER, is_verified, snippet

WEBHOOKS = "/api/v1/webhooks"
LONG = 20  # seconds that an event may take


@pytest.fixture(scope="module")
def sender(start):
    """A server that delivers to this machine, and repeats soon what failed."""
    server = start("--webhook-networks", "127.0.0.0/8", "--webhook-retry-schedule", "1,1,1,1,1,1,1,1")
    return Api(server.base_url, server.psk)


@pytest.fixture
def tenant():
    return f"t-{secrets.token_hex(4)}"


@pytest.fixture
def create(sender):
    """Creates webhooks, and deletes them when the test ends."""
    created = []

    def create(**settings):
        created.append(sender.call("POST", WEBHOOKS, settings).expect(201).data)
        return created[-1]

    yield create
    for webhook in created:
        sender.call("DELETE", f"{WEBHOOKS}/{webhook['id']}").expect(200)


class Receiver:
    """The receiver of examples/ as a program, on a port that the system chose."""

    def __init__(self, secret, port=0):
        self.process = subprocess.Popen(
            [sys.executable, str(RECEIVER), str(port)],
            env=os.environ | {"WEBHOOK_SECRET": secret},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.greeting = self.next_line()
        self.url = re.search(r"http://127\.0\.0\.1:\d+/", self.greeting)[0]

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def next_line(self):
        return self._lines.get(timeout=LONG)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def receive():
    started = []

    def receive(*arguments):
        started.append(Receiver(*arguments))
        return started[-1]

    yield receive
    for receiver in started:
        receiver.stop()


@pytest.fixture
def sink():
    """A URL, and a queue of what was sent there: headers and body."""
    received = queue.Queue()

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", received
    server.shutdown()
    server.server_close()


def await_delivery(sender, webhook, event_id, is_there):
    path = f"{WEBHOOKS}/{webhook['id']}/deliveries/{event_id}"
    deadline = time.monotonic() + LONG
    while not is_there(delivery := sender.call("GET", path).expect(200).data):
        assert time.monotonic() < deadline, delivery
        time.sleep(0.1)
    return delivery


def test_steps_of_the_documentation_show_its_events(sender, create, receive):
    section = DOCS.split("## Try it")[1].split("\n## ")[0]
    commands = [shlex.split(line) for line in re.findall(r"^\$ (api .*)$", section, re.M)]
    (_, method, uri, body), *steps = commands
    assert (method, uri) == ("POST", WEBHOOKS)
    assert "9000" in body
    # Another program may use the port of the documentation.
    webhook = create(url="http://127.0.0.1:1/", enabled=False)
    receiver = receive(webhook["secret"])
    path = f"{WEBHOOKS}/{webhook['id']}"
    settings = json.loads(body) | {"url": receiver.url, "enabled": True}
    sender.call("PATCH", path, settings).expect(200)
    shown = re.search(r"```text\n(.*?)```", section, re.S)[1].replace("WEBHOOK_ID", webhook["id"]).splitlines()
    assert len(shown) == len(steps)
    # One after the other, since events can overtake each other.
    for (_, method, uri, *body), expected in zip(steps, shown, strict=True):
        sent = sender.call(method, uri.replace("WEBHOOK_ID", webhook["id"]), body[0].encode() if body else None)
        assert sent.status < 300, sent.body
        assert receiver.next_line() == expected
    assert receiver.greeting.endswith("(verified by hand and by standardwebhooks)")


def test_documented_event_has_the_form_of_a_real_one(sender, create, sink, tenant):
    url, received = sink
    create(url=url, events=["delivery_config.updated"])
    sender.create(s3(tenant)).expect(201)
    sender.patch(tenant, "s3", {"enabled": False}).expect(200)
    headers, body = received.get(timeout=LONG)
    event, documented = json.loads(body), json.loads(snippet("json", '{\n  "specversion"'))

    def form(value):
        if isinstance(value, dict):
            return {name: form(member) for name, member in value.items()}
        return [form(entry) for entry in value] if isinstance(value, list) else type(value)

    assert form(event) == form(documented)
    assert event["data"]["changed"] == documented["data"]["changed"]
    assert event["sequence"] == event["data"]["revision"]
    assert headers["webhook-id"] == event["id"] == f"evt_{event['sequence']}"
    assert event["data"]["revision_path"].endswith(f"/history/{event['sequence']}")
    shown = re.search(r"```http\n(.*?)```", DOCS, re.S)[1].splitlines()[1:]
    names = {line.split(": ")[0] for line in shown}
    assert names | {"accept", "content-length"} == {name.lower() for name in headers}
    assert sender.call("GET", event["data"]["revision_path"]).expect(200).data["event"] == "updated"


def test_documented_webhook_has_the_form_of_a_real_one(sender):
    documented = json.loads(snippet("json", '{\n  "timestamp"'))
    created = sender.call("POST", WEBHOOKS, {"url": documented["data"]["url"], "enabled": False}).expect(201)
    assert list(created.json["data"]) == list(documented["data"])
    assert set(created.json) == set(documented)
    path = f"{WEBHOOKS}/{created.data['id']}"
    # What the status 201 had comes again.
    assert sender.call("GET", path + "/secret").expect(200).data == {"secret": created.data["secret"]}
    sender.call("DELETE", path).expect(200)


def test_every_verifier_verifies_events_through_a_rotation(sender, create, sink, tenant, verifiers):
    url, received = sink
    webhook = create(url=url, types=["s3"])
    path = f"{WEBHOOKS}/{webhook['id']}"

    def next_event():
        return received.get(timeout=LONG)

    def verified(secret, headers, body):
        return {which: is_verified(verify, secret, headers, body) for which, verify in verifiers.items()}

    everywhere, nowhere = dict.fromkeys(verifiers, True), dict.fromkeys(verifiers, False)
    first = webhook["secret"]
    sender.create(s3(tenant)).expect(201)
    headers, body = next_event()
    assert verified(first, headers, body) == everywhere
    assert verified(first, headers, body.replace(b"created", b"deleted")) == nowhere

    rotated = sender.call("POST", path + "/secret/rotate", {"grace_seconds": 600}).expect(200).data
    second = rotated["secret"]
    assert rotated["previous_secret"] == first != second
    sender.patch(tenant, "s3", {"enabled": False}).expect(200)
    headers, body = next_event()
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert verified(first, headers, body) == verified(second, headers, body) == everywhere

    # Without a grace, nothing that was valid before is.
    third = sender.call("POST", path + "/secret/rotate", {"grace_seconds": 0}).expect(200).data
    assert set(third) == {"secret"}
    sender.delete(tenant, "s3").expect(200)
    headers, body = next_event()
    assert len(headers["webhook-signature"].split(" ")) == 1
    assert verified(third["secret"], headers, body) == everywhere
    assert verified(first, headers, body) == verified(second, headers, body) == nowhere


def test_rejected_event_arrives_once_the_receiver_has_the_right_secret(sender, create, receive):
    webhook = create(url="http://127.0.0.1:1/", enabled=False)
    wrong = receive("whsec_" + "A" * 43 + "=")
    path = f"{WEBHOOKS}/{webhook['id']}"
    sender.call("PATCH", path, {"url": wrong.url, "enabled": True}).expect(200)
    event_id = sender.call("POST", path + "/test").expect(202).data["event_id"]
    assert wrong.next_line() == "rejected | webhook-signature has no valid signature"
    # It has printed that before it responds.
    await_delivery(sender, webhook, event_id, lambda delivery: delivery["attempts"])
    wrong.stop()
    right = receive(webhook["secret"], re.search(r":(\d+)", wrong.url)[1])
    assert right.next_line() == f"webhook.test | {path}"
    delivery = await_delivery(sender, webhook, event_id, lambda delivery: delivery["status"] == "succeeded")
    statuses = [attempt.get("status") for attempt in delivery["last_attempts"]]
    assert (statuses[0], statuses[-1]) == (401, 204)
    # A redelivery has the same id, so the receiver does nothing.
    sender.call("POST", f"{path}/deliveries/{event_id}/redeliver").expect(202)
    assert right.next_line() == f"repeated | webhook.test | {event_id}"


def rejected_urls():
    """The examples of the table, with the message beside each."""
    section = DOCS.split("\n## URLs that are rejected")[1].split("\n## ")[0]
    for examples, message in re.findall(r"^\| [^|]* \| (`.*`) \| (.*) \|$", section, re.M):
        for url in re.findall(r"`([^`]*)`", examples):
            yield url, message


@pytest.fixture(scope="module")
def strict(start):
    """A server as it is without options."""
    server = start()
    return Api(server.base_url, server.psk)


def test_url_of_the_table_is_rejected_with_its_message(strict):
    urls = list(rejected_urls())
    assert len(urls) > 50
    wrong = []
    for url, message in urls:
        response = strict.call("POST", WEBHOOKS, {"url": url})
        errors = response.json.get("details", {}).get("errors", [{}])
        found = (response.status, errors[0].get("field"))
        if found != (422, "url") or not errors[0]["message"].startswith(message):
            wrong.append((url, found, errors))
    assert not wrong
    assert strict.call("GET", WEBHOOKS).expect(200).data["webhooks"] == []


def test_event_types_of_the_documentation_are_those_of_the_api(strict):
    section = DOCS.split("\n## Events")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `([a-z_]+\.[a-z]+)` \|", section, re.M)
    listed = strict.call("GET", "/api/v1/event-types").expect(200).data["event_types"]
    assert sorted(entry["name"] for entry in listed) == sorted(set(documented) - {"webhook.test"})
    assert all(entry["global_only"] == entry["name"].startswith("endpoint.") for entry in listed)
