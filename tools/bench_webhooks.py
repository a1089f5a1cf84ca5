#!/usr/bin/env python3
"""Measures webhooks on one machine: from a change to its arrival, and what a kill in the middle loses.

    cargo build --release --package local
    python3 tools/bench_webhooks.py target/release/local [--quick] [--json FILE]

Each row is a server of its own, with a new data directory, 1 or 20 webhooks for all tenants, and three processes: the
server, the receiver of all webhooks, and this one, which creates configurations. Both clocks are the machine's
monotonic one. Nothing is needed but Python 3.11 and Linux.

    python3 tools/bench_webhooks.py --svix http://127.0.0.1:8071 --processes PID,PID

measures a running Svix server in the same way: SVIX_TOKEN is a token of it, and the processes are those whose memory
and processor time count. docs/benchmarks.md has the last figures.
"""

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import math
import multiprocessing
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

PSK = "a-key-for-the-benchmark-0123456789"
CONNECTIONS = 8  # of the load, where it is not paced
MAX_CONNECTIONS = 128  # of the load, where it is paced
START = 30  # seconds that a server may take to start
LIMIT = 60  # seconds that the events of a row may take after the last change
QUIET = (
    150  # seconds without an event after which none is expected: a lease takes a minute, and a sweep comes every minute
)
TICK = os.sysconf("SC_CLK_TCK")

Arrival = namedtuple("Arrival", "webhook tenant event_id at")
Change = namedtuple("Change", "began ended status")


# What receives.


class Receiver(asyncio.Protocol):
    """Keeps when which event arrived where, and responds 204."""

    def __init__(self, arrivals, count):
        self.arrivals, self.count = arrivals, count
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        now = time.monotonic_ns()
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lines = head.lower().split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines[1:])
        if len(body) < int(headers[b"content-length"]):
            return
        self.buffer = b""
        event_id = headers.get(b"webhook-id") or headers.get(b"svix-id")
        tenant = re.search(rb'"tenant_id":\s*"([^"]*)"', body)
        webhook = lines[0].split(b" ")[1]
        self.arrivals.append(Arrival(webhook, tenant and tenant[1].decode(), event_id, now))
        self.count.value += 1
        self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def receive(pipe, count):
    """The process of the receiver. What is sent to the pipe has it send what has arrived since."""

    async def run():
        arrivals = []
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Receiver(arrivals, count), "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])

        def hand_over():
            pipe.recv()
            pipe.send([tuple(arrival) for arrival in arrivals])
            arrivals.clear()
            count.value = 0

        loop.add_reader(pipe.fileno(), hand_over)
        await asyncio.Event().wait()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(run())


class Sink:
    """The receiver, as the other process knows it."""

    def __init__(self):
        self.count = RawValue("q", 0)
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=receive, args=(theirs, self.count), daemon=True)
        self.process.start()
        self.port = self.pipe.recv()

    def url(self, number):
        return f"http://127.0.0.1:{self.port}/{number}"

    def take(self):
        self.pipe.send("take")
        return [Arrival(*arrival) for arrival in self.pipe.recv()]

    async def wait(self, count, seconds):
        """Until so many have arrived, or this time has passed. Returns whether they have."""
        deadline = time.monotonic() + seconds
        while self.count.value < count and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return self.count.value >= count


# What sends.


class Connection:
    """A connection that is kept."""

    def __init__(self, port):
        self.port, self.writer = port, None

    async def send(self, request):
        """Returns the status and the body of the response."""
        if not self.writer:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.I)
        body = await self.reader.readexactly(int(length[1])) if length else b""
        return int(head[9:12]), body

    def close(self):
        if self.writer:
            self.writer.close()


def http_request(method, path, headers, body):
    content = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(content)}", "", ""]
    return "\r\n".join(lines).encode() + content


