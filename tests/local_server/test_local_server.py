"""What only the server on this machine promises: its data outlives it, it stops at once, it says what is wrong."""

import http.client
import itertools
import re
import signal
import socket
import stat
import subprocess
import textwrap
import threading
import time

import pytest
from harness import Api, s3

GONE = (OSError, http.client.HTTPException)  # what a client sees of a server that has ended

# Data that outlives the process.


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_restart_keeps_the_data(start, tenant, tmp_path, how):
    first = start("--data-dir", tmp_path)
    stored = first.api.create(s3(tenant)).expect(201)
    first.stop(how)
    second = start("--data-dir", tmp_path)
    answer = second.api.get(tenant, "s3").expect(200)
    assert (answer.data, answer.etag) == (stored.data, stored.etag)


def test_every_acknowledged_write_survives_kill_9_in_the_middle_of_writes(start, tmp_path):
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


def test_in_memory_forgets_and_writes_no_file(start, tenant, tmp_path):
    for _ in range(2):
        server = start("--in-memory", "--data-dir", tmp_path / "data")
        server.api.create(s3(tenant)).expect(201)
        server.stop()
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").rglob("*.db*"))


# Starting.


def test_port_0_picks_a_free_port_for_each_server(start):
    one, other = start("--in-memory"), start("--in-memory")
    assert one.base_url != other.base_url
    for server in (one, other):
        server.api.call("GET", "/health", signed=False).expect(200)


def test_the_signed_request_that_is_printed_works_when_it_is_pasted(start, tmp_path):
    server = start("--data-dir", tmp_path, psk=None)
    pasted = server.output.partition("to paste into a shell:")[2].partition("Ready")[0]
    command = textwrap.dedent(pasted)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert '"status":"success"' in done.stdout, (command, done)


def test_a_random_key_is_made_once_and_kept_where_only_its_owner_reads_it(start, tenant, tmp_path):
    first = start("--data-dir", tmp_path, psk=None)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "psk" in path.name.lower()]
    assert len(files) == 1, list(tmp_path.rglob("*"))
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    key = files[0].read_text().rstrip("\r\n")
    assert len(key) >= 32
    Api(first.base_url, key).create(s3(tenant)).expect(201)
    first.stop()
    second = start("--data-dir", tmp_path, psk=None)
    assert files[0].read_text().rstrip("\r\n") == key
    Api(second.base_url, key).get(tenant, "s3").expect(200)


def test_the_key_of_the_flag_counts_before_that_of_the_environment(start):
    server = start("--in-memory", "--psk", "the-key-of-the-flag-0123456789", psk="the-key-of-the-environment-0123")
    Api(server.base_url, "the-key-of-the-flag-0123456789").call("GET", "/api/v1/delivery-configs").expect(200)
    server.api.call("GET", "/api/v1/delivery-configs").expect(403)


def test_another_stage_is_served_under_its_name(start):
    server = start("--in-memory", "--stage", "production")
    origin = server.base_url.removesuffix("/production")
    for prefix, status in (("/production", 200), ("", 200), ("/development", 404)):
        assert Api(origin + prefix, server.api.key).call("GET", "/api/v1/delivery-configs").status in (status, 403)


def sentence(status_and_text):
    """The one clear sentence of a server that will not start."""
    status, text = status_and_text
    assert status > 0, (status, text)
    assert text
    assert not re.search(r"panicked|\w+ \{", text), text
    assert len(text.splitlines()) <= 3, text
    return text


