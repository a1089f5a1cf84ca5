"""The webhooks: what a receiver gets, and what it gets although something fails.

The receivers are on loopback, where no deployed notifier connects. So the tests set WEBHOOK_NETWORKS, which no template
does, and write the receiver's URL into the endpoint's row, because the API accepts none that is not public.
"""

import contextlib
import json
import os
import signal
import time
from datetime import UTC, datetime

import pytest
from cloud import (
    ACCOUNT,
    ARCHITECTURE,
    DELIVERIES,
    FUNCTIONS,
    MASTER_KEY_PARAMETER,
    NOTIFIER,
    REGION,
    STACK,
    WEBHOOKS,
    ZIP,
)
from documents import described
from faults import environments, live_version, without_policy
from history import History, client, wait_for
from metrics import Window
from webhooks import Endpoint, Receiver, endpoint_with_receiver, reaching_loopback, sqs, sweep

API = FUNCTIONS[1]


@pytest.fixture(scope="module", autouse=True)
def deployed(cloud):
    """test_9_history.py leaves a stack with default settings. Alone, this makes the same."""
    cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk")


@pytest.fixture(scope="module")
def history(cloud):
    return History(cloud)


def script(cloud, *options, **how):
    return cloud.run(["./deploy.sh", *options], **how)


def variables(cloud, function):
    found = cloud.aws("lambda", "get-function-configuration", "--function-name", function)
    return found["Environment"]["Variables"]


def master_key(cloud, name=MASTER_KEY_PARAMETER):
    (found,) = cloud.aws("ssm", "get-parameters", "--names", name, "--with-decryption")["Parameters"]
    assert found["Type"] == "SecureString"
    return found["Value"]


def mapping(cloud, *options):
    uuid = ("--uuid", cloud.outputs()["WebhookMappingId"])
    verb = "update" if options else "get"
    return cloud.aws("lambda", f"{verb}-event-source-mapping", *uuid, *options)


# --- The deployment


def test_deployment_includes_the_webhooks(cloud):
    settings = mapping(cloud)
    assert settings["FunctionArn"].endswith(f":{NOTIFIER}:live")
    assert settings["BatchSize"] == 10
    assert settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert settings["ScalingConfig"] == {"MaximumConcurrency": 10}
    for table, keys in ((WEBHOOKS, {"scope", "id"}), (DELIVERIES, {"webhook_id", "position"})):
        found = cloud.aws("dynamodb", "describe-table", "--table-name", table)["Table"]
        assert {key["AttributeName"] for key in found["KeySchema"]} == keys
        assert found["DeletionProtectionEnabled"] is True
    outputs = cloud.outputs()
    attributes = sqs(cloud, "get-queue-attributes", "--queue-url", outputs["WebhookQueueUrl"],
                     "--attribute-names", "All")["Attributes"]  # fmt: skip
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-webhooks-dead-letters"
    assert json.loads(attributes["RedrivePolicy"]) == {"deadLetterTargetArn": dead, "maxReceiveCount": 5}
    assert attributes["VisibilityTimeout"] == "120"
    assert variables(cloud, API)["TENANT_WEBHOOKS_TABLE"] == WEBHOOKS
    assert "WEBHOOK_NETWORKS" not in variables(cloud, NOTIFIER)


def test_master_key_has_256_bits_and_is_printed_nowhere(cloud):
    key = master_key(cloud)
    assert len(key) == 44
    assert key not in json.dumps([cloud.stack(), variables(cloud, API), variables(cloud, NOTIFIER)])


# --- What a receiver gets


def test_change_is_delivered_and_signed(cloud, history):
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "signed") as (endpoint, receiver):
        history.put("signed", bucket_name="one")
        (delivered,) = receiver.wait_for(1)
        (entry,) = history.wait_for("signed", 1)
        assert delivered.is_signed_with(endpoint.secret)
        assert not delivered.is_signed_with(f"whsec_{'A' * 43}=")
        assert delivered.id == delivered.event["id"] == f"evt_{entry.revision}"
        assert delivered.event["type"] == "delivery_config.created"
        assert delivered.event["data"]["tenant_id"] == "signed"
        wait_for("not concluded", lambda: endpoint.delivery(delivered.id)["status"] == "succeeded")


