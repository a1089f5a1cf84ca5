"""What clients of the Python service meet here: a test for each row of the table in docs/migration.md."""

import pytest
from harness import cloudwatch, now, s3

LIST = "/api/v1/delivery-configs"


def test_error_is_a_sentence_in_error(api, tenant):
    body = api.get(tenant, "s3").expect(404).json
    assert isinstance(body["error"], str)
    assert "detail" not in body


def test_broken_rules_are_listed_in_details(api, tenant):
    body = api.create(s3(tenant, bucket_name="NO")).expect(422).json
    assert "detail" not in body
    assert [set(error) for error in body["details"]["errors"]] == [{"field", "code", "message"}]


def test_create_of_an_existing_configuration_is_409(api, tenant):
    api.create(s3(tenant)).expect(201)
    assert "already" in api.create(s3(tenant)).expect(409).error


def test_health_is_in_the_envelope(api):
    body = api.call("GET", "/api/v1/health", signed=False).expect(200).json
    assert body["status"] == "success"
    assert body["data"]["status"] == "healthy"
    assert body["data"]["service"] == "tenant-management-api"
    assert body["data"]["version"]
    assert "uptime_seconds" not in body["data"]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_null_clears_a_field(api, tenant, method):
    api.create(s3(tenant, target_region="us-east-1", enabled=False)).expect(201)
    data = getattr(api, method)(tenant, "s3", {"target_region": None, "enabled": None}).expect(200).data
    assert "target_region" not in data
    assert data["enabled"] is True


@pytest.mark.parametrize(
    "extra",
    [
        {"enable": False},
        {"enabled": "false"},
        {"ttl": "4102444800"},
        {"desired_logs": []},
        {"log_group_name": "/aws/logs/acme"},
        {"bucket_name": "Not-A-Bucket"},
        {"target_region": "useast1"},
    ],
    ids=str,
)
def test_what_the_python_service_took_and_ignored_or_converted_is_422(api, tenant, extra):
    assert [field for field, _ in api.create(s3(tenant) | extra).expect(422).errors] == list(extra)


@pytest.mark.parametrize("query", ["limit=0", "limit=5000", "last_key=acme"])
def test_paging_parameters_are_checked(api, query):
    api.call("GET", LIST, query=query).expect(400)


def test_unknown_query_parameter_is_rejected(api, tenant):
    api.call("GET", LIST, query="enabled=false").expect(400)
    api.call("GET", f"/api/v1/tenants/{tenant}/delivery-configs", query="type=s3").expect(400)


@pytest.mark.parametrize(("hours", "ending"), [(0, "+00:00"), (2, "+02:00"), (-5, ".123456-0500"), (0, "")])
def test_timestamp_with_any_offset_or_none_is_accepted(api, hours, ending):
    timestamp = now(hours * 3600)[:-1] + ending
    api.call("GET", LIST, signed=False, headers=api.sign("GET", LIST, timestamp=timestamp)).expect(200)


def test_empty_or_absent_body_digest_is_accepted(api):
    for digest in ([("X-Body-SHA256", "")], []):
        api.call("GET", LIST, signed=False, headers=[*api.sign("GET", LIST), *digest]).expect(200)


def test_groups_is_accepted_and_ignored(api, tenant):
    stored = api.create(cloudwatch(tenant, groups=["a"])).expect(201).data
    assert "groups" not in stored
    assert "groups" not in api.patch(tenant, "cloudwatch", {"enabled": False, "groups": ["b"]}).expect(200).data
    api.patch(tenant, "cloudwatch", {"groups": ["b"]}).expect(400)
