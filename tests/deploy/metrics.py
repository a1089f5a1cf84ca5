"""Extracts metrics from log lines as CloudWatch does. The emulator stores lines and metric filters without that.

A line in the embedded metric format counts only with the metrics that its directives declare. A metric filter counts
what its deployed pattern matches. Sources: "Specification: Embedded metric format" in the CloudWatch user guide,
"Filter pattern syntax" in the user guide of CloudWatch Logs.
"""

import collections
import json
import re
import time

# The namespace of the functions' metrics.
NAMESPACE = "TenantManagement"


def key_of(namespace, name, dimensions):
    """The identity of a metric. With one dimension more or less, it is another metric."""
    return namespace, name, frozenset(dimensions.items())


def key_of_alarm(alarm):
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    return key_of(alarm["Namespace"], alarm["MetricName"], dimensions)


def is_breached(alarm, values):
    """Whether these values of one period exceed the threshold of the alarm."""
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    total = sum(values)
    # Of a few values, the 99th percentile is the largest one.
    largest = max(values, default=0)
    statistics = {"Sum": total, "Average": total / len(values) if values else 0, "p99": largest, "Maximum": largest}
    # The emulator describes a statistic beside a percentile.
    statistic = statistics[alarm.get("ExtendedStatistic") or alarm["Statistic"]]
    return statistic > alarm["Threshold"]


def embedded(line):
    """The metrics that a line declares, with their values."""
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            dimensions = {name: line[name] for name in names}
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                yield (
                    key_of(directive["Namespace"], metric["Name"], dimensions),
                    value if isinstance(value, list) else [value],
                )


def filtered(metric_filter, line):
    """The metrics that a metric filter extracts from a line."""
    if matches(metric_filter["filterPattern"], line):
        for metric in metric_filter["metricTransformations"]:
            dimensions = {name: line[path.removeprefix("$.")] for name, path in metric.get("dimensions", {}).items()}
            yield (
                key_of(metric["metricNamespace"], metric["metricName"], dimensions),
                [float(metric["metricValue"])],
            )


def matches(pattern, line):
    """Whether a line matches a pattern, `{ $.path = "text" && ... }`, also with `!=`. No other form is deployed here. A
    field that is missing differs from no text."""
    for condition in re.fullmatch(r"\{ (.+) \}", pattern)[1].split(" && "):
        path, operator, wanted = re.fullmatch(r'\$\.([\w.]+) (!?=) "(\w[\w.]*)"', condition).groups()
        found = line
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if found is None or (found == wanted) != (operator == "="):
            return False
    return True


def group_of(function):
    return function if function.startswith("/") else f"/aws/lambda/{function}"


class Window:
    """The measurements from now on."""

    def __init__(self, cloud):
        time.sleep(0.002)  # excludes lines of the current millisecond
        self._cloud, self._since = cloud, str(time.time_ns() // 1_000_000)

    def lines(self, function):
        """The JSON lines of a function, or of the group of this name. The emulator's own lines are not JSON."""
        events = self._events(function)
        # A function writes the line of a request after its response, so the last one may be on its way.
        for _ in range(20):
            time.sleep(0.5)
            earlier, events = events, self._events(function)
            if len(events) == len(earlier):
                break
        return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]

    def _events(self, function):
        group = ("--log-group-name", group_of(function))
        return self._cloud.aws("logs", "filter-log-events", *group, "--start-time", self._since)["events"]

    def metrics(self, *functions):
        """Every metric in the lines of these functions, with its values."""
        found = collections.defaultdict(list)
        filters = self._cloud.aws("logs", "describe-metric-filters")["metricFilters"]
        for function in functions:
            own = [one for one in filters if one["logGroupName"] == group_of(function)]
            for line in self.lines(function):
                for key, values in (*embedded(line), *(metric for one in own for metric in filtered(one, line))):
                    found[key] += values
        return found
