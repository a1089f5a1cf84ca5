"""`POST .../delivery-configs`: what is stored, and what is rejected (the rules of the fields are in test_rules.py)."""

import json
import time

import pytest
from harness import TIMESTAMP, cloudwatch, config_path, s3


def test_cloudwatch_create_returns_the_defaults(api, tenant):
    response = api.create(cloudwatch(tenant)).expect(201)
    assert list(response.data) == [
        "tenant_id",
        "type",
        "log_distribution_role_arn",
        "log_group_name",
        "enabled",
        "created_at",
        "updated_at",
    ]
    assert response.data["enabled"] is True
    assert response.data["created_at"] == response.data["updated_at"]
    assert TIMESTAMP.fullmatch(response.data["created_at"])


def test_s3_create_returns_the_defaults(api, tenant):
    response = api.create(s3(tenant)).expect(201)
    assert response.data["bucket_prefix"] == "ROSA/cluster-logs/"
    assert response.data["enabled"] is True
    assert "desired_logs" not in response.data
    assert "ttl" not in response.data


def test_every_field_is_stored_as_sent(api, tenant):
    sent = s3(
        tenant,
        bucket_prefix="logs/é",
        target_region="us-gov-west-1",
        enabled=False,
        desired_logs=["payment-service", "user-service"],
        ttl=int(time.time()) + 3600,
    )
    stored = api.create(sent).expect(201).data
    assert stored == sent | {
        "bucket_prefix": "logs/é/",
        "created_at": stored["created_at"],
        "updated_at": stored["updated_at"],
    }
    assert api.get(tenant, "s3").expect(200).data == stored


def test_location_leads_to_the_new_configuration(api, tenant):
    response = api.create(s3(tenant)).expect(201)
    location = response.header("Location")
    assert location.endswith(config_path(tenant, "s3"))
    fetched = api.get(tenant, "s3").expect(200)
    assert fetched.data == response.data
    assert fetched.tag == response.tag


def test_a_tenant_can_have_both_types(api, tenant):
    api.create(s3(tenant)).expect(201)
    api.create(cloudwatch(tenant)).expect(201)
    assert [config["type"] for config in api.list_tenant(tenant).data["configurations"]] == ["cloudwatch", "s3"]


def test_create_of_an_existing_configuration_returns_409_and_changes_nothing(api, tenant):
    first = api.create(s3(tenant)).expect(201).data
    api.create(s3(tenant, bucket_name="another-bucket")).expect(409)
    assert api.get(tenant, "s3").data == first


def test_guarded_create_of_an_existing_configuration_returns_412(api, tenant):
    guard = {"If-None-Match": "*"}
    api.create(s3(tenant), headers=guard).expect(201)
    api.create(s3(tenant), headers=guard).expect(412)


def test_create_with_if_match_returns_412(api, tenant):
    api.create(s3(tenant), headers={"If-Match": '"1"'}).expect(412)
    api.get(tenant, "s3").expect(404)


@pytest.mark.parametrize("field", ["tenant_id", "type"])
@pytest.mark.parametrize("missing", ["absent", None, ""])
def test_create_requires_tenant_and_type(api, tenant, field, missing):
    body = s3(tenant) | {field: missing}
    if missing == "absent":
        del body[field]
    response = api.call("POST", f"/api/v1/tenants/{tenant}/delivery-configs", body).expect(422)
    assert response.errors == [(field, "required")]


def test_another_tenant_in_the_body_returns_400(api, tenant):
    api.call("POST", f"/api/v1/tenants/{tenant}/delivery-configs", s3("someone-else")).expect(400)
    api.get(tenant, "s3").expect(404)


def test_timestamps_from_the_client_are_ignored(api, tenant):
    sent = s3(tenant, created_at="1999-01-01T00:00:00Z", updated_at="nonsense")
    stored = api.create(sent).expect(201).data
    assert not stored["created_at"].startswith("1999")
    assert stored["updated_at"] == stored["created_at"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{'a': 1}",
        b'{"a": 1}x',
        b"\x00",
        b"\xff\xfe{}",
        b'{"a": NaN}',
    ],
)
def test_body_that_is_not_a_json_object_returns_400(api, tenant, body):
    api.call("POST", f"/api/v1/tenants/{tenant}/delivery-configs", body).expect(400)


def test_byte_order_mark_before_json_is_skipped(api, tenant):
    body = b"\xef\xbb\xbf" + json.dumps(s3(tenant)).encode()
    api.call("POST", f"/api/v1/tenants/{tenant}/delivery-configs", body).expect(201)


@pytest.mark.parametrize("charset", ["utf-8", "utf8", "UTF8", '"utf8"'])
def test_both_labels_of_utf_8_are_accepted(api, tenant, charset):
    headers = {"Content-Type": f"application/json; charset={charset}"}
    api.create(s3(tenant), headers=headers).expect(201)


def test_missing_body_returns_400(api, tenant):
    api.call("POST", f"/api/v1/tenants/{tenant}/delivery-configs").expect(400)


@pytest.mark.parametrize("name", ["acme.corp", "acme~corp", "a" * 129, "acme:corp", "acme@corp"])
def test_malformed_tenant_id_returns_400(api, name):
    api.call("POST", f"/api/v1/tenants/{name}/delivery-configs", s3("acme")).expect(400)
    api.list_tenant(name).expect(400)


def test_tenant_id_has_up_to_128_characters(api, new_tenant):
    short = new_tenant()
    name = short + "_" + "A" * (127 - len(short))
    api.create(s3(name)).expect(201)
    api.delete(name, "s3").expect(200)


@pytest.mark.parametrize("kind", ["splunk", "S3", 1, ["s3"]])
def test_unknown_type_in_the_body_returns_422(api, tenant, kind):
    assert "type" in [field for field, _ in api.create(s3(tenant) | {"type": kind}).expect(422).errors]


def test_expired_configuration_is_gone_and_can_be_created_again(api, tenant):
    ttl = int(time.time()) + 3
    api.create(s3(tenant, ttl=ttl)).expect(201)
    api.get(tenant, "s3").expect(200)
    while time.time() < ttl + 1:
        time.sleep(0.2)
    api.get(tenant, "s3").expect(404)
    api.patch(tenant, "s3", {"enabled": False}).expect(404)
    assert api.list_tenant(tenant).data["count"] == 0
    assert tenant not in [config["tenant_id"] for config in api.walk(1000)]
    assert "ttl" not in api.create(s3(tenant)).expect(201).data


def test_expired_configuration_is_deleted_once(api, tenant):
    """Log processors ignore the expiry, and deliver until the item is gone."""
    ttl = int(time.time()) + 2
    api.create(s3(tenant, ttl=ttl)).expect(201)
    while time.time() < ttl + 1:
        time.sleep(0.2)
    # The sweep may have been faster.
    assert api.delete(tenant, "s3").status in (200, 404)
    api.delete(tenant, "s3").expect(404)
