"""An AWS account on this machine, and the commands of an operator who deploys to it."""

import contextlib
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "your-templates-bucket"
STACK = "multi-tenant-logging-development"
TABLE = f"{STACK}-tenant-configs"
HISTORY = f"{STACK}-config-history"
WEBHOOKS, DELIVERIES = f"{STACK}-webhooks", f"{STACK}-webhook-deliveries"
PSK_PARAMETER = "/multi-tenant-logging/development/api/psk"
MASTER_KEY_PARAMETER = "/multi-tenant-logging/development/webhooks/master-key"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
# The built functions. run.sh builds them unless it is set.
BINARIES = Path(os.environ["FUNCTION_BINARIES"])
ZIP = ("--package", "zip", "--binaries", BINARIES)
# The functions behind the API, the one behind the table, and the one behind the queue.
FUNCTIONS = (f"{STACK}-api-authorizer", f"{STACK}-api-service", f"{STACK}-api-validator")
RECORDER = f"{STACK}-api-recorder"
NOTIFIER = f"{STACK}-api-notifier"
CENTRAL_ROLE = f"arn:aws:iam::{ACCOUNT}:role/ROSA-CentralLogDistributionRole-abc123"


class Cloud:
    """The emulator, and the commands that are run against it."""

    def __init__(self, work):
        self.work = work
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._aws_server = work / "aws-server"
        self.environment = os.environ | {
            "PATH": f"{Path(__file__).with_name('bin')}:{os.environ['PATH']}",
            "AWS_SERVER": str(self._aws_server),
            "DEPLOY_POLL_INTERVAL": "0.2",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",  # the account's root, to the emulator
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    @contextlib.contextmanager
    def running(self):
        """Starts the emulator on a loopback port, with IAM enforced, and the server of the AWS CLI; stops both."""
        home = self.work / "home"
        home.mkdir()
        emulator = {
            "HOME": str(home),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
        }
        with (
            self._process("aws_server.py", self._aws_server) as aws_server,
            self._process("emulator.py", cwd=home, **emulator) as process,
        ):
            self._wait(process, self._emulator_is_healthy)
            self._wait(aws_server, self._aws_server.exists)
            yield self

    @contextlib.contextmanager
    def _process(self, program, *arguments, cwd=ROOT, **environment):
        with (self.work / f"{program.removesuffix('.py')}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name(program), *arguments],
                env=self.environment | environment,
                cwd=cwd,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _emulator_is_healthy(self):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2):
            return True

    def _wait(self, process, is_ready):
        deadline = time.monotonic() + 120
        while not is_ready():
            assert process.poll() is None, f"{process.args} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{process.args} is not ready"
            time.sleep(0.1)

    def run(self, command, *, cwd=ROOT, fails=False, **environment):
        """Runs a command as the operator; returns its output."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
        )
        assert (done.returncode != 0) == fails, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def aws(self, *arguments):
        """The output of the AWS CLI, parsed."""
        output = self.run(["aws", "--output", "json", *arguments])
        return json.loads(output) if output.strip() else None

    def deploy(self, *options, **how):
        """./deploy.sh with the programs of this machine's architecture."""
        return self.run(["./deploy.sh", "-t", "regional", "-b", BUCKET, *options], **how)

    def stack(self):
        return self.aws("cloudformation", "describe-stacks", "--stack-name", STACK)["Stacks"][0]

    def outputs(self):
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack()["Outputs"]}

    def base_url(self):
        """The emulator's URL of `APIEndpoint`: by path, because not every machine resolves *.localhost."""
        host, stage = self.outputs()["APIEndpoint"].removeprefix("https://").split("/")
        assert host.endswith(f".execute-api.{REGION}.amazonaws.com"), host
        return f"{self.url}/_aws/execute-api/{host.split('.')[0]}/{stage}"

    def psk(self):
        """The newest key."""
        return self.psks()[-1]

    def psks(self):
        """The key in each version of its parameter, oldest first."""
        history = self.aws("ssm", "get-parameter-history", "--name", PSK_PARAMETER, "--with-decryption")
        return [version["Value"] for version in history["Parameters"]]

    def change_programs(self, into):
        """A new build: the same programs with other bytes at their end, which the loader ignores."""
        into.mkdir()
        for name in ("authorizer", "api", "validator", "recorder", "notifier"):
            (into / name).write_bytes((BINARIES / name).read_bytes() + os.urandom(16))
        return into


class Response:
    """An HTTP response."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)


def request(url, method="GET", *, key=None, body=None, headers=None, base=None):
    """Sends a request; with `key`, it is signed over the part of the URL after `base`."""
    headers = dict(headers or {})
    if key:
        timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = f"{method}{url.removeprefix(base)}{timestamp}"
        headers |= {
            "Authorization": f"HMAC-SHA256 {hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()}",
            "X-API-Timestamp": timestamp,
        }
    data = json.dumps(body).encode() if body is not None else None
    if data:
        headers["Content-Type"] = "application/json"
    sent = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(sent, timeout=30) as response:
            return Response(response)
    except urllib.error.HTTPError as error:
        with error:
            return Response(error)
