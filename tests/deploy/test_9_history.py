"""The history: what is recorded, and what is not lost when something fails.

The emulator's mappings of streams are those of streams.py. The first tests show that these repeat what a function
reports.
"""

import contextlib
import json
import os
import signal
import statistics
import threading
import time

import pytest
from cloud import (
    ACCOUNT,
    ARCHITECTURE,
    DELIVERIES,
    FUNCTIONS,
    HISTORY,
    RECORDER,
    REGION,
    STACK,
    TABLE,
    WEBHOOKS,
    ZIP,
    request,
)
from documents import described
from faults import environments, live_version, serving_unpublished, throttling_table, without_policy
from history import History, client, wait_for

API = FUNCTIONS[1]

# --- A function of a test, behind a table of a test.

# It notes each event. The first time, a record of a tenant `repeat…` is reported as failed. `poison` always raises.
PROBE = """
import json, os
seen = set()
def handler(event, context):
    records = [record["dynamodb"] for record in event["Records"]]
    tenants = [record["Keys"]["tenant_id"]["S"] for record in records]
    with open(os.environ["DELIVERIES"], "a") as file:
        file.write(json.dumps(tenants) + "\\n")
    if "poison" in tenants:
        raise ValueError("poison")
    failures = []
    for tenant, record in zip(tenants, records):
        if tenant.startswith("repeat") and tenant not in seen:
            seen.add(tenant)
            failures.append({"itemIdentifier": record["SequenceNumber"]})
            break
    return {"batchItemFailures": failures}
"""


@pytest.fixture(scope="module")
def probe(cloud, tmp_path_factory):
    """Writes items into a new table, and returns what a function with a mapping of these settings was given."""
    work = tmp_path_factory.mktemp("probe")
    role = f"arn:aws:iam::{ACCOUNT}:role/probe"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    cloud.aws("iam", "create-role", "--role-name", "probe", "--assume-role-policy-document", document)
    (work / "probe.py").write_text(PROBE)
    cloud.run(["zip", "-q", "probe.zip", "probe.py"], cwd=work)
    dynamodb, functions = client(cloud, "dynamodb"), client(cloud, "lambda")

    def deliver(name, tenants, is_done, **settings):
        deliveries = work / f"{name}.log"
        deliveries.touch()
        key = {"AttributeName": "tenant_id", "AttributeType": "S"}, {"AttributeName": "tenant_id", "KeyType": "HASH"}
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        table = dynamodb.create_table(TableName=name, AttributeDefinitions=[key[0]], KeySchema=[key[1]],
                                      BillingMode="PAY_PER_REQUEST", StreamSpecification=stream)  # fmt: skip
        functions.create_function(
            FunctionName=name, Runtime="python3.12", Handler="probe.handler", Role=role, Timeout=20,
            Code={"ZipFile": (work / "probe.zip").read_bytes()},
            Environment={"Variables": {"DELIVERIES": str(deliveries)}},
        )  # fmt: skip
        for tenant in tenants:
            dynamodb.put_item(TableName=name, Item={"tenant_id": {"S": tenant}})
        mapping = functions.create_event_source_mapping(
            FunctionName=name, EventSourceArn=table["TableDescription"]["LatestStreamArn"],
            StartingPosition="TRIM_HORIZON", **settings,
        )  # fmt: skip

        def found():
            lines = [json.loads(line) for line in deliveries.read_text().splitlines()]
            return lines if is_done(lines) else None

        wait_for("not delivered", found)
        time.sleep(1)  # nothing follows
        functions.delete_event_source_mapping(UUID=mapping["UUID"])
        return found()

    return deliver


