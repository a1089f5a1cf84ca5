"""Each kind of failure is caused in the deployment, moves its metric, and triggers its alarm.

The metric of an alarm is read from the deployed alarm. The values that the emulator's CloudWatch does not measure are
read from the log (metrics.py) and put into CloudWatch, so the deployed alarm evaluates them and notifies its topic.
"""

import hashlib
import hmac
import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from cloud import FUNCTIONS, NOTIFIER, RECORDER, ROOT, STACK, TABLE, request
from faults import put_access, put_report, put_start, renew, serving_unpublished, stop, throttling_table, without_policy
from metrics import NAMESPACE, Window, key_of, key_of_alarm
from monitoring import Monitoring

AUTHORIZER, API, *OTHERS = FUNCTIONS
LIST = "/api/v1/delivery-configs"
TENANT = "failing"
CONFIGS = f"/api/v1/tenants/{TENANT}/delivery-configs"
# A path that involves each function.
PATHS = {AUTHORIZER: LIST, API: LIST} | dict.fromkeys(OTHERS, f"{CONFIGS}/s3/validate?live=false")
# The metrics that test_3_operation.py moves by rotating the key, and test_6_stale_keys.py.
ELSEWHERE = {"previous_key_held", "previous_key_uses", "stale_key_uses"}
# The tests of the crate move these.
ELSEWHERE |= {"truncated_entries", "unreadable_records"}


class Client:
    """A client that has the key."""

    def __init__(self, cloud):
        self.base, self.key = cloud.base_url(), cloud.psk()

    def call(self, path=LIST, method="GET", *, body=None):
        return request(f"{self.base}{path}", method, key=self.key, body=body, base=self.base)

    def call_with(self, headers):
        return request(f"{self.base}{LIST}", headers=headers)


@pytest.fixture(scope="module")
def monitoring(cloud):
    return Monitoring(cloud)


@pytest.fixture(scope="module")
def client(cloud):
    return Client(cloud)


@pytest.fixture(scope="module", autouse=True)
def configuration(cloud, client):
    assert client.call(CONFIGS, "POST", body=s3()).status == 201
    yield
    assert client.call(f"{CONFIGS}/s3", "DELETE").status == 200


def s3(**more):
    return {"tenant_id": TENANT, "type": "s3", "bucket_name": "failing-logs"} | more


def metric(name, function, **dimensions):
    return key_of(NAMESPACE, name, {"function_name": function} | dimensions)


# --- Rejected requests


def headers(key, *, timestamp=None, age=0, scheme="HMAC-SHA256", signature=None, **more):
    timestamp = timestamp or (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    signed = signature or hmac.new(key.encode(), f"GET{LIST}{timestamp}".encode(), hashlib.sha256).hexdigest()
    return {"Authorization": f"{scheme} {signed}", "X-API-Timestamp": timestamp} | more


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("timestamp_expired", {"age": 301}),
        ("timestamp_in_future", {"age": -400}),
        ("timestamp_malformed", {"timestamp": "yesterday"}),
        ("wrong_scheme", {"scheme": "Bearer"}),
        ("signature_malformed", {"signature": "00"}),
        ("body_digest_malformed", {"X-Body-SHA256": "00"}),
        ("wrong_signature", {"signature": "0" * 64}),
    ],
)
def test_denied_request_is_counted_by_its_reason(cloud, client, monitoring, reason, wrong):
    window = Window(cloud)
    assert client.call_with(headers(client.key, **wrong)).status == 403
    measured = monitoring.measured(window, AUTHORIZER)
    assert measured[metric("auth_denied", AUTHORIZER, reason=reason)] == [1]
    assert measured[metric("auth_denied", AUTHORIZER)] == [1]
    assert metric("auth_allowed", AUTHORIZER) not in measured


def test_many_denied_requests_trigger_an_alarm(cloud, client, monitoring):
    key = metric("auth_denied", AUTHORIZER)
    name = monitoring.alarm_of(key)
    window = Window(cloud)
    count = int(monitoring.alarms[name]["Threshold"]) + 1
    for _ in range(count):
        assert client.call_with(headers("somebody-elses-key")).status == 403
    values = monitoring.measured(window, AUTHORIZER)[key]
    assert sum(values) == count
    monitoring.assert_triggers(name, values)


