"""Every way to verify an event that docs/webhooks.md shows, as functions of one form.

NODE_FOLDER    the folder with the packages of package.json
"""

import base64
import hashlib
import hmac
import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import standardwebhooks

TOP = Path(__file__).parents[2]
DOCS = (TOP / "docs/webhooks.md").read_text()
RECEIVER = TOP / "examples/python/webhook_receiver.py"
PACKAGE = Path(os.environ.get("NODE_FOLDER", "/nonexistent")) / "node_modules/standardwebhooks"


def snippet(language, beginning):
    """The block of a language that begins so."""
    return re.search(rf"```{language}\n({re.escape(beginning)}.*?)```", DOCS, re.S)[1]


def load_receiver():
    specification = importlib.util.spec_from_file_location("webhook_receiver", RECEIVER)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def sign(secret, event_id, timestamp, body):
    """A signature as the specification describes it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def by_python_library(secret, headers, body):
    names = {"Webhook": standardwebhooks.Webhook}
    exec(snippet("python", "from standardwebhooks"), names)
    return names["verify"](secret, headers, body)


def by_python(secret, headers, body):
    return load_receiver().verify(secret, headers, body)


JAVASCRIPT = """
import { readFileSync } from 'node:fs'
const { secret, headers, body } = JSON.parse(readFileSync(0))
console.log(JSON.stringify(verify(secret, headers, Buffer.from(body, 'base64'))))
"""

GO = """
type message struct {
	Secret  string
	Headers map[string]string
	Body    []byte
}

func main() {
	var m message
	if err := json.NewDecoder(os.Stdin).Decode(&m); err != nil {
		panic(err)
	}
	header := http.Header{}
	for name, value := range m.Headers {
		header.Set(name, value)
	}
	if err := verify(m.Secret, header, m.Body, time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(m.Body)
}
"""

GO_PACKAGES = [
    "crypto/hmac",
    "crypto/sha256",
    "encoding/base64",
    "encoding/json",
    "errors",
    "fmt",
    "net/http",
    "os",
    "strconv",
    "strings",
    "time",
]


def run_program(command):
    """Verifies with a program that reads one message and prints the event."""

    def verify(secret, headers, body):
        message = {"secret": secret, "headers": headers, "body": base64.b64encode(body).decode()}
        done = subprocess.run(command, input=json.dumps(message), capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise ValueError(done.stderr)
        return json.loads(done.stdout)

    return verify


def build_all(folder):
    """The verifiers that can run here, by name, and the reasons why others cannot."""
    verifiers = {"python": by_python, "python library": by_python_library}
    missing = []
    if shutil.which("node"):
        (folder / "hand.mjs").write_text(snippet("javascript", "import { createHmac") + JAVASCRIPT)
        verifiers["javascript"] = run_program(["node", str(folder / "hand.mjs")])
    else:
        missing.append("node is not installed")
    if shutil.which("node") and PACKAGE.is_dir():
        (folder / "node_modules").symlink_to(PACKAGE.parent)
        (folder / "library.mjs").write_text(snippet("javascript", "import { Webhook }") + JAVASCRIPT)
        verifiers["javascript library"] = run_program(["node", str(folder / "library.mjs")])
    else:
        missing.append("NODE_FOLDER has no package standardwebhooks")
    if shutil.which("go"):
        imports = "\n".join(f'\t"{package}"' for package in GO_PACKAGES)
        (folder / "go.mod").write_text("module verify\n\ngo 1.19\n")
        (folder / "main.go").write_text(f"package main\n\nimport (\n{imports}\n)\n\n{snippet('go', '// verify')}{GO}")
        build = ["go", "build", "-o", str(folder / "verify"), "."]
        subprocess.run(build, cwd=folder, check=True, timeout=300, env=os.environ | {"GOTOOLCHAIN": "local"})
        verifiers["go"] = run_program([str(folder / "verify")])
    else:
        missing.append("go is not installed")
    return verifiers, missing


def is_verified(verify, secret, headers, body):
    """Whether it returns the event, and not another one. Every other outcome has to be an exception."""
    try:
        event = verify(secret, headers, body)
    except Exception:
        return False
    assert event == json.loads(body)
    return True


def make_headers(secrets, event_id, body, age=0):
    timestamp = str(int(time.time()) - age)
    signatures = [sign(secret, event_id, timestamp, body) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
