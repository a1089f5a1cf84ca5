"""Ways to make a deployment fail, with the means of the emulator and the machine. Each is undone afterwards."""

import contextlib
import http.server
import json
import os
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path


def live_version(cloud, function):
    alias = cloud.aws("lambda", "get-alias", "--function-name", function, "--name", "live")
    return alias["FunctionVersion"]


def environments(cloud, function, version):
    """The processes of a function's version. Each is an execution environment of the emulator."""
    marks = {
        f"GATEWAY_PORT={cloud.port}".encode(),
        f"AWS_LAMBDA_FUNCTION_NAME={function}".encode(),
        f"AWS_LAMBDA_FUNCTION_VERSION={version}".encode(),
    }
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if marks <= set((process / "environ").read_bytes().split(b"\0")):
                found.append(int(process.name))
    return found


def stop(cloud, function):
    """Stops a function's execution environments, as if they had no CPU time."""
    for process in environments(cloud, function, live_version(cloud, function)):
        os.kill(process, signal.SIGSTOP)


def renew(cloud, function):
    """Ends a function's execution environments, as Lambda does every few hours."""
    version = live_version(cloud, function)
    for process in environments(cloud, function, version):
        os.kill(process, signal.SIGKILL)
    while environments(cloud, function, version):
        time.sleep(0.01)


@contextlib.contextmanager
def without_policy(cloud, role_output, policy):
    """Removes the policy of a role, and restores it."""
    role = ("--role-name", cloud.outputs()[role_output].rpartition("/")[2], "--policy-name", policy)
    document = json.dumps(cloud.aws("iam", "get-role-policy", *role)["PolicyDocument"])
    cloud.aws("iam", "delete-role-policy", *role)
    try:
        yield
    finally:
        cloud.aws("iam", "put-role-policy", *role, "--policy-document", document)


@contextlib.contextmanager
def serving_unpublished(cloud, function, **variables):
    """Serves with the unpublished function, with these variables, instead of the live version."""
    name = ("--function-name", function)

    def configure(variables):
        environment = json.dumps({"Variables": variables})
        cloud.aws("lambda", "update-function-configuration", *name, "--environment", environment)

    def make_live(version):
        cloud.aws("lambda", "update-alias", *name, "--name", "live", "--function-version", version)

    live = live_version(cloud, function)
    before = cloud.aws("lambda", "get-function-configuration", *name)["Environment"]["Variables"]
    if variables:
        configure(before | variables)
    make_live("$LATEST")
    try:
        yield
    finally:
        make_live(live)
        if variables:
            configure(before)


class Throttling(http.server.BaseHTTPRequestHandler):
    """A DynamoDB that throttles every request. The emulator's never does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate of requests exceeds"}'
        self.send_response(400)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def throttling_table():
    """The URL of such a DynamoDB."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Throttling) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def put_report(cloud, function, status):
    """Writes the line that Lambda writes after an invocation when the log format is JSON; the emulator writes text.
    Source: "platform.report" in the event schema reference of the Lambda Telemetry API."""
    now = datetime.now(UTC)
    report = {
        "time": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "type": "platform.report",
        "record": {
            "requestId": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa",
            "metrics": {
                "durationMs": 10000.0,
                "billedDurationMs": 10000,
                "memorySizeMB": 256,
                "maxMemoryUsedMB": 24,
            },
            "status": status,
        },
    }
    put_lines(cloud, f"/aws/lambda/{function}", f"report-{status}", [report])


def put_start(cloud, function, status):
    """Writes the line that Lambda writes when a function has started, or has not: "platform.initReport", as above."""
    record = {"initializationType": "on-demand", "phase": "init", "status": status, "metrics": {"durationMs": 12.5}}
    line = {"time": datetime.now(UTC).isoformat(), "type": "platform.initReport", "record": record}
    put_lines(cloud, f"/aws/lambda/{function}", f"start-{status}", [line])


def put_access(cloud, group, status, count):
    """Writes lines of the access log. The emulator's gateway has none."""
    line = {"requestId": "6d68ca91", "sourceIp": "192.0.2.1", "route": "/{proxy+}", "status": status}
    put_lines(cloud, group, f"access-{status}", [line] * count)


def put_lines(cloud, group, stream, lines):
    named = ("--log-group-name", group, "--log-stream-name", stream)
    cloud.aws("logs", "create-log-stream", *named)
    now = int(datetime.now(UTC).timestamp() * 1000)
    events = [{"timestamp": now, "message": json.dumps(line)} for line in lines]
    cloud.aws("logs", "put-log-events", *named, "--log-events", json.dumps(events))


def credentials_without(cloud, name, *actions):
    """The environment of a user that is allowed everything but these actions."""
    user = ("--user-name", name)
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": actions, "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    cloud.aws("iam", "create-user", *user)
    cloud.aws("iam", "put-user-policy", *user, "--policy-name", "all-but", "--policy-document", policy)
    key = cloud.aws("iam", "create-access-key", *user)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