def test_broken_rules_are_counted_by_field(cloud, client, monitoring):
    window = Window(cloud)
    body = s3(bucket_name="No bucket", target_region="nowhere", enable=True)
    assert client.call(CONFIGS, "POST", body=body).status == 422
    measured = monitoring.measured(window, API)
    assert measured[metric("validation_failures", API)] == [3]
    for field in ("bucket_name", "target_region", "unknown_field"):
        assert measured[metric(f"validation_failures_{field}", API)] == [1]


# --- Counted without a failure


@pytest.mark.parametrize("kind", ["cloudwatch", "s3"])
def test_changes_are_counted_by_type(cloud, client, monitoring, kind):
    tenant = f"{TENANT}-{kind}"
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    role = {"log_distribution_role_arn": "arn:aws:iam::123456789012:role/Logs", "log_group_name": "/logs"}
    body = s3(tenant_id=tenant) if kind == "s3" else {"tenant_id": tenant, "type": kind} | role
    window = Window(cloud)
    assert client.call(path, "POST", body=body).status == 201
    assert client.call(f"{path}/{kind}", "PATCH", body={"enabled": False}).status == 200
    assert client.call(f"{path}/{kind}", "PUT", body={"enabled": True}).status == 200
    assert client.call(f"{path}/{kind}", "DELETE").status == 200
    measured = monitoring.measured(window, AUTHORIZER, API)
    changes = {action: sum(measured[metric(f"configs_{action}", API, type=kind)]) for action in ("created", "updated")}
    assert changes == {"created": 1, "updated": 2}
    assert measured[metric("configs_deleted", API, type=kind)] == [1]
    assert len(measured[metric("requests", API)]) == len(measured[metric("auth_allowed", AUTHORIZER)]) == 4


def test_items_that_a_filter_reads_are_counted(cloud, client, monitoring):
    window = Window(cloud)
    found = client.call(f"{LIST}?filter=bucket_name%3D%22failing-logs%22")
    assert found.status == 200
    measured = monitoring.measured(window, API)
    assert sum(measured[metric("scanned_items", API)]) >= 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_new_environment_is_a_cold_start(cloud, client, monitoring, function):
    renew(cloud, function)
    window = Window(cloud)
    assert [client.call(PATHS[function]).status for _ in range(2)] == [200, 200]
    measured = monitoring.measured(window, function)
    assert measured[metric("cold_starts", function)] == [1]
    assert len(measured[metric("duration_ms", function)]) == 2
    if function == AUTHORIZER:
        assert measured[metric("key_refreshes", function)] == [1]


# --- The key


def test_unreadable_key_triggers_an_alarm(cloud, client, monitoring):
    key = metric("key_refresh_failures", AUTHORIZER)
    window = Window(cloud)
    with without_policy(cloud, "AuthorizerRoleArn", "authorizer"):
        for _ in range(2):  # each environment reads before its first request, and again with it
            renew(cloud, AUTHORIZER)
            assert client.call().status == 500
    renew(cloud, AUTHORIZER)
    assert client.call().status == 200
    measured = monitoring.measured(window, AUTHORIZER)
    assert measured[metric("auth_failed", AUTHORIZER)] == [1, 1]
    assert measured[key] == [2, 2]
    assert measured[metric("key_refreshes", AUTHORIZER)] == [1]
    causes = [line["cause"] for line in window.lines(AUTHORIZER) if line.get("event") == "keys_unreadable"]
    assert causes
    assert all("is denied" in cause for cause in causes)
    monitoring.assert_triggers(monitoring.alarm_of(key), measured[key])


# --- The table


def test_5xx_response_is_counted_and_triggers_an_alarm(cloud, client, monitoring):
    window = Window(cloud)
    with without_policy(cloud, "ApiRoleArn", "api"):
        responses = [client.call() for _ in range(3)]
    responses.append(client.call())
    assert [response.status for response in responses] == [500, 500, 500, 200]
    measured = monitoring.measured(window, API)
    assert measured[metric("requests", API, route=LIST, status_class="5xx")] == [1, 1, 1]
    assert measured[metric("requests", API, route=LIST, status_class="2xx")] == [1]
    failed = [line for line in window.lines(API) if line.get("status") == 500]
    assert {(line["level"], line["code"]) for line in failed} == {("ERROR", "access_denied")}

    # The alarm uses the gateway's metric, which includes more failures than the function's. The emulator's gateway has
    # no metrics, so the test compares the dimensions with the gateway, and takes the values from the responses.
    outputs = cloud.outputs()
    gateway = cloud.aws("apigateway", "get-rest-api", "--rest-api-id", outputs["RestApiId"])["name"]
    stage = outputs["APIEndpoint"].rpartition("/")[2]
    name = monitoring.alarm_of(key_of("AWS/ApiGateway", "5XXError", {"ApiName": gateway, "Stage": stage}))
    monitoring.assert_triggers(name, [int(response.status >= 500) for response in responses])


