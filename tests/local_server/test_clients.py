"""Many clients at once, and how many open files they cost."""

import asyncio
import collections
import json
import re
import sys
import time
from pathlib import Path

import pytest
from harness import s3

CLIENTS = 500
PATH = "/api/v1/tenants/{}/delivery-configs"


def request(api, method, path, body=b""):
    """A signed request as bytes, on a connection that stays open."""
    headers = [*api.sign(method, path), ("Host", "localhost"), ("Content-Length", str(len(body)))]
    if body:
        headers.append(("Content-Type", "application/json"))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def exchange(reader, writer, message):
    """Sends a request; returns the status of its response."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head.split(b" ")[1])


async def visit(api, everyone_is_connected, number):
    """What one client does: it connects, waits for the others, then creates a configuration and reads it."""
    reader, writer = await asyncio.open_connection(api.host, api.port)
    await everyone_is_connected()
    tenant = f"client-{number}"
    path = PATH.format(tenant)
    statuses = [
        await exchange(reader, writer, request(api, "POST", path, json.dumps(s3(tenant)).encode())),
        await exchange(reader, writer, request(api, "GET", f"{path}/s3")),
    ]
    writer.close()
    return statuses


async def visit_all(api):
    connected = 0
    everyone = asyncio.Event()

    async def everyone_is_connected():
        nonlocal connected
        connected += 1
        if connected == CLIENTS:
            everyone.set()
        await everyone.wait()

    return await asyncio.gather(*(visit(api, everyone_is_connected, number) for number in range(CLIENTS)))


@pytest.mark.parametrize("where", ["--in-memory", "--data-dir"])
def test_500_clients_with_1024_open_files_see_no_503(start, tmp_path, where):
    arguments = [where] if where == "--in-memory" else [where, tmp_path / "data"]
    server = start(*arguments, open_files=(1024, 1024))
    began = time.monotonic()
    statuses = asyncio.run(visit_all(server.api))
    assert collections.Counter(map(tuple, statuses)) == {(201, 200): CLIENTS}, server.output[-2000:]
    print(f"{2 * CLIENTS} requests of {CLIENTS} clients in {time.monotonic() - began:.1f} s")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits of a process are in /proc")
def test_soft_limit_of_open_files_is_raised(start):
    server = start("--in-memory", open_files=(256, 2048))
    limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    assert re.search(r"Max open files\s+2048\s+2048", limits), limits
