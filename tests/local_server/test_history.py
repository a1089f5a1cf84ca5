"""The history on this machine: changes past the API, and ends of the server."""

import itertools
import json
import re
import signal
import time
import urllib.request

from harness import config_path, s3

TABLE = "multi-tenant-logging-development-tenant-configs"
LAG = 20


def await_revisions(api, tenant, count):
    path = config_path(tenant, "s3") + "/history"
    deadline = time.monotonic() + LAG
    while True:
        revisions = api.call("GET", path, query={"order": "asc", "limit": 1000}).expect(200).data["revisions"]
        if len(revisions) >= count or time.monotonic() > deadline:
            assert len(revisions) == count, revisions
            return revisions
        time.sleep(0.05)


def table(server):
    """Calls the exposed table as the AWS CLI does: `aws dynamodb put-item ...`."""
    url = next(re.search(r"http://127\.0\.0\.1:\d+", line)[0] for line in server.lines if "table endpoint" in line)

    def call(operation, **members):
        request = urllib.request.Request(
            url,
            json.dumps({"TableName": TABLE, **members}).encode(),
            {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"DynamoDB_20120810.{operation}",
                "Authorization": "AWS4-HMAC-SHA256 Credential=any",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    return call


def test_changes_past_the_api_are_revisions_of_nobody(start, tenant):
    server = start("--in-memory", "--expose-table", 0)
    call = table(server)
    key = {"tenant_id": {"S": tenant}, "type": {"S": "s3"}}
    item = key | {"bucket_name": {"S": "one-bucket"}, "enabled": {"BOOL": True}}
    set_name = {"UpdateExpression": "SET bucket_name = :name"}
    call("PutItem", Item=item)
    for name in ("two-buckets", "three-buckets", "four-buckets"):
        call("UpdateItem", Key=key, **set_name, ExpressionAttributeValues={":name": {"S": name}})
    call("DeleteItem", Key=key)
    call("PutItem", Item=item)
    revisions = await_revisions(server.api, tenant, 6)
    events = ["created", "updated", "updated", "updated", "deleted", "created"]
    assert [revision["event"] for revision in revisions] == events
    assert [revision["actor"] for revision in revisions] == [{"type": "direct"}] * 6
    changes = [revision["changes"] for revision in revisions[1:4]]
    names = ["one-bucket", "two-buckets", "three-buckets", "four-buckets"]
    assert changes == [[{"field": "bucket_name", "from": old, "to": new}] for old, new in itertools.pairwise(names)]
    detail = server.api.call("GET", f"{config_path(tenant, 's3')}/history/{revisions[4]['revision']}").expect(200).data
    assert detail["previous"]["bucket_name"] == "four-buckets"
    assert "configuration" not in detail


def test_request_after_a_change_by_hand_is_named(start, tenant):
    server = start("--in-memory", "--expose-table", 0)
    server.api.create(s3(tenant)).expect(201)
    key = {"tenant_id": {"S": tenant}, "type": {"S": "s3"}}
    names = {"#enabled": "enabled"}
    values = {":no": {"BOOL": False}}
    table(server)(
        "UpdateItem",
        Key=key,
        UpdateExpression="SET #enabled = :no",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
    )
    server.api.patch(tenant, "s3", {"enabled": True}).expect(200)
    server.api.delete(tenant, "s3").expect(200)
    actors = [revision["actor"]["type"] for revision in await_revisions(server.api, tenant, 4)]
    assert actors == ["api", "direct", "api", "api"]


def test_no_revision_is_lost_when_the_server_is_killed(start, tmp_path, tenant):
    data, changes = tmp_path / "data", 0
    for _ in range(3):
        server = start("--data-dir", data)
        if not changes:
            server.api.create(s3(tenant)).expect(201)
            changes = 1
        for number in range(30):
            server.api.patch(tenant, "s3", {"bucket_name": f"bucket-{changes}-{number}"}).expect(200)
        changes += 30
        # What was written last is not recorded yet.
        server.process.send_signal(signal.SIGKILL)
        server.kill()
    server = start("--data-dir", data)
    revisions = await_revisions(server.api, tenant, changes)
    assert [revision["event"] for revision in revisions] == ["created"] + ["updated"] * (changes - 1)
    for before, after in itertools.pairwise(revisions[1:]):
        assert before["changes"][0]["to"] == after["changes"][0]["from"]


def test_what_was_there_before_the_history_is_observed(start, tmp_path, tenant):
    data = tmp_path / "data"
    server = start("--data-dir", data, "--expose-table", 0)
    server.api.create(s3(tenant)).expect(201)
    await_revisions(server.api, tenant, 1)
    # As a server left it that had no history.
    table(server)("DeleteTable", TableName=TABLE.replace("tenant-configs", "config-history"))
    server.stop()
    server = start("--data-dir", data)
    (revision,) = await_revisions(server.api, tenant, 1)
    assert (revision["event"], revision["changes"]) == ("observed", [])
    detail = server.api.call("GET", f"{config_path(tenant, 's3')}/history/{revision['revision']}").expect(200).data
    assert detail["configuration"] == server.api.get(tenant, "s3").data


def test_table_of_another_program_has_no_history_here(start, tenant):
    owner = start("--in-memory", "--expose-table", 0)
    url = next(re.search(r"http://127\.0\.0\.1:\d+", line)[0] for line in owner.lines if "table endpoint" in line)
    server = start("--dynamodb-endpoint", url, "--table", "elsewhere")
    server.api.create(s3(tenant)).expect(201)
    rejected = server.api.call("GET", config_path(tenant, "s3") + "/history").expect(404)
    assert "has no history" in rejected.error