def test_throttled_table_triggers_an_alarm(cloud, client, monitoring):
    key = metric("dynamodb_throttles", API)
    with throttling_table() as url, serving_unpublished(cloud, API, AWS_ENDPOINT_URL_DYNAMODB=url):
        window = Window(cloud)
        responses = [client.call() for _ in range(4)]
        measured = monitoring.measured(window, API)
    assert [response.status for response in responses] == [503] * 4
    assert all(response.headers["Retry-After"] for response in responses)
    assert measured[key] == [3, 3, 3, 3]
    assert measured[metric("dynamodb_retries", API)] == [2, 2, 2, 2]
    assert len(measured[metric("dynamodb_ms", API)]) == 4
    assert {line["code"] for line in window.lines(API) if line.get("status") == 503} == {"store_throttled"}
    monitoring.assert_triggers(monitoring.alarm_of(key), measured[key])
    assert client.call().status == 200


# --- The recorder


def test_changes_of_the_table_are_counted_by_the_recorder(cloud, client, monitoring):
    renew(cloud, RECORDER)
    window = Window(cloud)
    assert client.call(f"{CONFIGS}/s3", "PATCH", body={"enabled": False}).status == 200
    assert client.call(f"{CONFIGS}/s3", "PATCH", body={"enabled": True}).status == 200
    other = "/api/v1/tenants/deleted/delivery-configs"
    assert client.call(other, "POST", body=s3(tenant_id="deleted")).status == 201
    assert client.call(f"{other}/s3", "DELETE").status == 200
    measured = monitoring.measured(window, RECORDER)
    counts = [sum(measured[metric(name, RECORDER)]) for name in ("records", "history_entries", "delete_marks")]
    assert counts == [5, 4, 1], "a deletion is marked first"
    assert measured[metric("cold_starts", RECORDER)] == [1]
    assert all(0 <= lag < 30_000 for lag in measured[metric("record_lag_ms", RECORDER)])
    assert measured[metric("duration_ms", RECORDER)]


def test_throttled_history_is_counted_and_triggers_alarms(cloud, client, monitoring):
    """The records are repeated meanwhile, and recorded afterwards. Lambda measures their age; the emulator does not."""
    with throttling_table() as url, serving_unpublished(cloud, RECORDER, AWS_ENDPOINT_URL_DYNAMODB=url):
        window = Window(cloud)
        assert client.call(f"{CONFIGS}/s3", "PATCH", body={"enabled": False}).status == 200
        measured = monitoring.measured(window, RECORDER)
    assert sum(measured[metric("unfinished_batches", RECORDER)]) >= 1
    assert sum(measured[metric("dynamodb_throttles", RECORDER)]) >= 3
    assert sum(measured[metric("dynamodb_retries", RECORDER)]) >= 2
    assert client.call(f"{CONFIGS}/s3", "PATCH", body={"enabled": True}).status == 200
    deadline = time.monotonic() + 60
    while sum(monitoring.measured(window, RECORDER)[metric("history_entries", RECORDER)]) < 2:
        assert time.monotonic() < deadline, "a record was not repeated"
    lag = monitoring.alarms["history-lag"]
    assert key_of_alarm(lag) == metric("record_lag_ms", RECORDER)
    monitoring.assert_triggers("history-lag", [lag["Threshold"] + 1] * 3)
    age = monitoring.alarms["history-age"]
    assert key_of_alarm(age) == key_of("AWS/Lambda", "IteratorAge", {"FunctionName": RECORDER})
    monitoring.assert_triggers("history-age", [age["Threshold"] + 1])


def test_recorder_that_is_denied_its_table_triggers_an_alarm(cloud, monitoring, tmp_path):
    """A comparison fails then. The emulator counts no failed invocations."""
    with without_policy(cloud, "RecorderRoleArn", "recorder"):
        assert invoke_recorder(cloud, tmp_path, {"reconcile": {}})["errorType"] == "HistoryUnavailable"
    name = monitoring.alarm_of(key_of("AWS/Lambda", "Errors", {"FunctionName": RECORDER}))
    monitoring.assert_triggers(name, [1])