def test_other_tenants_get_nothing(cloud, history):
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "nosy") as (endpoint, receiver):
        history.put("private", bucket_name="one")
        history.wait_for("private", 1)
        time.sleep(3)
        assert receiver.delivered == []
        assert endpoint.rows() == []


def test_loopback_is_not_contacted_without_the_variable(cloud, history):
    """The URL was written by hand, past the API. The notifier checks addresses at each attempt."""
    with endpoint_with_receiver(cloud, "guarded") as (endpoint, receiver):
        history.put("guarded", bucket_name="one")
        wait_for("no attempt", lambda: any(one["attempts"] for one in endpoint.deliveries()))
        (delivery,) = endpoint.deliveries()
        (attempt,) = endpoint.delivery(delivery["event_id"])["last_attempts"]
        assert "status" not in attempt
        assert attempt["error"].endswith("no connection was made")
        assert receiver.delivered == []


def test_api_accepts_no_address_that_is_not_public(cloud):
    endpoint = Endpoint(cloud, "careful")
    for url in ("http://receiver.example.com/", "https://127.0.0.1/", "https://169.254.169.254/", "https://localhost/"):
        assert endpoint.call("POST", body={"url": url}).status == 422, url
    endpoint.get(method="DELETE")


# --- What it gets although something fails


def test_delivery_is_repeated_after_a_500(cloud, history):
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "repeated") as (endpoint, receiver):
        receiver.statuses += [500, 503]
        history.put("repeated", bucket_name="one")
        attempts = receiver.wait_for(3, 120)
        assert len({one.id for one in attempts}) == 1
        assert all(one.is_signed_with(endpoint.secret) for one in attempts)
        wait_for("not concluded", lambda: endpoint.delivery(attempts[0].id)["status"] == "succeeded")
        noted = endpoint.delivery(attempts[0].id)["last_attempts"]
        assert [attempt["status"] for attempt in noted] == [500, 503, 204]


def test_sweep_of_the_schedule_delivers_what_the_queue_lost(cloud, history):
    """Only the sweep can find the rows: their messages are gone before the notifier reads the queue."""
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "swept") as (endpoint, receiver):
        mapping(cloud, "--no-enabled")
        try:
            for number in range(5):
                history.put("swept", bucket_name=f"bucket-{number}")
            wait_for("no rows", lambda: len(endpoint.rows()) == 5)
            sqs(cloud, "purge-queue", "--queue-url", cloud.outputs()["WebhookQueueUrl"])
            assert receiver.delivered == []
        finally:
            mapping(cloud, "--enabled")
        # The schedule comes within a minute.
        delivered = receiver.wait_for(5, 150)
        assert len({one.id for one in delivered}) == 5


def test_notifier_that_is_killed_sends_the_same_event_again(cloud, history):
    """It is killed while a receiver has not responded. Its claim ends after a minute."""
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "killed") as (endpoint, receiver):
        receiver.is_held.clear()
        history.put("killed", bucket_name="one")
        receiver.wait_for(1)
        for process in environments(cloud, NOTIFIER, live_version(cloud, NOTIFIER)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        receiver.is_held.set()
        first, second = receiver.wait_for(2, 240)[:2]
        assert first.id == second.id
        wait_for("not concluded", lambda: endpoint.delivery(first.id)["status"] == "succeeded", 120)
        assert not any("due_at" in row for row in endpoint.rows())


def test_dead_letters_are_shown_by_the_runbook(cloud, history, tmp_path):
    """The notifier is not allowed anything, as if its tables were away. Afterwards, the deliveries are made."""
    queue, dead = (cloud.outputs()[name] for name in ("WebhookQueueUrl", "WebhookDeadLetterQueueUrl"))
    attributes = ("set-queue-attributes", "--queue-url", queue, "--attributes")
    command = described("operations.md", "DEAD=").replace("aws sqs", f"aws sqs --endpoint-url {cloud.url}")
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "dead") as (endpoint, receiver):
        sqs(cloud, *attributes, "VisibilityTimeout=1")  # Lambda takes no less than the timeout of the function
        try:
            with without_policy(cloud, "NotifierRoleArn", "notifier"):
                history.put("dead", bucket_name="one")
                # Messages of earlier tests may be there as well.
                wait_for(
                    "no dead letter", lambda: endpoint.id in cloud.run(["bash", "-euo", "pipefail", "-c", command]), 180
                )
                assert receiver.delivered == []
        finally:
            sqs(cloud, *attributes, "VisibilityTimeout=120")
        sweep(cloud, tmp_path)
        receiver.wait_for(1, 120)
        sqs(cloud, "purge-queue", "--queue-url", dead)
        assert waiting(cloud, dead) == 0