def test_a_port_in_use_is_told(run, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in sentence(run("--in-memory", "--port", port, env={"PSK": "a-key-for-the-tests-0123456789"}))


def test_a_data_directory_that_another_server_uses_is_told(start, run, tmp_path):
    start("--data-dir", tmp_path / "data")
    text = sentence(run("--port", 0, "--data-dir", tmp_path / "data", env={"PSK": "a-key-for-the-tests-0123456789"}))
    assert "another local server" in text


def test_a_data_file_that_is_none_is_told_and_left_alone(start, run, tmp_path):
    start("--data-dir", tmp_path).stop()
    (broken,) = [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes().startswith(b"SQLite")]
    broken.write_bytes(b"this is not a database, and much longer than any header of one would be\n" * 100)
    text = sentence(run("--port", 0, "--data-dir", tmp_path, env={"PSK": "a-key-for-the-tests-0123456789"}))
    assert str(tmp_path) in text
    assert broken.read_bytes().startswith(b"this is not a database")


def test_a_data_directory_that_cannot_be_made_is_told(run):
    assert "/dev/null/data" in sentence(run("--port", 0, "--data-dir", "/dev/null/data"))


def test_a_data_directory_that_is_a_file_is_told(run, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    assert str(file) in sentence(run("--port", 0, "--data-dir", file))


@pytest.mark.parametrize("key", ["", "short", "fifteen-bytes-1"])
def test_a_key_of_less_than_16_bytes_is_told(run, key):
    sentence(run("--port", 0, "--in-memory", "--psk", key))


@pytest.mark.parametrize(
    "arguments", [["--port", "65536"], ["--port", "x"], ["--nonsense"], ["--host", "no such host"], ["--stage", "a/b"]]
)
def test_a_wrong_flag_is_told(run, arguments):
    status, text = run("--in-memory", *arguments, env={"PSK": "a-key-for-the-tests-0123456789"})
    assert status > 0
    assert status != 101
    assert text
    assert "panicked" not in text


def test_help_names_every_flag(run):
    status, text = run("--help")
    assert status == 0
    for flag in ("--port", "--host", "--stage", "--psk", "--data-dir", "--in-memory", "--dynamodb-endpoint", "--aws"):
        assert flag in text


def test_the_key_is_nowhere_in_what_the_server_says(start, tmp_path, tenant):
    key = "a-key-that-must-not-be-printed-01"
    server = start("--data-dir", tmp_path, psk=key, env={"LOG_LEVEL": "DEBUG"})
    server.api.create(s3(tenant)).expect(201)
    server.api.call("GET", "/api/v1/delivery-configs", headers={}, signed=False).expect(401)
    Api(server.base_url, key + "x").call("GET", "/api/v1/delivery-configs").expect(403)
    server.stop()
    assert key not in server.output


# Stopping.


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_server_stops_within_a_second(start, how):
    server = start("--in-memory")
    server.api.call("GET", "/health", signed=False)
    status, seconds = server.stop(how)
    assert status == 0, server.output
    assert seconds < 1


def test_an_idle_connection_does_not_hold_up_the_stop(start):
    server = start("--in-memory")
    with socket.create_connection((server.api.host, server.api.port)) as idle:
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        status, seconds = server.stop()
    assert status == 0
    assert seconds < 1


def test_half_a_request_does_not_hold_up_the_stop(start):
    server = start("--in-memory")
    with socket.create_connection((server.api.host, server.api.port)) as half:
        half.sendall(b"POST /api/v1/tenants/a/delivery-configs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        time.sleep(0.2)
        status, seconds = server.stop()
    assert status == 0
    assert seconds < 2


def test_requests_in_flight_are_answered_before_the_stop(start):
    server = start("--in-memory")
    answers, ends = [], []

    def ask(number):
        for step in range(1000):
            try:
                answers.append(server.api.create(s3(f"in-flight-{number}-{step}")).status)
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
    assert answers
    assert set(answers) == {201}
    assert len(ends) == len(clients)
    assert not [end for end in ends if isinstance(end, http.client.IncompleteRead)], "half an answer"


# CORS.


def test_a_configured_origin_is_let_in_and_no_other(start):
    server = start("--in-memory", env={"ALLOWED_ORIGINS": "https://console.example.com,https://other.example.com"})
    for origin, let_in in (("https://console.example.com", True), ("https://evil.example.com", False)):
        preflight = server.api.send(
            "OPTIONS",
            "/api/v1/delivery-configs",
            [
                ("Origin", origin),
                ("Access-Control-Request-Method", "GET"),
                ("Access-Control-Request-Headers", "authorization,x-api-timestamp"),
            ],
        )
        assert preflight.status in (200, 204)
        assert (preflight.header("Access-Control-Allow-Origin") == origin) is let_in
        path = "/api/v1/delivery-configs"
        answer = server.api.send("GET", path, [*server.api.sign("GET", path), ("Origin", origin)])
        assert answer.status == 200
        assert (answer.header("Access-Control-Allow-Origin") == origin) is let_in
