"""Starts and stops local servers. LOCAL_SERVER names the binary."""

import os
import re
import resource
import secrets
import signal
import subprocess
import threading
import time

import pytest
from harness import Api

START = 20  # seconds a server may take until it has printed its URL


class Server:
    """A running local server; `api` speaks to it, by the URL without the stage."""

    def __init__(self, *arguments, cwd, env=None, psk="a-key-for-the-tests-0123456789", open_files=None):
        """`open_files` are the soft and the hard limit, as `ulimit -n` sets them."""
        environment = {name: value for name, value in os.environ.items() if name not in ("PSK", "ALLOWED_ORIGINS")}
        if psk is not None:
            environment["PSK"] = psk
        self.process = subprocess.Popen(
            [binary(), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment | (env or {}),
            cwd=cwd,
            preexec_fn=open_files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, open_files)),
        )
        self.lines = []
        self._url = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._url.wait(START):
            self.kill()
            raise AssertionError(f"no URL within {START} s: {self.output}")
        assert self.base_url, f"the server did not start: {self.output}"
        self.api = Api(self.base_url, psk)

    def _read(self):
        self.base_url = None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if not self.base_url and re.fullmatch(r"http://\S+", line.strip()):
                self.base_url = line.strip()
                self._url.set()
        self._url.set()

    @property
    def output(self):
        return "\n".join(self.lines)

    def stop(self, how=signal.SIGINT):
        """Asks the server to end; returns its exit status and how long it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        try:
            status = self.process.wait(10)
        finally:
            self.kill()
        return status, time.monotonic() - began

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)


def binary():
    path = os.environ.get("LOCAL_SERVER")
    if not path:
        raise pytest.UsageError("LOCAL_SERVER is not set")
    return path


@pytest.fixture
def start(tmp_path):
    """Starts servers, each on a port of its own, and ends what is left of them."""
    servers = []

    def start(*arguments, **more):
        servers.append(Server("--port", 0, *arguments, cwd=tmp_path, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="module")
def start_for_all(tmp_path_factory):
    """As `start`, for servers that the tests of a module share."""
    servers = []

    def start(*arguments, **more):
        servers.append(Server("--port", 0, *arguments, cwd=tmp_path_factory.mktemp("server"), **more))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def run(tmp_path):
    """Runs a server that is expected to end by itself; returns its exit status and all it said."""

    def run(*arguments, env=None):
        environment = {name: value for name, value in os.environ.items() if name != "PSK"} | (env or {})
        done = subprocess.run(
            [binary(), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=START,
            env=environment,
            stdin=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    return run


@pytest.fixture
def tenant():
    return f"t-{secrets.token_hex(4)}"