def waiting(cloud, queue):
    """The number of messages in a queue."""
    named = ("--attribute-names", "ApproximateNumberOfMessages")
    found = sqs(cloud, "get-queue-attributes", "--queue-url", queue, *named)["Attributes"]
    return int(found["ApproximateNumberOfMessages"])


def test_replay_makes_exactly_what_is_missing(cloud, history):
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "replayed") as (endpoint, receiver):
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        history.put("replayed", bucket_name="before")
        receiver.wait_for(1)
        endpoint.get(method="PATCH", body={"enabled": False})
        for number in range(5):
            history.put("replayed", bucket_name=f"missed-{number}")
        entries = history.wait_for("replayed", 6)
        time.sleep(2)
        assert len(receiver.delivered) == 1
        endpoint.get(method="PATCH", body={"enabled": True})
        replay = endpoint.get("/replay", "POST", {"since": since, "status": "missing"}, status=202)
        assert replay
        delivered = receiver.wait_for(6, 120)
        time.sleep(2)
        assert sorted(one.id for one in delivered) == sorted(f"evt_{entry.revision}" for entry in entries)


def test_redelivery_on_request(cloud, history):
    with reaching_loopback(cloud), endpoint_with_receiver(cloud, "again") as (endpoint, receiver):
        history.put("again", bucket_name="one")
        (first,) = receiver.wait_for(1)
        wait_for("not concluded", lambda: endpoint.delivery(first.id)["status"] == "succeeded")
        endpoint.get(f"/deliveries/{first.id}/redeliver", "POST", status=202)
        assert [one.id for one in receiver.wait_for(2)] == [first.id] * 2


# --- An event bus


def test_every_event_is_put_on_the_bus(cloud, history):
    bus, queue = ("--event-bus-name", "changes"), f"arn:aws:sqs:{REGION}:{ACCOUNT}:changes"
    cloud.aws("events", "create-event-bus", "--name", "changes")
    url = sqs(cloud, "create-queue", "--queue-name", "changes")["QueueUrl"]
    pattern = json.dumps({"account": [ACCOUNT]})
    cloud.aws("events", "put-rule", "--name", "all", *bus, "--event-pattern", pattern)
    cloud.aws("events", "put-targets", "--rule", "all", *bus, "--targets", f"Id=queue,Arn={queue}")
    script(cloud, "--set", "EventBusName=changes")
    history.put("on-the-bus", bucket_name="one")
    received = wait_for("nothing on the bus", lambda: sqs(cloud, "receive-message", "--queue-url", url))
    (message,) = received["Messages"]
    assert "on-the-bus" in json.dumps(json.loads(message["Body"])["detail"])
    script(cloud, "--set", "EventBusName=")
    assert "EVENT_BUS_NAME" not in variables(cloud, f"{STACK}-api-recorder")


# --- The master key


def test_master_key_is_rotated_by_the_runbook(cloud):
    endpoint = Endpoint(cloud, "rotated")
    command = described("operations.md", "./deploy.sh --set WebhookMasterKeyParameter=")
    cloud.run(["bash", "-ec", command])
    other = cloud.outputs()["WebhookMasterKeyParameter"]
    assert other == f"{MASTER_KEY_PARAMETER}-2"
    assert master_key(cloud, other) != master_key(cloud)
    secret = endpoint.get("/secret")["secret"]
    assert secret != endpoint.secret
    with reaching_loopback(cloud), Receiver().receiving() as receiver:
        endpoint.lead_to(receiver.url)
        endpoint.get("/test", "POST", status=202)
        (delivered,) = receiver.wait_for(1)
        assert delivered.is_signed_with(secret)
    # The former key is still there.
    script(cloud, "--set", f"WebhookMasterKeyParameter={MASTER_KEY_PARAMETER}")
    assert endpoint.get("/secret")["secret"] == endpoint.secret
    endpoint.get(method="DELETE")


