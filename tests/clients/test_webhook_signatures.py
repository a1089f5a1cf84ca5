"""The code of docs/webhooks.md and the official libraries accept and reject the same events; so does the receiver."""

import http.client
import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer

import pytest
from verifiers import DOCS, RECEIVER, is_verified, load_receiver, make_headers, sign, snippet

SECRET = "whsec_YUUBoVFKbxDamrTK8zm0F5PYQvGyvcc2fx8qiJNWjqM="
OTHER = "whsec_RzAHqsl8o9GJcyXKj64KJ/JxNv8nsLb4BzYjYFP10JI="
BODY = '{"id": "evt_1", "type": "webhook.test", "data": {"message": "für dich"}}'.encode()


def headers(*secrets, **more):
    return make_headers(secrets or [SECRET], "evt_1", BODY, **more)


def changed(**values):
    return headers() | {f"webhook-{name}": value for name, value in values.items()}


def without(name):
    return {key: value for key, value in headers().items() if key != name}


def upper_case():
    good = headers()
    return good | {"webhook-signature": good["webhook-signature"].upper()}


CASES = {
    "a signature": (True, headers, BODY),
    "two signatures, the new one first": (True, lambda: headers(OTHER, SECRET), BODY),
    "two signatures, the new one last": (True, lambda: headers(SECRET, OTHER), BODY),
    "four minutes old": (True, lambda: headers(age=240), BODY),
    "four minutes early": (True, lambda: headers(age=-240), BODY),
    "a signature of another version as well": (
        True,
        lambda: changed(signature="v1a,AAAA " + headers()["webhook-signature"]),
        BODY,
    ),
    "signed with another secret": (False, lambda: headers(OTHER), BODY),
    "a changed body": (False, headers, BODY.replace(b"evt_1", b"evt_2")),
    "a body with a space more": (False, headers, BODY + b" "),
    "six minutes old": (False, lambda: headers(age=360), BODY),
    "six minutes early": (False, lambda: headers(age=-360), BODY),
    "another id": (False, lambda: changed(id="evt_2"), BODY),
    "another timestamp": (False, lambda: changed(timestamp=headers(age=1)["webhook-timestamp"]), BODY),
    "a timestamp that is not a number": (False, lambda: changed(timestamp="now"), BODY),
    "no id": (False, lambda: without("webhook-id"), BODY),
    "no timestamp": (False, lambda: without("webhook-timestamp"), BODY),
    "no signature": (False, lambda: without("webhook-signature"), BODY),
    "an empty signature": (False, lambda: changed(signature=""), BODY),
    "a signature without a version": (
        False,
        lambda: changed(signature=headers()["webhook-signature"].removeprefix("v1,")),
        BODY,
    ),
    "a signature of another version": (
        False,
        lambda: changed(signature=headers()["webhook-signature"].replace("v1,", "v2,")),
        BODY,
    ),
    "a shortened signature": (False, lambda: changed(signature=headers()["webhook-signature"][:20]), BODY),
    "a signature in upper case": (False, upper_case, BODY),
}


@pytest.mark.parametrize("name", CASES)
def test_every_verifier_accepts_and_rejects_the_same(verifiers, name):
    expected, make, body = CASES[name]
    sent = make()
    found = {which: is_verified(verify, SECRET, sent, body) for which, verify in verifiers.items()}
    assert found == dict.fromkeys(verifiers, expected)


def test_signature_of_the_specification_is_verified():
    # From the tests of the official libraries.
    body = b'{"test": 2432232314}'
    vector = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    verify = load_receiver().verify
    assert verify(secret, vector, body, now=1614265330) == {"test": 2432232314}
    assert sign(secret, vector["webhook-id"], 1614265330, body) == vector["webhook-signature"]
    for now in (1614265330 - 301, 1614265330 + 301):
        with pytest.raises(ValueError, match="five minutes"):
            verify(secret, vector, body, now=now)


def test_documentation_shows_the_function_of_the_receiver():
    assert snippet("python", "def verify(secret, headers, body, now=None)") in RECEIVER.read_text()


@pytest.fixture
def receiver():
    """A receiver, and a function that sends it an event; that returns the status and what was done with the event."""
    module = load_receiver()
    printed = []
    module.print = lambda *words, **_: printed.append(" ".join(map(str, words)))
    module.Receiver.secret = SECRET
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def send(event, secrets=(SECRET,), body=None, **more):
        body = json.dumps(event).encode() if body is None else body
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request("POST", "/", body, make_headers(secrets, event["id"], body) | more)
        status = connection.getresponse().status
        connection.close()
        return status, printed.pop() if printed else None

    yield send
    server.shutdown()
    server.server_close()


def change(number, sequence, source="/configs/a"):
    fields = [{"field": "enabled", "from": True, "to": False}]
    data = {"changed": fields, "actor": {"type": "direct"}}
    kind = "delivery_config.updated"
    return {"id": f"evt_{number}", "source": source, "type": kind, "sequence": sequence, "data": data}


def test_receiver_handles_an_event_once(receiver):
    assert receiver(change(1, "b")) == (204, "delivery_config.updated | /configs/a | changed: enabled | by direct")
    status, printed = receiver(change(1, "b"))
    assert status == 204
    assert printed == "repeated | delivery_config.updated | evt_1"


def test_receiver_drops_an_event_that_was_overtaken(receiver):
    receiver(change(2, "c"))
    status, printed = receiver(change(1, "b"))
    assert (status, printed.split(" ")[0]) == (204, "outdated")
    # Of another configuration, and one without a sequence.
    assert receiver(change(3, "a", source="/configs/b"))[1].startswith("delivery_config.updated")
    test = {"id": "evt_4", "source": "/webhooks/w", "type": "webhook.test", "data": {}}
    assert receiver(test) == (204, "webhook.test | /webhooks/w")


def test_receiver_rejects_what_is_not_signed_with_its_secret(receiver):
    status, printed = receiver(change(1, "b"), secrets=[OTHER])
    assert (status, printed) == (401, "rejected | webhook-signature has no valid signature")
    # It was not remembered.
    assert receiver(change(1, "b"), secrets=[OTHER, SECRET])[1].startswith("delivery_config.updated")


def test_receiver_reads_no_body_that_is_too_large(receiver):
    assert receiver(change(1, "b"), body=b"x" * 2_000_000)[0] == 413


def test_event_whose_work_failed_is_handled_when_it_comes_again():
    inbox = load_receiver().Inbox()

    def fail(_):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        inbox.handle(change(1, "b"), fail)
    done = []
    assert inbox.handle(change(1, "b"), done.append) == "handled"
    assert [event["id"] for event in done] == ["evt_1"]


def test_receiver_without_a_secret_says_what_to_set():
    environment = {name: value for name, value in os.environ.items() if name != "WEBHOOK_SECRET"}
    done = subprocess.run([sys.executable, str(RECEIVER)], env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "set WEBHOOK_SECRET" in done.stderr


def test_documented_event_is_signed_and_parsed_like_any_other(verifiers):
    event = json.loads(snippet("json", '{\n  "specversion"'))
    assert event["id"] in DOCS.split("```http")[1].split("```")[0]
    body = json.dumps(event).encode()
    sent = make_headers([SECRET], event["id"], body)
    assert all(is_verified(verify, SECRET, sent, body) for verify in verifiers.values())
