"""The runbook for restoring the table, as docs/operations.md shows it: its blocks are run as they are there.

The emulator's point in time is always now, so the table is damaged after its copy was restored.
"""

import json
import re
import textwrap
import time

import pytest
from cloud import FUNCTIONS, ROOT, STACK, TABLE, request

# The blocks of the runbook, in its order.
BLOCKS = ("stop", "copy", "swap", "find", "restore", "settings", "stream", "serve", "record")
TENANTS = [f"restored-{number}" for number in range(12)]


def blocks():
    """The blocks of the runbook by name."""
    page = (ROOT / "docs/operations.md").read_text()
    section = page.split("\n## Restoring the table\n")[1].split("\n## ")[0]
    found = [
        textwrap.dedent(block) for block in re.findall(r"^ *```bash\n(.*?)^ *```", section, re.DOTALL | re.MULTILINE)
    ]
    assert len(found) == len(BLOCKS)
    return dict(zip(BLOCKS, found, strict=True))


def run(cloud, *names, before=""):
    """Runs blocks in one shell, as an operator would paste them."""
    texts = blocks()
    # The shell of the operator is still the one in which the names were set.
    names_of_the_first = "\n".join(texts["stop"].splitlines()[:2])
    return cloud.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([names_of_the_first, before, *map(texts.get, names)])]
    )


def items(cloud, table=TABLE):
    found = cloud.aws("dynamodb", "scan", "--table-name", table, "--consistent-read")["Items"]
    return sorted(found, key=lambda item: (item["tenant_id"]["S"], item["type"]["S"]))


def settings(cloud):
    table = cloud.aws("dynamodb", "describe-table", "--table-name", TABLE)["Table"]
    ttl = cloud.aws("dynamodb", "describe-time-to-live", "--table-name", TABLE)["TimeToLiveDescription"]
    backups = cloud.aws("dynamodb", "describe-continuous-backups", "--table-name", TABLE)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    tags = cloud.aws("dynamodb", "list-tags-of-resource", "--resource-arn", table["TableArn"])["Tags"]
    return {
        "keys": table["KeySchema"],
        "billing": table["BillingModeSummary"]["BillingMode"],
        "protected": table["DeletionProtectionEnabled"],
        "ttl": (ttl["TimeToLiveStatus"], ttl.get("AttributeName")),
        "recovery": recovery["PointInTimeRecoveryStatus"],
        "tags": {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")},
    }


EXPECTED = {
    "keys": [{"AttributeName": "tenant_id", "KeyType": "HASH"}, {"AttributeName": "type", "KeyType": "RANGE"}],
    "billing": "PAY_PER_REQUEST",
    "protected": True,
    "ttl": ("ENABLED", "ttl"),
    "recovery": "ENABLED",
    "tags": {"project": "multi-tenant-logging", "environment": "development"},
}


def send(cloud, tenant, method="GET", body=None, tail="/s3"):
    base = cloud.base_url()
    url = f"{base}/api/v1/tenants/{tenant}/delivery-configs{tail}"
    return request(url, method, key=cloud.psk(), body=body, base=base)


@pytest.fixture(scope="module")
def content(cloud):
    """The items of the table, those of some tenants among them. The settings are as the template has them."""
    for tenant in TENANTS:
        body = {"tenant_id": tenant, "type": "s3", "bucket_name": f"{tenant}-logs"}
        assert send(cloud, tenant, "POST", body, tail="").status == 201
    run(cloud, "settings")  # the emulator's CloudFormation sets neither expiry nor backups
    assert settings(cloud) == EXPECTED
    yield items(cloud)
    for tenant in TENANTS:
        assert send(cloud, tenant, "DELETE").status == 200


def assert_restored(cloud, content):
    assert items(cloud) == content
    assert settings(cloud) == EXPECTED
    time.sleep(1.1)  # health is cached for a second
    assert request(f"{cloud.base_url()}/health").status == 200
    for tenant in TENANTS:
        assert send(cloud, tenant).json["data"]["bucket_name"] == f"{tenant}-logs"
    assert send(cloud, TENANTS[0], "PATCH", {"enabled": False}).status == 200
    assert send(cloud, TENANTS[0], "PATCH", {"enabled": True}).status == 200
    function = cloud.aws("lambda", "get-function", "--function-name", FUNCTIONS[1])
    assert "Concurrency" not in function or not function["Concurrency"]


def test_damaged_content_is_restored_from_a_point_in_time(cloud, content):
    run(cloud, "stop")
    # The emulator limits no version, so the setting itself has to do.
    limit = cloud.aws("lambda", "get-function-concurrency", "--function-name", FUNCTIONS[1])
    assert limit["ReservedConcurrentExecutions"] == 0
    count = run(cloud, "copy").split()[-1]
    assert int(count) == len(content)
    key = {"tenant_id": content[0]["tenant_id"], "type": content[0]["type"]}
    cloud.run(["aws", "dynamodb", "delete-item", "--table-name", TABLE, "--key", json.dumps(key)])
    assert len(items(cloud)) == len(content) - 1
    run(cloud, "swap", "restore", "settings", "stream", "serve")
    assert_restored(cloud, content)
    cloud.aws("dynamodb", "delete-table", "--table-name", f"{TABLE}-restored")


def test_deleted_table_is_restored_from_its_last_backup(cloud, content):
    content = items(cloud)
    cloud.aws("dynamodb", "update-table", "--table-name", TABLE, "--no-deletion-protection-enabled")
    cloud.aws("dynamodb", "delete-table", "--table-name", TABLE)
    time.sleep(1.1)
    assert request(f"{cloud.base_url()}/health").status == 503
    run(cloud, "stop", "find", "restore", "settings", "stream", "serve")
    assert_restored(cloud, content)


def test_stack_contains_the_restored_table(cloud, content):
    resources = cloud.aws("cloudformation", "describe-stack-resources", "--stack-name", STACK)["StackResources"]
    assert TABLE in {resource["PhysicalResourceId"] for resource in resources}
