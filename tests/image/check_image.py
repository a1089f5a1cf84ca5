"""Starts the program of an image and posts events to it, as `podman run` and curl would.

    check_image.py PROGRAM ROOT

ROOT is the image's file system. The program runs in a copy of it by chroot, as the image's user. The copy contains in
addition what an engine would add, /etc/resolv.conf, and a CA certificate of this test. SSM, DynamoDB and STS are fakes
behind TLS on this machine that are found by name. So the test proves that the program resolves names and finds the CA
certificates.
"""

import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

INVOKE = "/2015-03-31/functions/function/invocations"
USER = 65532
KEY = "0123456789abcdef0123456789abcdef"
MASTER_KEY = KEY[::-1]
METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/development/GET/api/v1/delivery-configs"


ROLE = "arn:aws:iam::123456789012:role/Central"
CONFIG = {
    "tenant_id": {"S": "acme"},
    "type": {"S": "s3"},
    "bucket_name": {"S": "acme-logs"},
    "enabled": {"BOOL": True},
}


class Aws(http.server.BaseHTTPRequestHandler):
    """SSM with the parameters of two keys, DynamoDB with one item that no scan returns, STS that denies every role."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "X-Amz-Target" not in self.headers:
            self.deny(body)
            return
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        response = {}
        if operation == "GetParameters":
            parameter = {"Name": "/test/psk", "Type": "SecureString", "Value": KEY, "Version": 1}
            response = {"Parameters": [parameter], "InvalidParameters": ["/test/psk:previous"]}
        elif operation == "GetParameter":
            name = json.loads(body)["Name"]
            response = {"Parameter": {"Name": name, "Type": "SecureString", "Value": MASTER_KEY, "Version": 1}}
        elif operation in ("Query", "Scan"):
            queried = json.loads(body).get("ExpressionAttributeValues", {}).values()
            items = [CONFIG] if CONFIG["tenant_id"] in queried else []
            response = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
        self.respond(200, self.headers["Content-Type"], json.dumps(response).encode())

    def deny(self, body):
        assert body.startswith((b"Action=AssumeRole&", b"Action=GetCallerIdentity&")), body
        error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>"
        self.respond(403, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode())

    def respond(self, status, media_type, body):
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve_aws(folder):
    """Serves the fake on port 443. Returns its self-signed certificate."""
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    names = ["-addext", "subjectAltName=DNS:aws.example.test", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run([*openssl, *files, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Aws)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return (folder / "cert.pem").read_bytes()


def serve_names():
    """Serves a name server that resolves every name to 127.0.0.1."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve():
        while True:
            query, client = server.recvfrom(512)
            end = 12
            while query[end]:
                end += query[end] + 1
            question = query[12 : end + 5]
            is_address = struct.unpack(">H", question[-4:-2])[0] == 1
            record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1]) if is_address else b""
            header = query[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, int(is_address), 0, 0)
            server.sendto(header + question + record, client)

    threading.Thread(target=serve, daemon=True).start()


@contextlib.contextmanager
def running(program, root, environment):
    """Runs the program in its file system, as its user."""

    def enter():
        os.chroot(root)
        os.chdir("/")
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)

    process = subprocess.Popen([f"/{program}"], env=environment, preexec_fn=enter, stdout=subprocess.PIPE)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        wait_for_port(process)
        yield lines
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, f"it ended with {process.returncode} after SIGTERM"
        reader.join(5)
        for line in lines:
            json.loads(line)  # one JSON object per line
    finally:
        process.kill()
        process.wait()


def wait_for_port(process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 8080), 1):
            return
        time.sleep(0.02)
    raise AssertionError("nothing listens on port 8080")


def invoke(event):
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=30)
    connection.request("POST", INVOKE, json.dumps(event))
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body


