"""Each fault of the webhooks moves its metric and triggers its alarm, as in test_3_failures.py."""

import json

import pytest
from cloud import ARCHITECTURE, NOTIFIER, STACK, ZIP
from faults import put_report, renew, without_policy
from history import History, wait_for
from metrics import NAMESPACE, Window, key_of, key_of_alarm
from monitoring import Monitoring
from webhooks import endpoint_with_receiver, reaching_loopback, sqs, sweep

ALARMS = {"notifier-timeouts", "notifier-throttles", "notifier-errors"}
ALARMS |= {"webhook-overdue", "webhook-dead-letters", "webhook-disabled"}
# The tests of the crate move these.
ELSEWHERE = {"breakers_opened", "deliveries_postponed", "dynamodb_retries", "dynamodb_throttles", "failed_wakeups"}


@pytest.fixture(scope="module", autouse=True)
def deployed(cloud):
    cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk")


@pytest.fixture(scope="module")
def monitoring(cloud):
    return Monitoring(cloud)


@pytest.fixture(scope="module")
def history(cloud):
    return History(cloud)


def metric(name):
    return key_of(NAMESPACE, name, {"function_name": NOTIFIER})


def test_deliveries_are_counted(cloud, history, monitoring):
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "counted") as (endpoint, receiver):
        renew(cloud, NOTIFIER)
        receiver.statuses += [500]
        window = Window(cloud)
        history.put("counted", bucket_name="one")
        (first, *_) = receiver.wait_for(2, 120)
        wait_for("not concluded", lambda: endpoint.delivery(first.id)["status"] == "succeeded")
        measured = monitoring.measured(window, NOTIFIER)
    counts = [sum(measured[metric(f"deliveries_{name}")]) for name in ("attempted", "succeeded", "failed")]
    assert counts == [2, 1, 1]
    assert sum(measured[metric("cold_starts")]) >= 1
    (lag,) = measured[metric("delivery_lag_ms")]
    assert 0 <= lag < 120_000
    assert len(measured[metric("attempt_ms")]) == 2
    assert measured[metric("duration_ms")]


def test_endpoint_that_is_gone_is_disabled_and_triggers_an_alarm(cloud, history, monitoring):
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "gone") as (endpoint, receiver):
        receiver.statuses += [410]
        window = Window(cloud)
        history.put("gone", bucket_name="one")
        receiver.wait_for(1)
        wait_for("not disabled", lambda: endpoint.get()["status"] == "disabled")
        measured = monitoring.measured(window, NOTIFIER)
    assert measured[metric("endpoints_disabled")] == [1]
    monitoring.assert_triggers(monitoring.alarm_of(metric("endpoints_disabled")), [1])


def test_delivery_to_a_disabled_endpoint_is_cancelled(cloud, history, monitoring, tmp_path):
    """It is queued while the endpoint is enabled, and read from the queue when it no longer is."""
    mapping = ("--uuid", cloud.outputs()["WebhookMappingId"])
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "cancelled") as (endpoint, receiver):
        cloud.aws("lambda", "update-event-source-mapping", *mapping, "--no-enabled")
        try:
            history.put("cancelled", bucket_name="one")
            wait_for("no row", endpoint.rows)
            endpoint.get(method="PATCH", body={"enabled": False})
            window = Window(cloud)
            sweep(cloud, tmp_path)
        finally:
            cloud.aws("lambda", "update-event-source-mapping", *mapping, "--enabled")
        wait_for("not cancelled", lambda: endpoint.deliveries()[0]["status"] == "cancelled", 120)
        measured = monitoring.measured(window, NOTIFIER)
        assert receiver.delivered == []
    assert sum(measured[metric("deliveries_cancelled")]) == 1
    assert sum(measured[metric("due_deliveries")]) >= 1
    assert measured[metric("oldest_due_ms")]


def test_overdue_deliveries_trigger_an_alarm(monitoring):
    overdue = monitoring.alarms["webhook-overdue"]
    assert key_of_alarm(overdue) == metric("oldest_due_ms")
    monitoring.assert_triggers("webhook-overdue", [overdue["Threshold"] + 1] * 3)


def test_notifier_that_is_denied_its_tables_triggers_an_alarm(cloud, monitoring, tmp_path):
    with without_policy(cloud, "NotifierRoleArn", "notifier"):
        assert "errorType" in sweep(cloud, tmp_path)
    monitoring.assert_triggers(monitoring.alarm_of(key_of("AWS/Lambda", "Errors", {"FunctionName": NOTIFIER})), [1])


def test_dead_letters_trigger_an_alarm(cloud, monitoring):
    """SQS measures its queues. The emulator does not."""
    name = cloud.outputs()["WebhookDeadLetterQueueUrl"].rpartition("/")[2]
    assert sqs(cloud, "get-queue-url", "--queue-name", name)
    key = key_of("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": name})
    monitoring.assert_triggers(monitoring.alarm_of(key), [1])


def test_timeout_and_throttles_of_the_notifier_trigger_alarms(cloud, monitoring):
    key = key_of(NAMESPACE, f"{NOTIFIER}-timeouts", {})
    window = Window(cloud)
    for status in ("success", "timeout", "error"):
        put_report(cloud, NOTIFIER, status)
    measured = monitoring.measured(window, NOTIFIER)
    assert measured[key] == [1], "of the three reports"
    monitoring.assert_triggers(monitoring.alarm_of(key), measured[key])
    monitoring.assert_triggers(monitoring.alarm_of(key_of("AWS/Lambda", "Throttles", {"FunctionName": NOTIFIER})), [1])


def test_every_alarm_of_the_webhooks_was_triggered(monitoring):
    assert {name for name in monitoring.alarms if name.startswith(("notifier", "webhook"))} == ALARMS
    assert monitoring.triggered == ALARMS


def test_dashboard_shows_only_metrics_of_the_notifier_that_have_moved(cloud, monitoring):
    name = cloud.outputs()["DashboardName"]
    dashboard = json.loads(cloud.aws("cloudwatch", "get-dashboard", "--dashboard-name", name)["DashboardBody"])
    rows = [row for widget in dashboard["widgets"] for row in widget["properties"]["metrics"]]
    shown = {row[1] for row in rows if len(row) > 3 and row[0] == NAMESPACE and row[3] == NOTIFIER}
    moved = {name for _, name, dimensions in monitoring.moved if ("function_name", NOTIFIER) in dimensions}
    assert len(shown) > 10
    assert shown - moved == ELSEWHERE, f"{STACK} shows what nobody writes"