def invoke_recorder(cloud, folder, event):
    (folder / "event.json").write_text(json.dumps(event))
    files = ("--payload", f"fileb://{folder / 'event.json'}", str(folder / "response.json"))
    cloud.aws("lambda", "invoke", "--function-name", RECORDER, "--qualifier", "live", *files)
    return json.loads((folder / "response.json").read_text())


def test_stream_that_the_recorder_does_not_read_triggers_an_alarm(cloud, monitoring, tmp_path):
    """What the schedule sends, with another stream than the latest one; and a change that no stream has recorded."""
    window = Window(cloud)
    latest = cloud.outputs()["HistoryStreamArn"]
    invoke_recorder(cloud, tmp_path, {"reconcile": {"stream": latest}})
    assert metric("stream_mismatches", RECORDER) not in monitoring.measured(window, RECORDER)
    window = Window(cloud)
    invoke_recorder(cloud, tmp_path, {"reconcile": {"stream": f"{latest}-before-it-was-restored"}})
    measured = monitoring.measured(window, RECORDER)
    assert measured[metric("stream_mismatches", RECORDER)] == [1]
    assert sum(measured[metric("configs_compared", RECORDER)]) >= 1
    monitoring.assert_triggers(monitoring.alarm_of(metric("stream_mismatches", RECORDER)), [1])


def test_change_that_is_not_in_the_history_is_counted(cloud, monitoring, tmp_path):
    uuid = cloud.outputs()["HistoryMappingId"]
    key = json.dumps({"tenant_id": {"S": "unseen"}, "type": {"S": "s3"}})
    cloud.aws("lambda", "update-event-source-mapping", "--uuid", uuid, "--no-enabled")
    cloud.aws("dynamodb", "put-item", "--table-name", TABLE, "--item", key)
    window = Window(cloud)
    invoke_recorder(cloud, tmp_path, {"reconcile": {}})
    assert sum(monitoring.measured(window, RECORDER)[metric("changes_observed", RECORDER)]) == 1
    cloud.aws("dynamodb", "delete-item", "--table-name", TABLE, "--key", key)
    cloud.aws("lambda", "update-event-source-mapping", "--uuid", uuid, "--enabled")


def test_failed_records_trigger_an_alarm(cloud, monitoring):
    """S3 counts objects once a day. The emulator does not."""
    bucket = {"BucketName": cloud.outputs()["FailedRecordsBucket"], "StorageType": "AllStorageTypes"}
    monitoring.assert_triggers(monitoring.alarm_of(key_of("AWS/S3", "NumberOfObjects", bucket)), [1])


def test_timeout_and_throttles_of_the_recorder_trigger_alarms(cloud, monitoring):
    key = key_of(NAMESPACE, f"{RECORDER}-timeouts", {})
    window = Window(cloud)
    for status in ("success", "timeout", "error"):
        put_report(cloud, RECORDER, status)
    measured = monitoring.measured(window, RECORDER)
    assert measured[key] == [1], "of the three reports"
    monitoring.assert_triggers(monitoring.alarm_of(key), measured[key])
    monitoring.assert_triggers(monitoring.alarm_of(key_of("AWS/Lambda", "Throttles", {"FunctionName": RECORDER})), [1])


# --- The platform


@pytest.mark.parametrize("function", FUNCTIONS)
def test_invocation_timeout_triggers_an_alarm(cloud, client, monitoring, function):
    """The functions give up on AWS well before their timeouts, but not without CPU time."""
    key = key_of(NAMESPACE, f"{function}-timeouts", {})
    renew(cloud, function)
    assert client.call(PATHS[function]).status == 200
    window = Window(cloud)
    stop(cloud, function)
    assert client.call(PATHS[function]).status >= 500
    assert client.call(PATHS[function]).status == 200, "a new environment serves"
    assert not any(line.get("type") == "platform.report" for line in window.lines(function)), (
        "the emulator writes reports now, so use them"
    )
    for status in ("success", "timeout", "error"):
        put_report(cloud, function, status)
    measured = monitoring.measured(window, function)
    assert measured[key] == [1], "of the three reports"
    monitoring.assert_triggers(monitoring.alarm_of(key), measured[key])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_throttled_invocation_triggers_an_alarm(cloud, client, monitoring, function):
    name = monitoring.alarm_of(key_of("AWS/Lambda", "Throttles", {"FunctionName": function}))
    alarm = monitoring.alarms[name]
    before = measured_by_the_emulator(cloud, alarm)
    named = ("--function-name", function)
    with serving_unpublished(cloud, function):  # the emulator limits no version
        cloud.aws("lambda", "put-function-concurrency", *named, "--reserved-concurrent-executions", "0")
        try:
            # API Gateway returns a 500. The emulator returns the 429 of Lambda, except for the authorizer.
            assert client.call(PATHS[function]).status in (429, 500)
        finally:
            cloud.aws("lambda", "delete-function-concurrency", *named)
    assert client.call(PATHS[function]).status == 200
    throttles = measured_by_the_emulator(cloud, alarm) - before
    assert throttles == 1
    monitoring.assert_triggers(name, [throttles])


