"""What only the server on this machine promises, as its users meet it: the release build, over HTTP.

What it says of each mistake in its command line, its key and its data directory is tested in crates/local.
"""

import hashlib
import http.client
import itertools
import json
import re
import signal
import socket
import threading
import time

import pytest
from harness import Api, s3

GONE = (OSError, http.client.HTTPException)  # what a client sees of a server that has ended

# Data that outlives the process.


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_restart_keeps_the_data(start, tenant, tmp_path, how):
    first = start("--data-dir", tmp_path)
    stored = first.api.create(s3(tenant)).expect(201)
    first.stop(how)
    second = start("--data-dir", tmp_path)
    response = second.api.get(tenant, "s3").expect(200)
    assert (response.data, response.etag) == (stored.data, stored.etag)


def test_acknowledged_writes_survive_kill_9(start, tmp_path):
    for round_number in range(3):
        server = start("--data-dir", tmp_path)
        acknowledged = []

        def write(writer, round_number=round_number, api=server.api, acknowledged=acknowledged):
            for number in itertools.count():
                tenant = f"r{round_number}-w{writer}-n{number}"
                try:
                    if api.create(s3(tenant)).status == 201:
                        acknowledged.append(tenant)
                except GONE:
                    return  # nothing was acknowledged

        writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        server.process.kill()
        for writer in writers:
            writer.join()
        again = start("--data-dir", tmp_path)
        there = {config["tenant_id"] for config in again.api.walk(1000)}
        assert len(acknowledged) > 20
        assert set(acknowledged) <= there
        again.stop()


def test_in_memory_server_forgets_and_writes_no_file(start, tenant, tmp_path):
    for _ in range(2):
        server = start("--in-memory", "--data-dir", tmp_path / "data")
        server.api.create(s3(tenant)).expect(201)
        server.stop()
    assert not (tmp_path / "data").exists()


# Starting.


def test_port_0_picks_a_free_port_for_each_server(start):
    one, other = start("--in-memory"), start("--in-memory")
    assert one.base_url != other.base_url
    for server in (one, other):
        server.api.call("GET", "/health", signed=False).expect(200)


def test_custom_stage_is_served_under_its_name(start):
    server = start("--in-memory", "--stage", "production")
    for prefix, status in (("/production", 200), ("", 200), ("/development", 403)):
        api = Api(server.base_url + prefix, server.api.key)
        api.call("GET", "/api/v1/delivery-configs").expect(status)


def test_unbound_body_can_be_rejected(start, tenant):
    api = start("--in-memory", "--require-body-sha256").api
    path, body = f"/api/v1/tenants/{tenant}/delivery-configs", json.dumps(s3(tenant)).encode()
    api.call("POST", path, body).expect(403)
    bound = api.sign("POST", path, digest=hashlib.sha256(body).hexdigest())
    api.call("POST", path, body, signed=False, headers=bound).expect(201)
    api.get(tenant, "s3").expect(200)


def test_port_in_use_is_reported_in_one_sentence(run):
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        port = occupied.getsockname()[1]
        status, text = run("--in-memory", "--port", port, env={"PSK": "a-key-for-the-tests-0123456789"})
    assert status == 1
    assert re.fullmatch(rf"error: .*{port}.*", text), text


# Stopping.


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_server_stops_within_a_second(start, how):
    server = start("--in-memory")
    server.api.call("GET", "/health", signed=False)
    status, seconds = server.stop(how)
    assert status == 0, server.output
    assert seconds < 1


def test_requests_in_flight_complete_before_the_stop(start):
    server = start("--in-memory")
    responses, ends = [], []

    def ask(number):
        for step in itertools.count():
            try:
                responses.append(server.api.create(s3(f"in-flight-{number}-{step}")).status)
            except GONE as end:
                ends.append(end)
                return

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.5)
    status, seconds = server.stop()
    for client in clients:
        client.join()
    assert status == 0
    assert seconds < 1
    assert responses
    assert set(responses) == {201}
    assert len(ends) == len(clients)
    assert not [end for end in ends if isinstance(end, http.client.IncompleteRead)], "half a response"
