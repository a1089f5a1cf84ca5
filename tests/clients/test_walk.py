"""Real HTTP clients walk over all configurations, with keys in the table that people have written by hand.

Each client is a program that reads requests from its standard input, a line each: ENCODING, SIGNS, and the values of
the parameters `limit`, `last_key` and `note`, separated by tabs; an empty value means none. It writes the status and
the body, separated by a tab.

ENCODING   library   the client's own encoding of parameters: + or %20 for a space, and whatever else it thinks of
           percent   the caller percent-encodes, and the client passes that on
SIGNS      wire      the path and query as the client sends them
           canonical the form that docs/signing.md describes
           plain     the text before any encoding
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

HERE = Path(__file__).parent
PYTHON = [sys.executable, str(HERE / "walk.py")]
NODE = ["node", str(HERE / "walk.mjs")]
CLIENTS = {
    "curl": ["bash", str(HERE / "walk.sh")],
    "requests": [*PYTHON, "requests"],
    "httpx": [*PYTHON, "httpx"],
    "aiohttp": [*PYTHON, "aiohttp"],
    "urllib3": [*PYTHON, "urllib3"],
    "fetch": [*NODE, "fetch"],
    "axios": [*NODE, "axios"],
    "got": [*NODE, "got"],
    "undici": [*NODE, "undici"],
    "java": ["java", "-Dfile.encoding=UTF-8", str(HERE / "Walk.java")],
    "go": [os.environ.get("WALK_GO", "")],
}
NOT_RUN = os.environ.get("NOT_RUN", "").split()

# Each character that some client encodes in a way of its own, and what ends a URL, a pair, a cursor or a line.
HOSTILE = [
    ("acme", "cloudwatch"),
    ("acme", "s3"),
    ("O'Neil", "s3"),
    ("acme corp", "cloudwatch"),
    ("acme.corp", "CloudWatch"),
    ("a+b", "splunk"),
    ("a%20b", "%41"),
    ("a%27b", "s3"),
    ("a#b", "fire#hose"),
    ("a&limit=1", "x=y"),
    ("a?b", "s3"),
    ("a/b", "../.."),
    ("a\\b", "//"),
    ("..", "."),
    (".x", ".41"),
    ("=x", "=y"),
    ("~a*b!c", "(d)"),
    ("[a]", "{b}"),
    ("<a>", '"b"'),
    ("a,b;c:d@e", "$f"),
    ("a|b^c`d", "s3"),
    (" a ", " "),
    ("a\tb", "\n"),
    ("a\0b", "\r"),
    ("é", "ü"),
    ("日本", "語"),
    ("\U0001f600", "\u202e\ufeff"),
    ("a" * 200, "%" * 100),
]


@pytest.fixture(scope="session")
def keys(server):
    for tenant, kind in HOSTILE:
        server.put(tenant, kind)
    return sorted(HOSTILE)


class Client:
    def __init__(self, name, server):
        environment = {**os.environ, "BASE_URL": server.base_url, "PSK": server.psk}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(CLIENTS[name], stdin=pipe, stdout=pipe, text=True, bufsize=1, env=environment)

    def get(self, encoding, signs, limit="", last_key="", note=""):
        assert not set("\t\n") & set(last_key), "the protocol would break"
        print(encoding, signs, limit, last_key, note, sep="\t", file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, "the client has ended"
        status, body = line.rstrip("\n").split("\t", 1)
        return int(status), json.loads(body)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(scope="module", params=CLIENTS)
def client(request, server, keys):
    if request.param in NOT_RUN:
        pytest.skip(f"{request.param} cannot run here")
    client = Client(request.param, server)
    yield client
    client.stop()


def walk(client, encoding, signs, limit):
    """The keys on all pages, and the cursors that led there."""
    found, cursors = [], [""]
    while True:
        status, body = client.get(encoding, signs, limit, cursors[-1])
        assert status == 200, f"after {cursors[-1]!r}: {body}"
        data = body["data"]
        found += [(config["tenant_id"], config["type"]) for config in data["configurations"]]
        if "last_key" not in data:
            return found, cursors[1:]
        assert data["last_key"] not in cursors, "the walk goes round in circles"
        cursors.append(data["last_key"])


@pytest.mark.parametrize("signs", ["wire", "canonical", "plain"])
@pytest.mark.parametrize("encoding", ["library", "percent"])
def test_walk_is_complete(client, keys, encoding, signs):
    found, cursors = walk(client, encoding, signs, 1)
    assert sorted(found) == keys
    assert len(cursors) >= len(keys) - 1, "each key but the last was a cursor"


@pytest.mark.parametrize("signs", ["wire", "canonical", "plain"])
@pytest.mark.parametrize("encoding", ["library", "percent"])
def test_blank_is_signed_in_every_form(client, encoding, signs):
    """The service has no parameter `note`: that it says so shows that the signature was accepted."""
    status, body = client.get(encoding, signs, 1, "", note="a b")
    assert status == 400, body
    assert '"note"' in body["error"]


@pytest.mark.parametrize("encoding", ["library", "percent"])
def test_cursors_of_earlier_versions_lead_to_the_same_pages(client, encoding):
    def earlier(text):
        return quote(text, safe="".join(map(chr, range(0x21, 0x7F))).replace("#", "").replace("%", ""))

    found, cursors = walk(client, encoding, "canonical", 1)
    checked = 0
    for (tenant, kind), cursor in zip(found, cursors, strict=False):
        if not cursor.startswith("."):
            continue
        form = f"={earlier(tenant)}#={earlier(kind)}"
        status, body = client.get(encoding, "canonical", 1, form)
        assert status == 200, form
        _, expected = client.get(encoding, "canonical", 1, cursor)
        assert body["data"] == expected["data"], form
        checked += 1
    assert checked >= len(HOSTILE) - 3