def test_lost_master_key_is_not_replaced_by_itself(cloud):
    key = master_key(cloud)
    cloud.aws("ssm", "delete-parameter", "--name", MASTER_KEY_PARAMETER)
    output = script(cloud, "--set", "NotifierMemory=512", fails=True)
    assert f"SSM has no parameter {MASTER_KEY_PARAMETER}, and the table {WEBHOOKS} has endpoints of before" in output
    output = script(cloud, "--set", "NotifierMemory=512", "--create-webhook-key", "--dry-run")
    assert f"The parameter {MASTER_KEY_PARAMETER} would be created." in output
    named = ("--name", MASTER_KEY_PARAMETER, "--type", "SecureString")
    cloud.aws("ssm", "put-parameter", *named, "--value", key)
    script(cloud, "--set", "NotifierMemory=512")
    assert master_key(cloud) == key


# --- Off and on


def test_webhooks_are_switched_off_and_on_again_without_losing_an_endpoint(cloud):
    endpoint = Endpoint(cloud, "kept")
    output = script(cloud, "--set", "IncludeWebhooks=false")
    assert f"Webhooks are no longer sent. The tables {WEBHOOKS} and {DELIVERIES} and the master key are kept" in output
    window = Window(cloud)
    assert endpoint.call(tail=f"/{endpoint.id}").status == endpoint.call("POST", body={}).status == 404
    codes = [line["code"] for line in window.lines(API) if line.get("target") == "request"]
    assert codes == ["webhooks_not_enabled"] * 2
    assert NOTIFIER not in {one["FunctionName"] for one in cloud.aws("lambda", "list-functions")["Functions"]}
    assert not any("webhooks" in url for url in (sqs(cloud, "list-queues") or {}).get("QueueUrls", []))
    assert {WEBHOOKS, DELIVERIES} <= set(cloud.aws("dynamodb", "list-tables")["TableNames"])
    output = cloud.run(["bash", "-ec", described("deployment.md", "./deploy.sh --set IncludeWebhooks=true")])
    assert f"The table {WEBHOOKS} exists and is imported into the stack with the endpoints that it contains." in output
    assert "The release works." in output
    assert endpoint.get("/secret")["secret"] == endpoint.secret
    assert "event source mapping" not in script(cloud, "--status")
    endpoint.get(method="DELETE")


def test_mapping_that_is_disabled_is_reported(cloud):
    mapping(cloud, "--no-enabled")
    assert "The event source mapping of the notifier is Disabled" in script(cloud, "--status")
    mapping(cloud, "--enabled")


def test_release_of_the_notifier_is_rolled_back_with_the_others(cloud, tmp_path):
    before = live_version(cloud, NOTIFIER)
    cloud.deploy("--package", "zip", "--binaries", cloud.change_programs(tmp_path / "build"))
    assert live_version(cloud, NOTIFIER) == str(int(before) + 1)
    script(cloud, "--rollback")
    assert live_version(cloud, NOTIFIER) == before
    release = next(one["ParameterValue"] for one in cloud.stack()["Parameters"] if one["ParameterKey"] == "Release")
    script(cloud, "--rollback", release)


# --- The end


def test_deletion_keeps_endpoints_and_the_next_stack_has_them(cloud):
    endpoint = Endpoint(cloud, "outliving")
    output = script(cloud, "--delete", "--yes")
    assert f"{WEBHOOKS} and {DELIVERIES}, the keys" in output
    assert client(cloud, "dynamodb").scan(TableName=WEBHOOKS)["Count"] >= 1
    cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE)
    endpoint.base = cloud.base_url()
    assert endpoint.get("/secret")["secret"] == endpoint.secret