def test_reported_failure_is_repeated_from_there(probe):
    """Otherwise no test below could fail: a record that is not delivered again is not missed either."""
    delivered = probe(
        "partial", ["a", "repeat-1", "b", "repeat-2", "c"], lambda lines: len(lines) > 2,
        BatchSize=100, BisectBatchOnFunctionError=True, FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    everything = ["a", "repeat-1", "b", "repeat-2", "c"]
    assert delivered == [everything, everything[1:], everything[3:]]


def test_reported_failure_is_ignored_without_the_setting(probe):
    assert probe("ignored", ["a", "repeat-1", "b"], len, BatchSize=100) == [["a", "repeat-1", "b"]]


def test_bad_record_is_isolated_and_kept_as_a_whole(cloud, probe):
    s3 = client(cloud, "s3")
    s3.create_bucket(Bucket="failures")
    delivered = probe(
        "poisoned", ["a", "b", "poison", "c", "d"], lambda lines: ["d"] in lines or ["c", "d"] in lines,
        BatchSize=100, BisectBatchOnFunctionError=True, MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
    )  # fmt: skip
    assert delivered.count(["poison"]) >= 3, delivered
    objects = s3.list_objects_v2(Bucket="failures")["Contents"]
    kept = json.loads(s3.get_object(Bucket="failures", Key=objects[0]["Key"])["Body"].read())
    (record,) = json.loads(kept["payload"])["Records"]
    assert record["dynamodb"]["NewImage"] == {"tenant_id": {"S": "poison"}}
    assert len(objects) == kept["DDBStreamBatchInfo"]["batchSize"] == 1


# --- The deployment


@pytest.fixture(scope="module", autouse=True)
def deployed(cloud):
    """The output of the first deployment."""
    return cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk")


@pytest.fixture(scope="module")
def history(cloud):
    return History(cloud)


class Api:
    """A client of the API, for the delivery of a tenant to S3."""

    def __init__(self, cloud):
        self.base, self.key = cloud.base_url(), cloud.psk()

    def call(self, method, tenant, body=None):
        path = f"/api/v1/tenants/{tenant}/delivery-configs" + ("" if method == "POST" else "/s3")
        if method == "POST":
            body = {"tenant_id": tenant, "type": "s3"} | body
        response = request(f"{self.base}{path}", method, key=self.key, body=body, base=self.base)
        assert response.status in (200, 201), (response.status, response.body)
        return response.headers["X-Request-Id"]


@pytest.fixture(scope="module")
def api(cloud):
    return Api(cloud)


def outputs(cloud):
    return cloud.outputs()


def mapping(cloud):
    return cloud.aws("lambda", "get-event-source-mapping", "--uuid", outputs(cloud)["HistoryMappingId"])


def stream(cloud):
    return cloud.aws("dynamodb", "describe-table", "--table-name", TABLE)["Table"].get("LatestStreamArn")


def script(cloud, *options, **how):
    return cloud.run(["./deploy.sh", *options], **how)


def test_first_deployment_includes_the_history(cloud, deployed):
    assert "The release works." in deployed
    assert "The recorder compares the table with the history now" in deployed
    settings = mapping(cloud)
    assert settings["EventSourceArn"] == stream(cloud)
    assert settings["FunctionArn"].endswith(f":{RECORDER}:live")
    assert (settings["BatchSize"], settings["ParallelizationFactor"]) == (100, 2)
    assert settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (settings["MaximumRetryAttempts"], settings["MaximumRecordAgeInSeconds"]) == (-1, 14400)
    table = cloud.aws("dynamodb", "describe-table", "--table-name", HISTORY)["Table"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"by-tenant", "by-day"}
    assert table["DeletionProtectionEnabled"] is True
    api = cloud.aws("lambda", "get-function-configuration", "--function-name", API)
    assert api["Environment"]["Variables"]["HISTORY_TABLE_NAME"] == HISTORY


def test_deployment_without_a_change_changes_nothing(cloud):
    assert "Nothing to change." in cloud.deploy("--include-api", *ZIP)
    assert "event source mapping" not in script(cloud, "--status")


# --- What is recorded

EVENTS = ["created", "updated", "updated", "updated", "deleted", "created"]
BUCKETS = [(None, "one"), ("one", "two"), ("two", "three"), ("three", "three"), ("three", None), (None, "four")]


def test_six_changes_by_the_api_are_six_revisions(api, history):
    requests = [
        api.call("POST", "acme", {"bucket_name": "one"}),
        api.call("PATCH", "acme", {"bucket_name": "two"}),
        api.call("PATCH", "acme", {"bucket_name": "three"}),
        api.call("PATCH", "acme", {"enabled": False}),
        api.call("DELETE", "acme"),
        api.call("POST", "acme", {"bucket_name": "four"}),
    ]
    entries = history.wait_for("acme", 6)
    assert [entry.event for entry in entries] == EVENTS
    assert [entry.change("bucket_name") for entry in entries] == BUCKETS
    assert [entry.actor["type"] for entry in entries] == ["api"] * 6
    assert [entry.actor["request_id"] for entry in entries] == requests
    assert entries[4].after is None


def test_api_shows_what_is_recorded(api, history):
    path = "/api/v1/tenants/acme/delivery-configs/s3/history"
    response = request(f"{api.base}{path}?order=asc", key=api.key, base=api.base)
    assert response.status == 200, response.body
    shown = response.json["data"]["revisions"]
    assert [one["revision"] for one in shown] == [entry.revision for entry in history.entries("acme")]
    assert [one["event"] for one in shown] == EVENTS
    assert shown[1]["changes"] == [{"field": "bucket_name", "from": "one", "to": "two"}]


def test_the_same_changes_by_the_aws_cli_are_direct(cloud, history):
    key = {"tenant_id": {"S": "by-hand"}, "type": {"S": "s3"}}
    named = ("--table-name", TABLE)

    def put(bucket):
        cloud.aws("dynamodb", "put-item", *named, "--item", json.dumps(key | {"bucket_name": {"S": bucket}}))

    def update(name, value):
        expression = ("--update-expression", f"SET {name} = :value")
        values = ("--expression-attribute-values", json.dumps({":value": value}))
        cloud.aws("dynamodb", "update-item", *named, "--key", json.dumps(key), *expression, *values)

    put("one")
    update("bucket_name", {"S": "two"})
    update("bucket_name", {"S": "three"})
    update("enabled", {"BOOL": False})
    cloud.aws("dynamodb", "delete-item", *named, "--key", json.dumps(key))
    put("four")
    entries = history.wait_for("by-hand", 6)
    assert [entry.event for entry in entries] == EVENTS
    assert [entry.change("bucket_name") for entry in entries] == BUCKETS
    assert [entry.actor for entry in entries] == [{"type": "direct"}] * 6


def test_retention_is_that_of_the_parameter(cloud, history):
    def seconds(entry):
        return int(entry.item["expires_at"]["N"]) - int(time.time())

    history.put("kept", bucket_name="one")
    (entry,) = history.wait_for("kept", 1)
    assert abs(seconds(entry) - 2557 * 86400) < 600
    script(cloud, "--set", "HistoryRetentionDays=0")
    history.put("kept", bucket_name="two")
    assert "expires_at" not in history.wait_for("kept", 2)[1].item


# --- What is not lost


@contextlib.contextmanager
def denied(cloud):
    """The recorder is not allowed anything, as if its table were away."""
    with without_policy(cloud, "RecorderRoleArn", "recorder"):
        yield


@contextlib.contextmanager
def throttled(cloud):
    """DynamoDB throttles every call of the recorder."""
    with throttling_table() as url, serving_unpublished(cloud, RECORDER, AWS_ENDPOINT_URL_DYNAMODB=url):
        yield


@pytest.mark.parametrize("fault", [denied, throttled])
def test_history_that_is_away_affects_no_request_and_loses_no_change(cloud, api, history, fault):
    tenant = f"away-{fault.__name__}"
    with fault(cloud):
        api.call("POST", tenant, {"bucket_name": "bucket-0"})
        for number in range(1, 20):
            api.call("PATCH", tenant, {"bucket_name": f"bucket-{number}"})
        time.sleep(5)
        assert history.entries(tenant) == []
    entries = history.wait_for(tenant, 20)
    assert [entry.change("bucket_name")[1] for entry in entries] == [f"bucket-{number}" for number in range(20)]


def test_recorder_that_is_killed_records_each_change_once(cloud, history):
    """Its environments are killed again and again, before, between and after their writes."""
    tenants, rounds, over = [f"killed-{number}" for number in range(20)], 30, threading.Event()
    version = live_version(cloud, RECORDER)

    def kill():
        while not over.wait(0.3):
            for process in environments(cloud, RECORDER, version):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for number in range(rounds):
            for tenant in tenants:
                history.put(tenant, bucket_name=f"bucket-{number}")
        time.sleep(5)
    finally:
        over.set()
        killer.join()
    for tenant in tenants:
        entries = history.wait_for(tenant, rounds)
        wanted = [(f"bucket-{number - 1}" if number else None, f"bucket-{number}") for number in range(rounds)]
        assert [entry.change("bucket_name") for entry in entries] == wanted
        assert len({entry.revision for entry in entries}) == rounds


def test_failed_records_are_kept_and_recorded_by_the_runbook(cloud, history, tmp_path):
    bucket, uuid = outputs(cloud)["FailedRecordsBucket"], ("--uuid", outputs(cloud)["HistoryMappingId"])
    age = ("lambda", "update-event-source-mapping", *uuid, "--maximum-record-age-in-seconds")
    s3 = client(cloud, "s3")
    with denied(cloud):
        cloud.aws(*age, "2")  # AWS takes no less than 60
        tenants = [f"failed-{number}" for number in range(3)]
        for tenant in tenants:
            history.put(tenant, bucket_name="kept")
        wait_for("no failed records", lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"], 120)
        wait_for("not all failed", lambda: count_of(s3, bucket) >= len(tenants))
        cloud.aws(*age, "14400")
    assert not any(history.entries(tenant) for tenant in tenants)
    for _ in range(2):  # the second time, there is nothing to do
        cloud.run(["bash", "-euo", "pipefail", "-c", described("operations.md", f"STACK={STACK}")], cwd=tmp_path)
    for tenant in tenants:
        (entry,) = history.wait_for(tenant, 1)
        assert (entry.event, entry.change("bucket_name")) == ("created", (None, "kept"))
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def count_of(s3, bucket):
    """The number of records in the bucket."""
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    objects = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
    return sum(found["DDBStreamBatchInfo"]["batchSize"] for found in objects)


def test_lines_of_the_bucket_need_tls(cloud):
    policy = cloud.aws("s3api", "get-bucket-policy", "--bucket", outputs(cloud)["FailedRecordsBucket"])["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


# --- Comparisons


def schedule(cloud):
    """What the daily schedule sends."""
    schedules = cloud.aws("scheduler", "list-schedules")["Schedules"]
    (found,) = [one for one in schedules if f"{STACK}-api-recorder" in one["Target"]["Arn"]]
    return cloud.aws("scheduler", "get-schedule", "--name", found["Name"])["Target"]


def test_schedule_finds_no_difference(cloud, tmp_path):
    target, response = schedule(cloud), tmp_path / "response.json"
    assert json.loads(target["Input"]) == {"reconcile": {"stream": stream(cloud)}}
    event = tmp_path / "event.json"
    event.write_text(target["Input"])
    payload = ("--payload", f"fileb://{event}", str(response))
    invoked = cloud.aws("lambda", "invoke", "--function-name", target["Arn"], *payload)
    assert "FunctionError" not in invoked, response.read_text()
    found = json.loads(response.read_text())["reconcile"]
    assert (found["done"], found["observed"]) == (True, 0)
    assert found["compared"] > 20


def test_changes_that_the_stream_lost_are_observed(cloud, history, tmp_path):
    history.put("lost", bucket_name="one")
    history.wait_for("lost", 1)
    update = ("dynamodb", "update-table", "--table-name", TABLE, "--stream-specification")
    cloud.aws(*update, "StreamEnabled=false")
    history.put("lost", bucket_name="two")
    history.put("created-meanwhile", bucket_name="one")
    assert "does not read the latest stream of the table" in script(cloud, "--status")
    cloud.run(
        ["bash", "-euo", "pipefail", "-c", described("operations.md", "printf '{\"reconcile\":{}}'")], cwd=tmp_path
    )
    assert json.loads((tmp_path / "response.json").read_text())["reconcile"]["observed"] == 2
    assert [entry.event for entry in history.entries("lost")] == ["created", "observed"]
    (created,) = history.entries("created-meanwhile")
    assert (created.event, created.actor) == ("observed", {"type": "direct"})


def test_recorder_moves_to_the_latest_stream_on_request(cloud, history):
    """As after a restoration of the table."""
    output = script(cloud, "--set", "IncludeHistory=true", fails=True)
    command = output.partition(": run ")[2].partition(", then repeat this command")[0]
    assert command.startswith("aws dynamodb update-table"), output
    cloud.run(command.split())
    history.put("moved", bucket_name="one")
    time.sleep(2)
    assert history.entries("moved") == [], "nobody reads the new stream"
    output = script(cloud, "--set", "IncludeHistory=true")
    assert "it moves to the latest one" in output
    assert mapping(cloud)["EventSourceArn"] == stream(cloud)
    history.put("moved", bucket_name="two")
    assert [entry.event for entry in history.wait_for("moved", 2)] == ["created", "updated"]
    assert "Nothing to change." in script(cloud, "--set", "IncludeHistory=true")


# --- Off and on


def test_history_is_switched_off_and_on_again_without_losing_an_entry(cloud, api, history):
    before = [entry.revision for entry in history.entries("acme")]
    bucket = outputs(cloud)["FailedRecordsBucket"]
    items = cloud.aws("dynamodb", "scan", "--table-name", TABLE)["Count"]
    output = script(cloud, "--set", "IncludeHistory=false")
    assert f"The table {HISTORY} and the bucket {bucket} are kept." in output
    assert RECORDER not in {one["FunctionName"] for one in cloud.aws("lambda", "list-functions")["Functions"]}
    function = cloud.aws("lambda", "get-function-configuration", "--function-name", API)
    assert "HISTORY_TABLE_NAME" not in function["Environment"]["Variables"]
    assert cloud.aws("lambda", "list-event-source-mappings")["EventSourceMappings"] == []
    api.call("PATCH", "acme", {"bucket_name": "unseen"})
    assert [entry.revision for entry in history.entries("acme")] == before
    output = cloud.run(["bash", "-ec", described("deployment.md", "./deploy.sh --set IncludeHistory=true")])
    assert f"The table {HISTORY} exists and is imported into the stack" in output
    observed = history.wait_for("acme", len(before) + 1)[-1]
    assert (observed.event, observed.change("bucket_name")) == ("observed", ("four", "unseen"))
    api.call("PATCH", "acme", {"bucket_name": "seen"})
    assert history.wait_for("acme", len(before) + 2)[-1].change("bucket_name") == ("unseen", "seen")
    assert cloud.aws("dynamodb", "scan", "--table-name", TABLE)["Count"] == items


def test_release_of_the_recorder_is_rolled_back_with_the_others(cloud, history, tmp_path):
    before = live_version(cloud, RECORDER)
    output = cloud.deploy("--package", "zip", "--binaries", cloud.change_programs(tmp_path / "build"))
    assert "The release works." in output
    assert live_version(cloud, RECORDER) == str(int(before) + 1)
    script(cloud, "--rollback")
    assert live_version(cloud, RECORDER) == before
    history.put("rolled-back", bucket_name="one")
    history.wait_for("rolled-back", 1)
    script(cloud, "--rollback", live_release(cloud))


def live_release(cloud):
    (release,) = (one["ParameterValue"] for one in cloud.stack()["Parameters"] if one["ParameterKey"] == "Release")
    return release


# --- How long it takes


def test_latency_of_a_change_is_printed(api, history, capsys):
    api.call("POST", "timed", {"bucket_name": "bucket-0"})
    history.wait_for("timed", 1)
    milliseconds = []
    for number in range(1, 101):
        api.call("PATCH", "timed", {"bucket_name": f"bucket-{number}"})
        began = time.perf_counter()
        wait_for("not recorded", lambda count=number + 1: len(history.entries("timed")) == count)
        milliseconds.append((time.perf_counter() - began) * 1000)
    centiles = statistics.quantiles(milliseconds, n=100)
    with capsys.disabled():
        print(f"\nfrom the response to the history: p50 {centiles[49]:.0f} ms, p99 {centiles[98]:.0f} ms", end=" ")


# --- The end


def test_deletion_keeps_the_history_and_the_next_stack_continues_it(cloud, history):
    bucket = outputs(cloud)["FailedRecordsBucket"]
    output = script(cloud, "--delete", "--yes")
    assert f"Deleted. The tables {TABLE}, {HISTORY}, {WEBHOOKS} and {DELIVERIES}, the keys" in output
    assert f"the bucket {bucket} for failed records, are kept." in output
    assert {TABLE, HISTORY} <= set(cloud.aws("dynamodb", "list-tables")["TableNames"])
    before = [entry.revision for entry in history.entries("acme")]
    cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE)
    assert mapping(cloud)["EventSourceArn"] == stream(cloud)
    history.put("acme", bucket_name="afterwards")
    assert [entry.revision for entry in history.wait_for("acme", len(before) + 1)][:-1] == before
    assert f":{REGION}:" in stream(cloud)