def event(path, headers=None):
    headers = headers or {}
    return {
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": "5f2f0d3a-0000-4000-8000-000000000000",
            "stage": "development",
            "path": f"/development{path}",
            "httpMethod": "GET",
            "identity": {"sourceIp": "192.0.2.1"},
            "authorizer": {"principalId": "psk", "authMethod": "HMAC-SHA256", "keyVersion": "current:1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def signed(path):
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = hmac.new(KEY.encode(), f"GET{path}{timestamp}".encode(), hashlib.sha256).hexdigest()
    return event(path, {"Authorization": f"HMAC-SHA256 {signature}", "X-API-Timestamp": timestamp})


def effect(response):
    return response["policyDocument"]["Statement"][0]["Effect"]


def check_authorizer():
    request = signed("/api/v1/delivery-configs")
    status, response = invoke(request)
    assert (status, effect(response)) == (200, "Allow"), response
    request["headers"]["X-API-Timestamp"] = "2020-01-01T00:00:00Z"
    request["multiValueHeaders"]["X-API-Timestamp"] = ["2020-01-01T00:00:00Z"]
    status, response = invoke(request)
    assert (status, effect(response)) == (200, "Deny"), response


def check_api():
    for path, expected in (("/health", 200), ("/api/v1/delivery-configs", 200), ("/api/v1/nothing", 404)):
        status, response = invoke(event(path))
        assert (status, response["statusCode"]) == (200, expected), (path, response)
        assert json.loads(response["body"])["status"] == ("success" if expected == 200 else "error")


def check_validator():
    status, response = invoke(event("/api/v1/tenants/acme/delivery-configs/s3/validate"))
    assert (status, response["statusCode"]) == (200, 200), response
    checks = {check["field"]: check for check in json.loads(response["body"])["data"]["checks"]}
    assert checks["bucket_name"]["status"] == "ok", checks
    assert (checks["central_role"]["status"], checks["central_role"]["code"]) == ("invalid", "access_denied"), checks
    assert ROLE in checks["central_role"]["message"]
    status, response = invoke(event("/api/v1/delivery-configs"))
    assert (status, response["statusCode"]) == (200, 404), response


def check_recorder():
    """The fake keeps nothing, so nothing is compared, but DynamoDB is called."""
    status, response = invoke({"Records": []})
    assert (status, response) == (200, {"batchItemFailures": []}), response
    status, response = invoke({"reconcile": {}})
    assert (status, response) == (200, {"reconcile": {"done": True, "compared": 0, "observed": 0}}), response


def check_notifier():
    """The fake keeps nothing, so nothing is due, but DynamoDB is called."""
    status, response = invoke({"Records": []})
    assert (status, response) == (200, {"batchItemFailures": []}), response
    status, response = invoke({"sweep": {}})
    assert status == 200, response
    assert "errorType" not in response, response


CHECKS = {
    "authorizer": check_authorizer,
    "api": check_api,
    "validator": check_validator,
    "recorder": check_recorder,
    "notifier": check_notifier,
}
ENVIRONMENT = {
    "authorizer": {"PSK_PARAMETER_NAME": "/test/psk"},
    "api": {"TENANT_CONFIG_TABLE": "test-table"},
    "validator": {"TENANT_CONFIG_TABLE": "test-table", "CENTRAL_ROLE_ARN": ROLE},
    "recorder": {"TENANT_CONFIG_TABLE": "test-table", "TENANT_HISTORY_TABLE": "test-history"},
    "notifier": {
        "TENANT_HISTORY_TABLE": "test-history",
        "TENANT_WEBHOOKS_TABLE": "test-webhooks",
        "TENANT_WEBHOOK_DELIVERIES_TABLE": "test-webhook-deliveries",
        "WEBHOOK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/test-webhooks",
        "WEBHOOK_MASTER_KEY_PARAMETER": "/test/webhooks/master-key",
    },
}
WITHOUT_AWS = {
    "authorizer": lambda: signed("/api/v1/delivery-configs"),
    "api": lambda: event("/health"),
    "validator": lambda: event("/api/v1/tenants/acme/delivery-configs/s3/validate"),
    "recorder": lambda: {"reconcile": {}},
    "notifier": lambda: {"sweep": {}},
}


def check_health():
    """`curl http://127.0.0.1:8080/health`, as a container engine checks a container."""
    for path in ("/health", "/api/v1/health"):
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())) == (200, {"status": "healthy"}), path


def check_without_aws(program):
    """The first description's `podman run`, on a machine without AWS: it serves, and reports what is missing."""
    check_health()
    status, response = invoke(WITHOUT_AWS[program]())
    assert status == 200, response
    if program in ("authorizer", "recorder", "notifier"):
        assert response["errorType"], response
        return
    assert response["statusCode"] == 503, response
    if program == "api":
        assert json.loads(response["body"])["data"]["status"] == "unhealthy"


def main(program, image):
    environment = ENVIRONMENT[program]
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        root = work / "root"
        shutil.copytree(image, root)
        os.chmod(work, 0o755)
        certificates = root / "etc/ssl/certs/ca-certificates.crt"
        assert certificates.read_bytes().count(b"BEGIN CERTIFICATE") > 50, "the image has no CA certificates"
        with certificates.open("ab") as bundle:
            bundle.write(serve_aws(work))
        serve_names()
        (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")

        aws = {
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": "https://aws.example.test",
        }
        with running(program, root, environment | aws):
            CHECKS[program]()
        print(f"{program}: handles events as user {USER}, and calls AWS by name with the CA certificates of the image")

        with running(program, image, environment | {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}):
            check_without_aws(program)
        print(f"{program}: serves without AWS, and reports what is missing")


main(*sys.argv[1:])
