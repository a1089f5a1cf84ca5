"""The alarms and the dashboard of a deployment with default settings."""

import json

from cloud import FUNCTIONS, NOTIFIER, RECORDER, STACK

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
    "unauthorized",
    "too-many-requests",
    "init-failures",
    "latency",
    "recorder-timeouts",
    "recorder-throttles",
    "recorder-errors",
    "history-age",
    "history-lag",
    "history-failures",
    "history-stream",
    "notifier-timeouts",
    "notifier-throttles",
    "notifier-errors",
    "webhook-overdue",
    "webhook-dead-letters",
    "webhook-disabled",
}
PARTS = {"burn-rate-1h", "burn-rate-5m", "burn-rate-6h", "burn-rate-30m", "failed-requests"}
COMPOSITES = {"fast-burn", "slow-burn"}


def test_alarms_notify_the_topic(cloud):
    topic = cloud.outputs()["AlarmTopicArn"]
    found = cloud.aws("cloudwatch", "describe-alarms", "--alarm-name-prefix", f"{STACK}-",
                      "--alarm-types", "MetricAlarm", "CompositeAlarm")  # fmt: skip
    alarms = {alarm["AlarmName"].removeprefix(f"{STACK}-"): alarm for alarm in found["MetricAlarms"]}
    composites = {alarm["AlarmName"].removeprefix(f"{STACK}-"): alarm for alarm in found["CompositeAlarms"]}
    assert alarms.keys() == ALARMS | PARTS
    assert composites.keys() == COMPOSITES
    for name, alarm in (alarms | composites).items():
        assert alarm["AlarmActions"] == ([] if name in PARTS else [topic])
        assert "docs/operations.md" in alarm["AlarmDescription"]


def test_dashboard_has_its_widgets(cloud):
    name = cloud.outputs()["DashboardName"]
    body = cloud.aws("cloudwatch", "get-dashboard", "--dashboard-name", name)["DashboardBody"]
    assert "${" not in body
    assert len(json.loads(body)["widgets"]) == 23


def test_timeouts_are_counted_from_the_logs(cloud):
    for name in (*FUNCTIONS, RECORDER, NOTIFIER):
        found = cloud.aws("logs", "describe-metric-filters", "--log-group-name", f"/aws/lambda/{name}")["metricFilters"]
        patterns = sorted(one["filterPattern"] for one in found)
        assert ["platform.initReport" in patterns[0], "platform.report" in patterns[1]] == [True, True]
