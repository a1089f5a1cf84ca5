"""What the whole acceptance suite leaves in the log, at the most talkative level: no secret, and metrics that
CloudWatch would take."""

import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from harness import s3, signature

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(Path(__file__).with_name("emf.schema.json").read_text())
PSK = "a-key-that-no-line-may-hold-0123456789"
NAMESPACE = "Tests"
MAX_LINE = 256 * 1024  # bytes that CloudWatch Logs takes in an event
# What bodies of the suite and of the tests below hold, and no path or query does.
OF_BODIES = ("LogDistributionRole", "ROSA/cluster-logs", "payment-service")


@pytest.fixture(scope="module")
def log(start_for_all):
    """Every line of the log of a server at TRACE while the acceptance suite ran against it. What is not JSON is the
    greeting, which shows how to sign."""
    server = start_for_all("--in-memory", env={"LOG_LEVEL": "TRACE", "METRICS_NAMESPACE": NAMESPACE}, psk=PSK)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "tests/pytest.ini", "tests/acceptance"],
        cwd=ROOT,
        env=os.environ | {"BASE_URL": server.base_url, "PSK": PSK},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
    )
    # Whether it passes is for the stage of its own to say: at TRACE and with a debugger's build, it may be too slow to.
    assert done.returncode in (0, 1), done.stdout[-4000:]
    server.api.create(s3("a-tenant-of-the-log")).expect(201)
    server.stop()
    return [line for line in server.lines if line.startswith("{")]


@pytest.fixture(scope="module")
def lines(log):
    lines = [json.loads(line) for line in log]
    assert len(lines) > 500, "the suite has left more than this"
    return lines


def test_key_is_not_in_the_log(log):
    assert not [line for line in log if PSK in line]


def test_signature_digest_and_authorization_are_not_in_the_log(log):
    # Each is 64 hex digits, and nothing else in the log is; the longest tenant ids of the suite are longer.
    of_64_digits = re.compile(r"(?<![\w-])[0-9a-fA-F]{64}(?![\w-])")
    assert of_64_digits.search(f'"{signature(PSK, "GET", "/", "2024-01-15T10:30:00Z")}"')
    assert not [line for line in log if of_64_digits.search(line)]
    assert not [line for line in log if "hmac-sha256" in line.lower()]


def test_body_content_is_not_in_the_log(log):
    assert not [line for line in log if any(text in line for text in OF_BODIES)]


def test_each_request_writes_one_line_per_function(lines):
    of_request = collections.defaultdict(list)
    for line in lines:
        # The recorder has batches of records instead.
        if line["target"] == "request" and "work" not in line:
            of_request[line["request_id"]].append("decision" if "decision" in line else "status")
    assert len(of_request) > 200
    doubled = {key: kinds for key, kinds in of_request.items() if len(set(kinds)) != len(kinds)}
    assert not doubled


def test_metric_lines_match_the_cloudwatch_schema(lines):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    with_metrics = [line for line in lines if "_aws" in line]
    # A batch of several types has a line more for each of them.
    assert len(with_metrics) == sum(line["target"] in {"request", "metrics"} for line in lines)
    for line in with_metrics:
        assert not list(validator.iter_errors(line)), line
        assert len(json.dumps(line)) < MAX_LINE
        for directive in line["_aws"]["CloudWatchMetrics"]:
            assert directive["Namespace"] == NAMESPACE
            for name in {name for names in directive["Dimensions"] for name in names}:
                assert isinstance(line[name], str), (name, line)
                assert 0 < len(line[name]) <= 1024, (name, line)
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                assert type(value) in (int, float), (metric, line)


def test_schema_rejects_a_broken_line(lines):
    broken = json.loads(json.dumps(next(line for line in lines if "_aws" in line)))
    validator = jsonschema.Draft202012Validator(SCHEMA)
    broken["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] = "Seconds, or so"
    assert not validator.is_valid(broken)
    del broken["_aws"]["CloudWatchMetrics"][0]["Namespace"]
    assert not validator.is_valid(broken)


def test_each_change_writes_an_audit_line(lines):
    audit = [line for line in lines if line["target"] == "audit"]
    assert {line["event"] for line in audit} <= {"config_changed", "webhook_changed"}
    changes = [line for line in audit if line["event"] == "config_changed"]
    created = [line for line in changes if line.get("tenant_id") == "a-tenant-of-the-log"]
    assert [(line["action"], line["type"]) for line in created] == [("create", "s3")]
    for change in changes:
        assert {"request_id", "key_version", "source_ip", "tenant_id", "type"} <= set(change), change
    counted = sum(line.get("configs_created", 0) for line in lines)
    # A restoration creates what was deleted. There was no version before it.
    creating = [
        change for change in changes if change["action"] in {"create", "restore"} and "old_version" not in change
    ]
    assert counted == len(creating)
    assert {change["action"] for change in creating} == {"create", "restore"}


def test_every_log_field_is_documented(lines):
    operations = (ROOT / "docs/operations.md").read_text()
    documented = set(re.findall(r"`([a-z_]+)`", operations)) | {"_aws", "event"}
    fields = {field for line in lines if line["target"] in ("request", "audit") for field in line}
    undocumented = {field for field in fields - documented if not field.startswith("validation_failures_")}
    assert not undocumented
