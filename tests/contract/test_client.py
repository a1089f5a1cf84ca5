"""A client that a third-party generator makes from the description, against the service."""

import importlib
import os
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest
from signing import signed_headers

DOCUMENT = Path(__file__).parents[2] / "docs/openapi.json"
PACKAGE = "tenant_management_api_client"


class Signature(httpx.Auth):
    requires_request_body = True

    def auth_flow(self, request):
        body = bytes(request.content)
        target = request.url.raw_path.decode()
        request.headers.update(signed_headers(os.environ["PSK"], request.method, target, body))
        yield request


@pytest.fixture(name="generated", scope="module")
def fixture_generated(tmp_path_factory):
    """The package, by the names of its modules."""
    folder = tmp_path_factory.mktemp("client")
    command = [
        "openapi-python-client",
        "generate",
        "--path",
        DOCUMENT,
        "--output-path",
        folder / "out",
        "--meta",
        "none",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "Warning" not in made.stdout + made.stderr, made.stdout + made.stderr
    (folder / "out").rename(folder / PACKAGE)
    subprocess.run([sys.executable, "-m", "compileall", "-q", folder / PACKAGE], check=True)
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    sys.path.remove(str(folder))


def test_round_trip(generated):
    models = generated("models")
    call = {
        name: generated(f"api.{group}.{name}")
        for group, names in {
            "delivery_configurations": ["create", "get", "patch", "validate", "delete"],
            "lists": ["list_tenant"],
        }.items()
        for name in (f"{verb}_delivery_config" + ("s" if group == "lists" else "") for verb in names)
    }
    tenant_id = f"generated-{uuid.uuid4().hex[:8]}"
    s3 = models.DeliveryType.S3
    with generated("client").Client(os.environ["BASE_URL"], httpx_args={"auth": Signature()}) as client:
        new = models.S3Creation(tenant_id=tenant_id, type_=s3, bucket_name="generated-logs", desired_logs=["ü"])
        created = call["create_delivery_config"].sync_detailed(tenant_id, client=client, body=new)
        assert created.status_code == 201, created.content
        assert isinstance(created.parsed, models.DeliveryConfigResponse)
        stored = created.parsed.data
        assert isinstance(stored, models.DeliveryConfig)
        assert (stored.bucket_prefix, stored.enabled, stored.desired_logs) == ("ROSA/cluster-logs/", True, ["ü"])

        etag = created.headers["ETag"]
        known = call["get_delivery_config"].sync_detailed(tenant_id, s3, client=client, if_none_match=etag)
        assert known.status_code == 304

        paused = models.DeliveryConfigChanges(enabled=False)
        changed = call["patch_delivery_config"].sync_detailed(tenant_id, s3, client=client, body=paused, if_match=etag)
        assert changed.status_code == 200, changed.content
        assert changed.parsed.data.enabled is False
        late = call["patch_delivery_config"].sync_detailed(tenant_id, s3, client=client, body=paused, if_match=etag)
        assert late.status_code == 412
        assert isinstance(late.parsed, models.Failure)

        report = call["validate_delivery_config"].sync(tenant_id, s3, client=client)
        assert report.data.valid
        listed = call["list_tenant_delivery_configs"].sync(tenant_id, client=client)
        assert [config.tenant_id for config in listed.data.configurations] == [tenant_id]

        gone = call["delete_delivery_config"].sync(tenant_id, s3, client=client)
        assert tenant_id in gone.message
        missing = call["get_delivery_config"].sync_detailed(tenant_id, s3, client=client)
        assert missing.status_code == 404
        assert isinstance(missing.parsed, models.Failure)


def test_broken_rules_are_typed(generated):
    models = generated("models")
    create = generated("api.delivery_configurations.create_delivery_config")
    new = models.S3Creation(tenant_id="acme", type_=models.DeliveryType.S3, bucket_name="NO", ttl=1)
    with generated("client").Client(os.environ["BASE_URL"], httpx_args={"auth": Signature()}) as client:
        rejected = create.sync("acme", client=client, body=new)
    assert isinstance(rejected, models.BrokenRules)
    assert {error.field for error in rejected.details.errors} == {"bucket_name", "ttl"}


def test_unsigned_request_returns_a_typed_401(generated):
    with generated("client").Client(os.environ["BASE_URL"]) as client:
        rejected = generated("api.lists.list_delivery_configs").sync(client=client)
    assert isinstance(rejected, generated("models").Failure)
