"""The alarms and the dashboard of a deployment with default settings."""

import json

from cloud import FUNCTIONS, STACK

ALARMS = {
    "error-rate",
    "authorizer-timeouts",
    "api-timeouts",
    "validator-timeouts",
    "authorizer-throttles",
    "api-throttles",
    "validator-throttles",
    "table-throttles",
    "authentication-failures",
    "key-failures",
}


def test_alarms_notify_the_topic(cloud):
    topic = cloud.outputs()["AlarmTopicArn"]
    alarms = cloud.aws("cloudwatch", "describe-alarms", "--alarm-name-prefix", f"{STACK}-")["MetricAlarms"]
    assert {alarm["AlarmName"].removeprefix(f"{STACK}-") for alarm in alarms} == ALARMS
    for alarm in alarms:
        assert alarm["AlarmActions"] == [topic]
        assert "docs/operations.md" in alarm["AlarmDescription"]


def test_dashboard_has_its_widgets(cloud):
    name = cloud.outputs()["DashboardName"]
    body = cloud.aws("cloudwatch", "get-dashboard", "--dashboard-name", name)["DashboardBody"]
    assert "${" not in body
    assert len(json.loads(body)["widgets"]) == 15


def test_timeouts_are_counted_from_the_logs(cloud):
    for name in FUNCTIONS:
        (found,) = cloud.aws("logs", "describe-metric-filters", "--log-group-name", f"/aws/lambda/{name}")[
            "metricFilters"
        ]
        assert "platform.report" in found["filterPattern"]
