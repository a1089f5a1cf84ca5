"""What an operator is told by, after a deployment that asked for nothing special."""

import json

from cloud import STACK

ALARMS = {
    "error-rate",
    "authorizer-timeouts",
    "api-timeouts",
    "authorizer-throttles",
    "api-throttles",
    "table-throttles",
    "authentication-failures",
    "key-failures",
}


def test_alarms_speak_to_the_topic(cloud):
    topic = cloud.outputs()["AlarmTopicArn"]
    alarms = cloud.aws("cloudwatch", "describe-alarms", "--alarm-name-prefix", f"{STACK}-")["MetricAlarms"]
    assert {alarm["AlarmName"].removeprefix(f"{STACK}-") for alarm in alarms} == ALARMS
    for alarm in alarms:
        assert alarm["AlarmActions"] == [topic]
        assert "docs/operations.md" in alarm["AlarmDescription"]


def test_dashboard_is_there(cloud):
    name = cloud.outputs()["DashboardName"]
    body = cloud.aws("cloudwatch", "get-dashboard", "--dashboard-name", name)["DashboardBody"]
    assert "${" not in body
    assert len(json.loads(body)["widgets"]) == 15


def test_timeouts_are_counted_from_the_logs(cloud):
    for function in ("api-authorizer", "api-service"):
        group = f"/aws/lambda/{STACK}-{function}"
        (found,) = cloud.aws("logs", "describe-metric-filters", "--log-group-name", group)["metricFilters"]
        assert "platform.report" in found["filterPattern"]
