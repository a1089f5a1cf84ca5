"""Checks that alarms and dashboard use metrics that the functions write: docs/operations.md lists them, and tests of
the crates compare that list with the code."""

import hashlib
import hmac
import http.server
import json
import re
import sys
import threading
import types

import pytest
from cfn import ROOT, load, resources, strings

NAMESPACE = "TenantManagement"
# The validator runs the API function's code and writes its metrics.
FUNCTIONS = {"api-service": "API function", "api-validator": "API function", "api-authorizer": "authorizer"}
FUNCTIONS |= {"api-recorder": "recorder", "api-notifier": "notifier"}
CANARY = {"api-canary": "canary"}
SEARCH = re.compile(
    r"""SEARCH\('\{(\w+),([\w,]+)\} function_name="([^"]+)" (?:MetricName="(\w+)"|(\w+_))', 'Sum', 300\)"""
)
OPERATIONS = (ROOT / "docs/operations.md").read_text()
TEMPLATES = load()
MONITORING = TEMPLATES["monitoring"]
ALARMS = {logical_id: alarm["Properties"] for _, logical_id, alarm in resources(TEMPLATES, "AWS::CloudWatch::Alarm")}
COMPOSITES = {
    logical_id: alarm["Properties"] for _, logical_id, alarm in resources(TEMPLATES, "AWS::CloudWatch::CompositeAlarm")
}
# The parts of the composite alarms notify nobody.
PARTS = {part for alarm in COMPOSITES.values() for part in re.findall(r"\$\{(\w+)\}", alarm["AlarmRule"]["Fn::Sub"])}
TOPIC = {"Fn::If": ["OwnsTopic", {"Ref": "AlarmTopic"}, {"Ref": "AlarmTopicArn"}]}
# These fail when nothing arrives. Any other metric counts faults, and has no values without faults.
SILENT = {"SilenceAlarm", "CanaryAlarm"}
# One is too many, whatever the environment. What is counted once a day has a period of a day.
FIXED = {"HistoryFailuresAlarm": 86400, "HistoryStreamAlarm": 86400}
FIXED |= {"WebhookDeadLettersAlarm": 300, "WebhookDisabledAlarm": 300}


def documented(function):
    """The documented sets of dimensions of each metric of a function."""
    section = OPERATIONS.split(f"### Metrics of the {function}")[1].split("\n#")[0]
    metrics = {}
    for row in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE):
        name, _, sets, _ = (cell.strip().replace("`", "") for cell in row.split("|"))
        metrics[name] = {frozenset(group.split(", ")) for group in sets.split("; ")}
    return metrics


def filtered():
    """The metrics that filters extract from the platform's lines."""
    for _, _, resource in resources(TEMPLATES, "AWS::Logs::MetricFilter"):
        for transformation in resource["Properties"]["MetricTransformations"]:
            assert transformation["MetricNamespace"] == NAMESPACE
            yield "".join(strings(transformation["MetricName"]))


def check(name, dimensions):
    """Asserts that a function writes the metric with these dimensions."""
    if name in set(filtered()):
        assert not dimensions
        return
    titles = FUNCTIONS | CANARY
    function = next(title for suffix, title in titles.items() if dimensions["function_name"].endswith(suffix))
    metrics = documented(function)
    assert name in metrics, f"the {function} does not write {name}"
    assert frozenset(dimensions) in metrics[name], f"{name} does not have the dimensions {sorted(dimensions)}"


