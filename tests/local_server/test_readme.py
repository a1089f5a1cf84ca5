"""What the README shows is what the server says, and its links, and those of docs/, lead somewhere."""

import hashlib
import hmac
import json
import os
import re
import shlex
import shutil
import subprocess
import time
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
README = TOP / "README.md"
PAGES = [README, *sorted(TOP.glob("docs/**/*.md"))]
CHANGES_WITH_TIME = re.compile(
    r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z"|(?<="latency_ms":)\d+|(?<="version":)"[^"]+"'
    r'|(?<="revision":)"[^"]+"|(?<="cursor":)"[^"]+"|(?<="request_id":)"[^"]+"'
    r"|wh_[0-9a-f]{32}|whsec_[A-Za-z0-9+/]{43}="
)


def examples():
    """Each command of a console block, as words, and the response shown below it."""
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), re.S):
        for example in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, response = re.fullmatch(r"(.*?)\n(\{\"timestamp\".*)", example, re.S).groups()
            yield shlex.split(command), response


def normalize(response):
    """The response less what differs from one time to the next."""
    text = json.dumps(json.loads(response), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return CHANGES_WITH_TIME.sub('"..."', text)


def test_readme_examples_are_true(start):
    api = start("--in-memory").api
    count = 0
    for (name, method, uri, *body), shown in examples():
        assert name == "api"
        sent = body[0].encode() if body else None
        # As the shell function of the README does.
        headers = api.sign(method, uri, digest=hashlib.sha256(sent or b"").hexdigest())
        response = api.call(method, uri, sent, headers=headers, signed=False)
        # A change is in the history a moment later.
        deadline = time.monotonic() + 10
        while "/history" in uri and normalize(response.body) != normalize(shown) and time.monotonic() < deadline:
            time.sleep(0.1)
            response = api.call(method, uri, sent, headers=headers, signed=False)
        assert normalize(response.body) == normalize(shown), f"{method} {uri}"
        count += 1
    assert count > 10


def snippet(language, beginning=""):
    """The first block of a language that begins so."""
    return re.search(rf"```{language}\n({re.escape(beginning)}.*?)```", README.read_text(), re.S)[1]


CONFIGS = "/api/v1/tenants/acme/delivery-configs"
BODY = '{"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "bucket_prefix": "a [b] {c}"}'


def test_bash_snippet_signs_every_method_and_binds_the_body(start):
    api = start("--in-memory").api
    script = f"""
    set -euo pipefail
    {snippet("bash", "api()")}
    api POST {CONFIGS} '{BODY}' && echo
    api HEAD {CONFIGS}/s3 | head -1
    api GET '/api/v1/delivery-configs?limit=1&note=[a]{{b}}' && echo
    api GET {CONFIGS} && echo
    api DELETE {CONFIGS}/s3 && echo
    """
    environment = os.environ | {"BASE_URL": api.base_url, "PSK": api.key}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    created, head, listed, of_acme, deleted = done.stdout.strip().splitlines()
    assert json.loads(created)["data"]["bucket_prefix"] == "a [b] {c}/"
    assert head.split()[1] == "200"
    # Signed in a form that is verified. The API has no such parameter.
    assert '"note"' in json.loads(listed)["error"]
    assert json.loads(deleted)["status"] == "success"
    assert json.loads(of_acme)["data"]["count"] == 1


def test_python_snippet_binds_the_body(start):
    api = start("--in-memory").api
    names = {"datetime": datetime, "timezone": timezone, "hashlib": hashlib, "hmac": hmac}
    exec(snippet("python"), names)
    for method, uri, body in (("POST", CONFIGS, BODY.encode()), ("GET", CONFIGS + "/s3", b"")):
        headers = names["sign"](api.key, method, uri, body) | {"Content-Type": "application/json"}
        assert headers["X-Body-SHA256"] == hashlib.sha256(body).hexdigest()
        request = urllib.request.Request(api.base_url + uri, body or None, headers, method=method)
        assert urllib.request.urlopen(request, timeout=10).status in (200, 201)


@pytest.mark.skipif(not shutil.which("go"), reason="go is not installed")
def test_go_snippet_binds_the_body(start, tmp_path):
    api = start("--in-memory").api
    (tmp_path / "go.mod").write_text("module snippet\n\ngo 1.19\n")
    packages = ["bytes", "crypto/hmac", "crypto/sha256", "encoding/hex", "fmt", "net/http", "os", "time"]
    imports = "\n".join(f'\t"{package}"' for package in packages)
    main = f"""
package main
import (
{imports}
)
{snippet("go")}
func main() {{
	body := []byte(os.Args[1])
	request, _ := http.NewRequest("POST", os.Getenv("BASE_URL")+"{CONFIGS}", bytes.NewReader(body))
	sign(request, []byte(os.Getenv("PSK")), body)
	response, err := http.DefaultClient.Do(request)
	fmt.Println(response.StatusCode, err)
}}
"""
    (tmp_path / "main.go").write_text(main)
    environment = os.environ | {"BASE_URL": api.base_url, "PSK": api.key, "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        ["go", "run", ".", BODY], cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.stdout == "201 <nil>\n", done.stdout + done.stderr


def test_every_reason_of_a_rejection_has_its_usual_cause():
    sources = ["crates/core/src/signature/error.rs", "crates/authorizer/src/denial.rs"]
    reasons = {word for file in sources for word in re.findall(r'=> "(\w+)"', (TOP / file).read_text())}
    table = (TOP / "docs/signing.md").read_text().split("## Why a request was rejected")[1]
    rows = re.findall(r"^\| (`.*?) \| (.+) \|$", table, re.M)
    documented = {word for words, cause in rows for word in re.findall(r"`(\w+)`", words) if len(cause) > 10}
    assert len(reasons) > 20
    assert documented - {"reason"} == reasons


def test_every_difference_to_the_python_service_has_its_test():
    rows = re.findall(r"^\| .* \| `(test_\w+)` \|$", (TOP / "docs/migration.md").read_text(), re.M)
    tests = re.findall(r"^def (test_\w+)", (TOP / "tests/acceptance/test_python_service.py").read_text(), re.M)
    assert sorted(rows) == sorted(tests)


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_links_between_pages_resolve(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"
