"""A local server with a table that the tests write as an operator does, by hand.

LOCAL_SERVER   the local server
WALK_GO        walk-go as a program
NODE_FOLDER    the folder with the packages of package.json
NOT_RUN        the clients that cannot run here, separated by blanks; the stage reports why
"""

import json
import os
import re
import secrets
import subprocess
import urllib.request
import warnings

import pytest
import verifiers as verifiers_module

STAGE = "/development"


class Server:
    """Its API with the stage, its key and its table."""

    def __init__(self, *arguments):
        self.psk = secrets.token_hex(32)
        self.process = subprocess.Popen(
            [os.environ["LOCAL_SERVER"], "--in-memory", "--port", "0", "--expose-table", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PSK": self.psk, "ALLOWED_ORIGINS": ""},
        )
        banner = []
        for line in self.process.stdout:
            banner.append(line)
            if line.startswith("Press Ctrl-C"):
                break
        self.banner = "".join(banner)
        self.base_url = self._line(r"^(http://\S+)$") + STAGE
        self.endpoint = self._line(r"^table endpoint (http://\S+)$")
        self.table = self._line(r"^table\s+(\S+), ")

    def _line(self, pattern):
        found = re.search(pattern, self.banner, re.M)
        assert found, f"no line matches {pattern}: {self.banner}"
        return found[1]

    def put(self, tenant, kind):
        """Writes an item that has a key and nothing else."""
        item = {"tenant_id": {"S": tenant}, "type": {"S": kind}}
        request = urllib.request.Request(
            self.endpoint,
            json.dumps({"TableName": self.table, "Item": item}).encode(),
            {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": "DynamoDB_20120810.PutItem",
                "X-Amz-Date": "20240101T000000Z",
                # Any signature is accepted: this table is on this machine.
                "Authorization": "AWS4-HMAC-SHA256 Credential=a/20240101/us-east-1/dynamodb/aws4_request, "
                "SignedHeaders=host, Signature=0",
            },
        )
        urllib.request.urlopen(request, timeout=10).read()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def start():
    """Starts further servers, for the tests of a module."""
    servers = []

    def start(*arguments):
        servers.append(Server(*arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def verifiers(tmp_path_factory):
    """Every way to verify an event, by name."""
    found, missing = verifiers_module.build_all(tmp_path_factory.mktemp("verifiers"))
    if missing:
        warnings.warn("not every verifier runs: " + ", ".join(missing), stacklevel=1)
    return found
