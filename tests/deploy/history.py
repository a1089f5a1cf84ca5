"""The history as its table has it, and a table whose records a function of a test gets."""

import json
import time

import botocore.session
from cloud import HISTORY, REGION, TABLE

SECONDS = 60


def client(cloud, service):
    """A client that is faster than the AWS CLI."""
    return botocore.session.get_session().create_client(
        service,
        region_name=REGION,
        endpoint_url=cloud.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def wait_for(what, is_there, seconds=SECONDS):
    """The first value that is there."""
    deadline = time.monotonic() + seconds
    while True:
        found = is_there()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} after {seconds} s"
        time.sleep(0.05)


class Entry:
    """An entry of the history."""

    def __init__(self, item):
        self.revision, self.event = item["revision"]["S"], item["event"]["S"]
        self.actor = {name: value["S"] for name, value in item["actor"]["M"].items()}
        self.after = json.loads(item.get("after", {}).get("S", "null"))
        self.before = json.loads(item.get("before", {}).get("S", "null"))
        self.recorded_at, self.item = item["recorded_at"]["S"], item

    def change(self, name):
        """A text before and after: unchanged, if it is the same."""
        after = (self.after or {}).get(name, {}).get("S")
        if self.before is None:
            return None, after
        if name not in self.before:
            return after, after
        return (self.before[name] or {}).get("S"), after


class History:
    """The entries of each tenant's delivery to S3, the oldest first."""

    def __init__(self, cloud):
        self.dynamodb = client(cloud, "dynamodb")

    def entries(self, tenant):
        found = self.dynamodb.query(
            TableName=HISTORY,
            KeyConditionExpression="tenant_id = :tenant AND begins_with(#position, :type)",
            ExpressionAttributeNames={"#position": "position"},
            ExpressionAttributeValues={":tenant": {"S": tenant}, ":type": {"S": "s3#"}},
            ConsistentRead=True,
        )
        return [Entry(item) for item in found["Items"]]

    def wait_for(self, tenant, count):
        """The entries, when there are so many of them. More are a defect."""
        wait_for(f"not {count} entries of {tenant}", lambda: len(self.entries(tenant)) >= count)
        entries = self.entries(tenant)
        assert len(entries) == count, [entry.item for entry in entries]
        return entries

    def put(self, tenant, **texts):
        """Writes an item past the API."""
        attributes = {"tenant_id": tenant, "type": "s3"} | texts
        item = {name: {"S": value} for name, value in attributes.items()}
        self.dynamodb.put_item(TableName=TABLE, Item=item)
