"""Holds alarms and dashboard to what the functions write: docs/operations.md lists it, and tests beside the code hold
that list to the code."""

import json
import re

import pytest
from cfn import ROOT, load, resources, strings

NAMESPACE = "TenantManagement"
# The validator is the API function's code, and so are its metrics.
FUNCTIONS = {"api-service": "API function", "api-validator": "API function", "api-authorizer": "authorizer"}
SEARCH = re.compile(
    r"""SEARCH\('\{(\w+),([\w,]+)\} function_name="([^"]+)" (?:MetricName="(\w+)"|(\w+_))', 'Sum', 300\)"""
)
OPERATIONS = (ROOT / "docs/operations.md").read_text()
TEMPLATES = load()
MONITORING = TEMPLATES["monitoring"]
ALARMS = {logical_id: alarm["Properties"] for _, logical_id, alarm in resources(TEMPLATES, "AWS::CloudWatch::Alarm")}


def documented(function):
    """The sets of dimensions of each metric of a function, as documented."""
    section = OPERATIONS.split(f"### Metrics of the {function}")[1].split("\n#")[0]
    metrics = {}
    for row in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE):
        name, _, sets, _ = (cell.strip().replace("`", "") for cell in row.split("|"))
        metrics[name] = {frozenset(group.split(", ")) for group in sets.split("; ")}
    return metrics


def filtered():
    """The metrics that filters make of the platform's own lines."""
    for _, _, resource in resources(TEMPLATES, "AWS::Logs::MetricFilter"):
        for transformation in resource["Properties"]["MetricTransformations"]:
            assert transformation["MetricNamespace"] == NAMESPACE
            yield "".join(strings(transformation["MetricName"]))


def check(name, dimensions):
    """That a metric of ours is written, by that function and with those dimensions."""
    if name in set(filtered()):
        assert not dimensions
        return
    function = next(title for suffix, title in FUNCTIONS.items() if dimensions["function_name"].endswith(suffix))
    metrics = documented(function)
    assert name in metrics, f"the {function} writes no {name}"
    assert frozenset(dimensions) in metrics[name], f"{name} is not told apart by {sorted(dimensions)}"


def dashboard():
    return json.loads(MONITORING["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]


def test_namespace_is_that_of_the_code():
    source = (ROOT / "crates/lambda/src/metrics.rs").read_text()
    assert f'pub const NAMESPACE: &str = "{NAMESPACE}";' in source


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_is_of_a_metric_that_is_written(name):
    alarm = ALARMS[name]
    dimensions = {entry["Name"]: "".join(strings(entry["Value"])) for entry in alarm.get("Dimensions", [])}
    if alarm["Namespace"] == NAMESPACE:
        check("".join(strings(alarm["MetricName"])), dimensions)
    else:
        assert alarm["Namespace"] in ("AWS/ApiGateway", "AWS/Lambda")


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_can_be_tuned_says_what_to_do_and_is_heard(name):
    alarm = ALARMS[name]
    assert alarm["Threshold"]["Ref"] in TEMPLATES["regional"]["Parameters"]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["TreatMissingData"] == "notBreaching", "a metric that counts faults is absent while there are none"
    runbook = re.search(r"Runbook: docs/operations\.md, (.+)\.$", alarm["AlarmDescription"])
    assert f"\n### {runbook[1]}\n" in OPERATIONS
    assert f"`{''.join(strings(alarm['AlarmName'])).split('}-')[-1]}`" in OPERATIONS


def test_every_kind_of_alarm_that_was_first_described_is_there():
    metrics = {"".join(strings(alarm["MetricName"])).split("}-")[-1] for alarm in ALARMS.values()}
    assert metrics >= {"5XXError", "api-service-timeouts", "Throttles", "dynamodb_throttles", "auth_denied"}


def test_no_alarm_tells_of_the_gateways_own_time_limit():
    """A function that Lambda ends is a 502. A 504 is API Gateway's own limit of 29 s, longer than any function's."""
    for name, alarm in ALARMS.items():
        assert "504" not in alarm["AlarmDescription"], name


def test_dashboard_shows_metrics_that_are_written():
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
            assert name.removesuffix("FIELD") in text, f"{name} of the {function} is not shown"


def test_dashboard_shows_every_function():
    text = json.dumps(dashboard())
    for name in FUNCTIONS:
        for namespace, metric in (("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles"), (NAMESPACE, "cold_starts")):
            assert re.search(rf'"{namespace}", "{metric}", "\w+", "[^"]+-{name}"', text), f"{metric} of {name}"


def test_topic_is_encrypted_with_a_key_that_cloudwatch_may_use():
    topic = MONITORING["Resources"]["AlarmTopic"]["Properties"]
    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": ["AlarmKey", "Arn"]}
    statements = MONITORING["Resources"]["AlarmKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert any(statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"} for statement in statements)