def dashboard():
    return json.loads(MONITORING["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]


def test_namespace_is_that_of_the_code():
    source = (ROOT / "crates/lambda/src/metrics.rs").read_text()
    assert f'pub const NAMESPACE: &str = "{NAMESPACE}";' in source


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_uses_a_written_metric(name):
    alarm = ALARMS[name]
    dimensions = {entry["Name"]: "".join(strings(entry["Value"])) for entry in alarm.get("Dimensions", [])}
    if alarm["Namespace"] == NAMESPACE:
        check("".join(strings(alarm["MetricName"])), dimensions)
    else:
        assert alarm["Namespace"] in ("AWS/ApiGateway", "AWS/Lambda", "AWS/S3", "AWS/SQS")


@pytest.mark.parametrize("name", ALARMS.keys() - PARTS - SILENT - FIXED.keys())
def test_alarm_has_a_threshold_parameter(name):
    assert ALARMS[name]["Threshold"]["Ref"] in TEMPLATES["regional"]["Parameters"]


@pytest.mark.parametrize("name", FIXED)
def test_alarm_without_a_threshold_parameter_allows_none(name):
    assert (ALARMS[name]["Threshold"], ALARMS[name]["Period"]) == (0, FIXED[name])


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_treats_missing_data_by_what_it_counts(name):
    assert ALARMS[name]["TreatMissingData"] == ("breaching" if name in SILENT else "notBreaching")


@pytest.mark.parametrize("name", ALARMS | COMPOSITES)
def test_alarm_notifies_the_topic(name):
    alarm = (ALARMS | COMPOSITES)[name]
    if name in PARTS:
        assert not alarm.keys() & {"AlarmActions", "OKActions"}
    elif name == "CanaryAlarm":  # its topic is that of the other alarms, or none without them
        assert alarm["AlarmActions"] == alarm["OKActions"]
        assert alarm["AlarmActions"]["Fn::If"][:2] == ["HasTopic", [{"Ref": "AlarmTopicArn"}]]
    else:
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]


def test_burn_rates_are_those_of_the_objective():
    """The budget of 30 days is used up in 50 hours at 14.4 times the allowed share, and in 5 days at 6 times."""
    objectives = MONITORING["Mappings"]["FailedShare"]
    assert set(objectives) == set(TEMPLATES["regional"]["Parameters"]["AvailabilityTarget"]["AllowedValues"])
    for objective, shares in objectives.items():
        allowed = (100 - float(objective)) / 100
        assert float(shares["Fast"]) == pytest.approx(14.4 * allowed)
        assert float(shares["Slow"]) == pytest.approx(6 * allowed)
    windows = {"Fast": (3600, 300), "Slow": (21600, 1800)}
    for kind, periods in windows.items():
        rule = COMPOSITES[f"{kind}BurnAlarm"]["AlarmRule"]["Fn::Sub"]
        parts = [ALARMS[name] for name in re.findall(r"\$\{(\w+)\}", rule)]
        assert rule.count("ALARM(") == 3
        assert rule.count(" AND ") == 2
        assert tuple(part["Period"] for part in parts[:2]) == periods
        for part in parts[:2]:
            assert part["Threshold"]["Fn::FindInMap"] == ["FailedShare", {"Ref": "AvailabilityTarget"}, kind]
            assert part["Statistic"] == "Average"
        assert (parts[2]["Statistic"], parts[2]["Period"]) == ("Sum", 21600)


@pytest.mark.parametrize("name", ALARMS | COMPOSITES)
def test_alarm_has_a_runbook(name):
    alarm = (ALARMS | COMPOSITES)[name]
    runbook = re.search(r"Runbook: docs/operations\.md, (.+)\.$", alarm["AlarmDescription"])
    assert f"\n### {runbook[1]}\n" in OPERATIONS
    assert f"`{''.join(strings(alarm['AlarmName'])).split('}-')[-1]}`" in OPERATIONS


def test_every_first_described_kind_of_alarm_exists():
    metrics = {"".join(strings(alarm["MetricName"])).split("}-")[-1] for alarm in ALARMS.values()}
    assert metrics >= {"5XXError", "api-service-timeouts", "Throttles", "dynamodb_throttles", "auth_denied"}
    assert metrics >= {"IteratorAge", "NumberOfObjects", "record_lag_ms", "stream_mismatches", "Errors"}
    assert metrics >= {"Latency", "Count", "unauthorized", "too-many-requests", "init-failures", "canary_failures"}


def test_platform_lines_are_counted_in_every_partition():
    """In GovCloud, Lambda writes its reports as text."""
    for _, logical_id, resource in resources(TEMPLATES, "AWS::Logs::MetricFilter"):
        pattern = resource["Properties"]["FilterPattern"]
        if logical_id.endswith("Responses"):  # the access log has the format of its stage
            assert re.fullmatch(r'\{ \$\.status = "\d{3}" \}', pattern)
            continue
        condition, json_pattern, text_pattern = pattern["Fn::If"]
        assert condition == "HasJsonLogs"
        assert "$.type" in json_pattern
        assert not text_pattern.startswith("{")


def test_no_alarm_mentions_the_timeout_of_the_gateway():
    """A function timeout is a 502. A 504 is API Gateway's own timeout of 29 s, longer than that of any function."""
    for name, alarm in ALARMS.items():
        assert "504" not in alarm["AlarmDescription"], name


def test_dashboard_shows_only_written_metrics():
    shown = 0
    for widget in dashboard():
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], dict):
                namespace, names, function, name, prefix = SEARCH.fullmatch(metric[0]["expression"]).groups()
                assert namespace == NAMESPACE
                check(name or f"{prefix}FIELD", {key: function for key in names.split(",")})
            elif metric[0] == NAMESPACE:
                pairs = [part for part in metric[2:] if isinstance(part, str)]
                check(metric[1], dict(zip(pairs[::2], pairs[1::2], strict=True)))
            shown += 1
    assert shown > 30


