"""The deployed alarms, and a subscriber to their topic."""

import json
import time

from cloud import ACCOUNT, REGION, STACK
from metrics import is_breached, key_of_alarm


class Monitoring:
    """The alarms by name, the metrics that have moved, and the alarms that were triggered."""

    def __init__(self, cloud):
        self._cloud = cloud
        alarms = cloud.aws("cloudwatch", "describe-alarms", "--alarm-name-prefix", f"{STACK}-")["MetricAlarms"]
        # The parts of a composite alarm notify nobody.
        notifying = [alarm for alarm in alarms if alarm["AlarmActions"]]
        self.alarms = {alarm["AlarmName"].removeprefix(f"{STACK}-"): alarm for alarm in notifying}
        self.triggered, self._notified = set(), set()
        # Every metric that has moved in these tests.
        self.moved = {}
        topic, queue = cloud.outputs()["AlarmTopicArn"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:operators"
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            },
        }
        # A received message stays invisible, so each message is received once.
        attributes = json.dumps({"Policy": json.dumps(policy), "VisibilityTimeout": "3600"})
        self._queue = self._sqs("create-queue", "--queue-name", "operators", "--attributes", attributes)["QueueUrl"]
        cloud.aws("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", queue)

    def measured(self, window, *functions):
        metrics = window.metrics(*functions)
        self.moved |= metrics
        return metrics

    def alarm_of(self, key):
        """The one alarm on this metric."""
        (name,) = (name for name, alarm in self.alarms.items() if key_of_alarm(alarm) == key)
        return name

    def assert_triggers(self, name, values):
        """Asserts that these values of its metric make the alarm notify its topic."""
        alarm = self.alarms[name]
        assert is_breached(alarm, values), (name, values)
        self._put_values(alarm, values)
        (after,) = self._cloud.aws("cloudwatch", "describe-alarms", "--alarm-names", alarm["AlarmName"])["MetricAlarms"]
        assert after["StateValue"] == "ALARM"
        assert self._is_notified(alarm["AlarmName"])
        self.triggered.add(name)

    def assert_composite_triggers(self, name):
        """Asserts that the states of its parts make a composite alarm notify its topic."""
        found = self._cloud.aws("cloudwatch", "describe-alarms", "--alarm-names", f"{STACK}-{name}",
                                "--alarm-types", "CompositeAlarm")  # fmt: skip
        assert [alarm["StateValue"] for alarm in found["CompositeAlarms"]] == ["ALARM"]
        assert self._is_notified(f"{STACK}-{name}")

    def put_values(self, name, values):
        """Puts values of the metric of an alarm."""
        self._put_values(self.alarms[name], values)

    def _put_values(self, alarm, values):
        data = [
            {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": value} for value in values
        ]
        self._cloud.aws(
            "cloudwatch", "put-metric-data", "--namespace", alarm["Namespace"], "--metric-data", json.dumps(data)
        )

    def _sqs(self, *arguments):
        # The CLI sends SQS requests to AWS despite AWS_ENDPOINT_URL.
        return self._cloud.aws("sqs", "--endpoint-url", self._cloud.url, *arguments)

    def _is_notified(self, name):
        """Whether the topic was notified of an alarm."""
        deadline = time.monotonic() + 10
        while name not in self._notified and time.monotonic() < deadline:
            received = self._sqs("receive-message", "--queue-url", self._queue, "--max-number-of-messages", "10") or {}
            for message in received.get("Messages", []):
                notification = json.loads(json.loads(message["Body"])["Message"])
                if notification["NewStateValue"] == "ALARM":
                    self._notified.add(notification["AlarmName"])
        return name in self._notified