def measured_by_the_emulator(cloud, alarm):
    now = datetime.now(UTC)
    statistics = cloud.aws(
        "cloudwatch", "get-metric-statistics", "--namespace", alarm["Namespace"], "--metric-name", alarm["MetricName"],
        "--dimensions", json.dumps(alarm["Dimensions"]), "--statistics", "Sum", "--period", "60",
        "--start-time", (now - timedelta(hours=1)).isoformat(), "--end-time", (now + timedelta(minutes=1)).isoformat(),
    )  # fmt: skip
    return sum(point["Sum"] for point in statistics["Datapoints"])


def test_function_that_does_not_start_triggers_an_alarm(cloud, monitoring):
    key = key_of(NAMESPACE, f"{STACK}-init-failures", {})
    window = Window(cloud)
    functions = (*FUNCTIONS, RECORDER, NOTIFIER)
    for function in functions:
        for status in ("success", "error", "timeout"):
            put_start(cloud, function, status)
    measured = monitoring.measured(window, *functions)
    assert measured[key] == [1] * 2 * len(functions), "without those that started"
    monitoring.assert_triggers("init-failures", measured[key])


# --- The gateway


@pytest.mark.parametrize(("status", "name"), [("401", "unauthorized"), ("429", "too-many-requests")])
def test_rejection_by_the_gateway_triggers_an_alarm(cloud, monitoring, status, name):
    group = cloud.outputs()["AccessLogGroup"]
    count = int(monitoring.alarms[name]["Threshold"]) + 1
    window = Window(cloud)
    put_access(cloud, group, status, count)
    put_access(cloud, group, f"20{status[-1]}", 3)
    key = key_of(NAMESPACE, f"{STACK}-{name}", {})
    measured = monitoring.measured(window, group)
    assert measured[key] == [1] * count
    monitoring.assert_triggers(name, measured[key])


def test_slow_request_triggers_an_alarm(monitoring):
    threshold = monitoring.alarms["latency"]["Threshold"]
    monitoring.assert_triggers("latency", [threshold + 1, threshold + 2])


def test_failures_at_a_high_rate_trigger_the_burn_alarms(monitoring):
    """The share of failures is above that of the objective in every window, and there are at least five."""
    monitoring.put_values("error-rate", [1] * 5)
    for name in ("fast-burn", "slow-burn"):
        monitoring.assert_composite_triggers(name)


# --- Completeness, but for the webhooks: test_9_webhooks_monitoring.py has their alarms and metrics.


def test_every_alarm_was_triggered(monitoring):
    assert monitoring.triggered == {name for name in monitoring.alarms if not name.startswith(("notifier", "webhook"))}


def test_every_documented_metric_has_moved(monitoring):
    page = (ROOT / "docs/operations.md").read_text()
    tables = re.findall(r"^### Metrics of the (?:API|authorizer|recorder).*?(?=^##)", page, re.DOTALL | re.MULTILINE)
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", "".join(tables), re.MULTILINE))
    assert len(documented) > 15
    assert documented - {name for _, name, _ in monitoring.moved} == ELSEWHERE


def test_dashboard_shows_only_metrics_that_have_moved(cloud, monitoring):
    name = cloud.outputs()["DashboardName"]
    dashboard = json.loads(cloud.aws("cloudwatch", "get-dashboard", "--dashboard-name", name)["DashboardBody"])
    shown = set()
    for row in (row for widget in dashboard["widgets"] for row in widget["properties"].get("metrics", [])):
        namespace, name, *dimensions = (part for part in row if isinstance(part, str)) if len(row) > 1 else (None, None)
        if namespace == NAMESPACE and name not in ELSEWHERE:
            shown.add(key_of(namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))))
    assert len(shown) > 20
    of_the_notifier = {key for key in shown if NOTIFIER in key[1] or ("function_name", NOTIFIER) in key[2]}
    assert shown - of_the_notifier - set(monitoring.moved) == set()