def test_dashboard_shows_every_metric():
    text = json.dumps(dashboard())
    for function in set(FUNCTIONS.values()):
        for name in documented(function):
            assert name.removesuffix("FIELD") in text, f"{name} of the {function} is not on the dashboard"


def test_dashboard_shows_every_function():
    text = json.dumps(dashboard())
    for name in FUNCTIONS:
        for namespace, metric in (("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles"), (NAMESPACE, "cold_starts")):
            assert re.search(rf'"{namespace}", "{metric}", "\w+", "[^"]+-{name}"', text), f"{metric} of {name}"


def test_topic_is_encrypted_with_a_key_that_cloudwatch_is_allowed_to_use():
    topic = MONITORING["Resources"]["AlarmTopic"]["Properties"]
    assert topic["KmsMasterKeyId"] == {"Fn::If": ["OwnsKey", {"Fn::GetAtt": ["AlarmKey", "Arn"]}, {"Ref": "KmsKeyArn"}]}
    statements = MONITORING["Resources"]["AlarmKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert any(statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"} for statement in statements)


# --- The canary.


def run_canary(monkeypatch, capsys, base_url, key):
    """Runs the program in the template, and returns its line."""
    parameters = []

    class Ssm:
        @staticmethod
        def get_parameter(**arguments):
            parameters.append(arguments)
            return {"Parameter": {"Value": key}}

    monkeypatch.setitem(sys.modules, "boto3", types.SimpleNamespace(client=lambda service: Ssm))
    monkeypatch.setenv("BASE_URL", base_url)
    monkeypatch.setenv("PSK_PARAMETER_NAME", "/a/b/psk")
    program = {}
    exec(TEMPLATES["canary"]["Resources"]["Canary"]["Properties"]["Code"]["ZipFile"], program)
    program["handler"]({}, types.SimpleNamespace(function_name="p-e-api-canary"))
    assert parameters == [{"Name": "/a/b/psk", "WithDecryption": True}]
    line = capsys.readouterr().out
    assert key not in line
    return json.loads(line)


class Api(http.server.BaseHTTPRequestHandler):
    """Verifies a signature as documented, over the path with the stage."""

    key, status, body = "0123456789abcdef", 200, b'{"status":"success"}'

    def do_GET(self):
        timestamp = self.headers["X-API-Timestamp"]
        message = f"GET{self.path}{timestamp}".encode()
        signature = hmac.new(self.key.encode(), message, hashlib.sha256).hexdigest()
        is_signed = self.headers["Authorization"] == f"HMAC-SHA256 {signature}"
        assert self.path == "/development/api/v1/delivery-configs?limit=1"
        self.send_response(self.status if is_signed else 403)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


@pytest.fixture
def api_url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/development"
    server.shutdown()
    server.server_close()


def test_canary_requests_a_signed_list(monkeypatch, capsys, api_url):
    line = run_canary(monkeypatch, capsys, api_url, Api.key)
    assert (line["outcome"], line["canary_failures"]) == (200, 0)


def test_canary_counts_what_a_client_would_notice(monkeypatch, capsys, api_url):
    assert run_canary(monkeypatch, capsys, api_url, "another key")["outcome"] == 403
    monkeypatch.setattr(Api, "body", b'{"status":"error"}')
    line = run_canary(monkeypatch, capsys, api_url, Api.key)
    assert (line["outcome"], line["canary_failures"]) == ("not the envelope", 1)
    line = run_canary(monkeypatch, capsys, "http://127.0.0.1:1/development", Api.key)
    assert (line["outcome"], line["canary_failures"]) == ("URLError", 1)


def test_canary_writes_the_metrics_that_are_documented(monkeypatch, capsys, api_url):
    line = run_canary(monkeypatch, capsys, api_url, Api.key)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    for metric in directive["Metrics"]:
        for dimensions in directive["Dimensions"]:
            assert frozenset(dimensions) in documented("canary")[metric["Name"]]
            assert set(dimensions) | {metric["Name"]} <= line.keys()