class LocalServer:
    """The local server, on a data directory of its own."""

    def __init__(self, program):
        self.program = program
        self.directory = tempfile.TemporaryDirectory(prefix="webhooks-")
        self.start()

    def start(self):
        self.log = open(Path(self.directory.name) / "log", "a")  # noqa: SIM115
        self.process = subprocess.Popen(
            [self.program, "--port=0", f"--data-dir={self.directory.name}", "--webhook-networks=127.0.0.0/8"],
            env={name: value for name, value in os.environ.items() if name != "ALLOWED_ORIGINS"} | {"PSK": PSK},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        for line in self.process.stdout:
            if found := re.fullmatch(r"http://127\.0\.0\.1:(\d+)", line.strip()):
                self.port, self.pids = int(found[1]), [self.process.pid]
                return
        sys.exit("the local server did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def warnings(self):
        """Messages of the log that report something unusual, and how often."""
        lines = (json.loads(line) for line in (Path(self.directory.name) / "log").read_text().splitlines())
        return Counter(line["message"] for line in lines if line["level"] in ("WARN", "ERROR"))

    def close(self):
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(START)
        self.kill()
        self.directory.cleanup()

    def request(self, method, path, body):
        timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        signature = hmac.new(PSK.encode(), f"{method}{path}{timestamp}".encode(), hashlib.sha256).hexdigest()
        headers = {"authorization": f"HMAC-SHA256 {signature}", "x-api-timestamp": timestamp}
        return http_request(method, path, headers, body)

    async def subscribe(self, sink, count):
        connection = Connection(self.port)
        for number in range(count):
            request = self.request("POST", "/api/v1/webhooks", {"url": sink.url(number)})
            status, body = await connection.send(request)
            assert status == 201, body
        connection.close()

    def change(self, tenant):
        path = f"/api/v1/tenants/{tenant}/delivery-configs"
        return self.request("POST", path, {"tenant_id": tenant, "type": "s3", "bucket_name": "a-bucket-for-logs"})


class Svix:
    """A Svix server that runs already. Each row has an application of its own there."""

    def __init__(self, url, pids):
        self.port, self.pids = int(url.rsplit(":", 1)[1].strip("/")), pids
        self.headers = {"authorization": f"Bearer {os.environ['SVIX_TOKEN']}"}

    async def subscribe(self, sink, count):
        connection = Connection(self.port)
        status, body = await connection.send(http_request("POST", "/api/v1/app/", self.headers, {"name": "benchmark"}))
        assert status == 201, body
        self.application = f"/api/v1/app/{json.loads(body)['id']}"
        for number in range(count):
            endpoint = {"url": sink.url(number), "version": 1}
            request = http_request("POST", self.application + "/endpoint/", self.headers, endpoint)
            status, body = await connection.send(request)
            assert status == 201, body
        connection.close()

    def change(self, tenant):
        """A message as large as the event of a creation."""
        configuration = {
            "tenant_id": tenant,
            "type": "s3",
            "bucket_name": "a-bucket-for-logs",
            "bucket_prefix": "ROSA/cluster-logs/",
            "enabled": True,
            "created_at": "2026-11-27T23:29:25Z",
            "updated_at": "2026-11-27T23:29:26Z",
        }
        payload = {"data": configuration, "padding": "x" * 900}
        message = {"eventType": "delivery_config.created", "payload": payload}
        return http_request("POST", self.application + "/msg/", self.headers, message)

    def warnings(self):
        return Counter()

    def close(self):
        """It is not ours to end."""


@dataclass
class Load:
    """Creates configurations, each of another tenant, and keeps when."""

    server: object
    prefix: str
    changes: dict = field(default_factory=dict)
    late: float = 0  # the most that a change of a paced load was sent after its time, in seconds

    async def one(self, connection):
        tenant = f"{self.prefix}-{len(self.changes)}"
        self.changes[tenant] = Change(time.monotonic_ns(), None, None)
        began = time.monotonic_ns()
        request = self.server.change(tenant)
        status, _ = await connection.send(request)
        self.changes[tenant] = Change(began, time.monotonic_ns(), status)

    async def burst(self, count=math.inf):
        """As fast as the server responds, until the count is reached or the server is gone."""

        async def work():
            connection = Connection(self.server.port)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while len(self.changes) < count:
                    await self.one(connection)
            connection.close()

        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))

    async def paced(self, rate, count):
        """At a rate, whether or not the server has responded to earlier changes."""
        idle, tasks, began = [], set(), time.monotonic()
        places = asyncio.Semaphore(MAX_CONNECTIONS)

        async def send(connection):
            await self.one(connection)
            idle.append(connection)
            places.release()

        for number in range(count):
            due = began + number / rate
            await asyncio.sleep(max(0, due - time.monotonic()))
            await places.acquire()
            self.late = max(self.late, time.monotonic() - due)
            task = asyncio.create_task(send(idle.pop() if idle else Connection(self.server.port)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        for connection in idle:
            connection.close()

    def acknowledged(self):
        return {tenant for tenant, change in self.changes.items() if change.status in (201, 202)}


# What is measured.


def memory(pids, name):
    """The sum of VmRSS or VmHWM, in MB."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) for text in texts) / 1000


def processor_seconds(pids):
    fields = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in fields) / TICK


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else math.nan


def milliseconds(values):
    return {"p50": percentile(values, 0.5) / 1e6, "p99": percentile(values, 0.99) / 1e6}


async def measure(server, sink, subscribers, name, rate, count):
    """One row: `rate` is in changes a second, or None for as many as the server takes."""
    await server.subscribe(sink, subscribers)
    warm_up = Load(server, "warm-up")
    await warm_up.burst(20)
    await sink.wait(20 * subscribers, LIMIT)
    await asyncio.sleep(0.5)
    sink.take()
    groups = {"server": server.pids, "receiver": [sink.process.pid], "load": [os.getpid()]}
    idle = memory(server.pids, "VmRSS")
    used = {group: processor_seconds(pids) for group, pids in groups.items()}
    load = Load(server, "tenant")
    await (load.paced(rate, count) if rate else load.burst(count))
    acknowledged = load.acknowledged()
    is_complete = await sink.wait(len(acknowledged) * subscribers, LIMIT)
    used = {group: processor_seconds(pids) - used[group] for group, pids in groups.items()}
    peak = memory(server.pids, "VmHWM")
    if is_complete:
        await asyncio.sleep(0.5)  # for repetitions
    arrivals, now = sink.take(), time.monotonic_ns()
    first = {}
    for arrival in arrivals:
        # The event of a change that got another response may arrive, too.
        if arrival.tenant in acknowledged:
            first.setdefault((arrival.webhook, arrival.tenant), arrival.at)
    changes = [change for change in load.changes.values() if change.ended]
    began, ended = min(change.began for change in changes), max(change.ended for change in changes)
    last = max(first.values(), default=now)
    # What has not arrived within the limit is as late as it was then, so percentiles of an overload are lower bounds.
    webhooks = [f"/{number}".encode() for number in range(subscribers)]
    times = [
        (load.changes[tenant], first.get((webhook, tenant), now)) for webhook in webhooks for tenant in acknowledged
    ]
    return {
        "name": name,
        "subscribers": subscribers,
        "changes": len(acknowledged),
        "rejected": len(load.changes) - len(acknowledged),
        "changes_per_second": len(changes) / ((ended - began) / 1e9),
        "latest_start_ms": load.late * 1000,
        "response_ms": milliseconds([change.ended - change.began for change in changes]),
        "deliveries": len(first),
        "not_within_limit": len(acknowledged) * subscribers - len(first),
        "repeated": len(arrivals) - len({(arrival.webhook, arrival.event_id) for arrival in arrivals}),
        "deliveries_per_second": len(first) / ((last - began) / 1e9),
        "from_start_ms": milliseconds([at - change.began for change, at in times]),
        "from_response_ms": milliseconds([at - change.ended for change, at in times]),
        "memory_mb": {"idle": idle, "peak": peak},
        "processors": {group: seconds / ((last - began) / 1e9) for group, seconds in used.items()},
        "server_ms_per_delivery": used["server"] * 1000 / max(1, len(first)),
        "warnings": server.warnings(),
    }


async def measure_kills(program, sink, subscribers, kills, seconds):
    """Ends the server with SIGKILL in the middle of a burst, again and again, and counts what is lost."""
    server, loads = LocalServer(program), []
    await server.subscribe(sink, subscribers)
    for number in range(kills):
        loads.append(Load(server, f"kill-{number}"))
        burst = asyncio.create_task(loads[-1].burst())
        await asyncio.sleep(seconds)
        arrived = sink.count.value
        server.kill()
        await burst
        acknowledged = sum(len(load.acknowledged()) for load in loads)
        say(f"  kill {number + 1}: {acknowledged} changes acknowledged, {arrived} events had arrived")
        server.start()
    restarted = time.monotonic_ns()
    acknowledged = {tenant for load in loads for tenant in load.acknowledged()}
    webhooks = [f"/{number}".encode() for number in range(subscribers)]
    lost = {(webhook, tenant) for webhook in webhooks for tenant in acknowledged}
    arrivals = []
    # Changes without a response may have been made, so their events may arrive, too.
    while await sink.wait(1, QUIET if lost else 5):
        await asyncio.sleep(0.2)
        arrived = sink.take()
        arrivals += arrived
        lost -= {(arrival.webhook, arrival.tenant) for arrival in arrived}
    server.close()
    events = Counter((arrival.webhook, arrival.event_id) for arrival in arrivals)
    times = sorted((arrival.at - restarted) / 1e9 for arrival in arrivals)
    return {
        "subscribers": subscribers,
        "kills": kills,
        "acknowledged": len(acknowledged),
        "unknown": sum(len(load.changes) for load in loads) - len(acknowledged),
        "events": len(acknowledged) * subscribers,
        "lost": len(lost),
        "repeated": sum(events.values()) - len(events),
        "after_last_start": sum(at > 0 for at in times),
        "last_after_s": times[-1] if times else math.nan,
    }


def measure_receiver():
    """What the receiver takes from a client of its kind, in requests a second: a bound of what can be measured."""

    async def run(sink):
        body = {"data": {"tenant_id": "tenant"}, "padding": "x" * 1000}
        request = http_request("POST", "/0", {"webhook-id": "evt"}, body)
        began = time.monotonic()

        async def work():
            for _ in range(250):
                reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
                writer.write(request)
                await reader.readuntil(b"\r\n\r\n")
                writer.close()

        await asyncio.gather(*(work() for _ in range(16)))
        return 16 * 250 / (time.monotonic() - began)

    sink = Sink()
    rate = asyncio.run(run(sink))
    sink.process.terminate()
    return rate


# What is printed.


def say(text):
    print(text, flush=True)


# Two lines of a title, the format of a value, and where it is.
COLUMNS = [
    ("", "subscribers", "11d", lambda row: row["subscribers"]),
    ("changes", "a second", ">16", lambda row: row["name"]),
    ("", "made", "6.0f", lambda row: row["changes_per_second"]),
    ("events", "a second", "8.0f", lambda row: row["deliveries_per_second"]),
    ("response", "p50, ms", "8.1f", lambda row: row["response_ms"]["p50"]),
    ("", "p99", "7.1f", lambda row: row["response_ms"]["p99"]),
    ("to arrival", "p50, ms", "10.1f", lambda row: row["from_response_ms"]["p50"]),
    ("", "p99", "8.1f", lambda row: row["from_response_ms"]["p99"]),
    ("from start", "p50, ms", "10.1f", lambda row: row["from_start_ms"]["p50"]),
    ("", "p99", "8.1f", lambda row: row["from_start_ms"]["p99"]),
    ("memory, MB", "idle", "10.0f", lambda row: row["memory_mb"]["idle"]),
    ("", "peak", "5.0f", lambda row: row["memory_mb"]["peak"]),
    ("processors", "server", "10.2f", lambda row: row["processors"]["server"]),
    ("", "receiver", "8.2f", lambda row: row["processors"]["receiver"]),
    ("", "load", "5.2f", lambda row: row["processors"]["load"]),
    ("ms of it", "an event", "8.1f", lambda row: row["server_ms_per_delivery"]),
]


def head():
    widths = [int(re.search(r"\d+", form)[0]) for _, _, form, _ in COLUMNS]
    lines = zip(*((column[:2]) for column in COLUMNS), strict=True)
    return "\n".join(
        " ".join(f"{t:>{width}}" for t, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def shown(row):
    text = " ".join(f"{value(row):{form}}" for _, _, form, value in COLUMNS)
    wrong = {name: row[name] for name in ("not_within_limit", "repeated", "rejected") if row[name]}
    return text + "".join(f"  {name}: {count}" for name, count in (wrong | row["warnings"]).items())


def machine():
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    load = os.getloadavg()[0]
    name = names[0] if names else platform.machine()
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}, {len(names)} x {name}, Linux {platform.release()}, load {load:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", type=Path, help="the local server")
    parser.add_argument("--svix", metavar="URL", help="measure the Svix server that listens there")
    parser.add_argument("--processes", metavar="PIDS", default="", help="the processes of the Svix server")
    parser.add_argument("--subscribers", metavar="LIST", default="1,20")
    parser.add_argument("--only", choices=("speed", "kills"), help="a half of the run")
    parser.add_argument("--quick", action="store_true", help="a short run, not for publication")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a server is ended, too
    if bool(options.program) == bool(options.svix):
        parser.error("name the local server, or --svix and its URL")

    def start():
        pids = [int(pid) for pid in options.processes.split(",") if pid]
        return Svix(options.svix, pids) if options.svix else LocalServer(options.program.resolve())

    async def one_row(*arguments):
        server, sink = start(), Sink()
        try:
            return await measure(server, sink, *arguments)
        finally:
            server.close()
            sink.process.terminate()

    def note(kind, figure, text):
        figures.setdefault(kind, []).append(figure)
        say(text)
        return figure

    numbers = [int(number) for number in options.subscribers.split(",")]
    figures = {"machine": machine(), "receiver_per_second": measure_receiver()}
    say(figures["machine"])
    say(f"the receiver alone takes {figures['receiver_per_second']:.0f} requests a second of a client like itself")
    if options.only != "kills":
        say("\n" + head())
        for subscribers in numbers:
            short = 5 if options.quick else 1
            burst = 2000 // short // (1 if subscribers == 1 else 6)
            for name, rate, count in [("1", 1, 20 // short), ("100", 100, burst), ("all that it takes", None, burst)]:
                row = asyncio.run(one_row(subscribers, name, rate, count))
                note("rows", row, shown(row))
            # A rate that it keeps up with for long: a part of what it delivered while the queue was never empty.
            rate = max(1, round(0.7 * row["deliveries_per_second"] / subscribers))
            row = asyncio.run(one_row(subscribers, f"{rate} (70 %)", rate, rate * 20 // short))
            note("rows", row, shown(row))
    if options.program and options.only != "speed":
        kills = (1, 0.5) if options.quick else (3, 1.5)
        say("\nSIGKILL in the middle of a burst")
        for subscribers in numbers:
            sink = Sink()
            found = asyncio.run(measure_kills(options.program.resolve(), sink, subscribers, *kills))
            sink.process.terminate()
            text = (
                f"subscribers {found['subscribers']}, kills {found['kills']}: {found['acknowledged']} changes "
                f"acknowledged, {found['unknown']} without a response, {found['events']} events, "
                f"{found['after_last_start']} arrivals after the last start, the last {found['last_after_s']:.1f} s "
                f"after it, lost {found['lost']}, repeated {found['repeated']}"
            )
            note("kills", found, text)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(1 if any(found["lost"] for found in figures.get("kills", [])) else 0)


if __name__ == "__main__":
    main()
