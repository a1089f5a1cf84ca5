"""Filters on `GET /api/v1/delivery-configs`, and `POST /api/v1/delivery-configs/search`.

Every form of condition that the table checks is in one of the filters, so that the expressions meet each emulator.
"""

import hashlib
import json

import pytest
from harness import cloudwatch, s3

LIST = "/api/v1/delivery-configs"
SEARCH = f"{LIST}/search"


def search(api, body):
    body = json.dumps(body).encode()
    signed = api.sign("POST", SEARCH, digest=hashlib.sha256(body).hexdigest())
    return api.call("POST", SEARCH, body, headers=signed, signed=False)


def walk(api, expression, limit):
    """The tenants and types that a search finds, page by page."""
    body = {"filter": expression, "limit": limit}
    found = []
    while True:
        page = search(api, body).expect(200).data
        assert page["count"] == len(page["configurations"]) <= limit
        found += [(config["tenant_id"], config["type"]) for config in page["configurations"]]
        if "last_key" not in page:
            return found
        body["last_key"] = page["last_key"]


@pytest.fixture
def several(api, new_tenant):
    """Names of configurations, by their keys."""
    one, two = new_tenant(), new_tenant()
    keys = {"role": (one, "cloudwatch"), "bucket": (one, "s3"), "paused": (two, "s3")}
    api.create(cloudwatch(one, desired_logs=["payments", "users"], target_region="us-east-1")).expect(201)
    api.create(s3(one, bucket_name="acme-search-logs")).expect(201)
    api.create(s3(two, bucket_name="search-globex", enabled=False, ttl=4_102_444_800)).expect(201)
    return {key: name for name, key in keys.items()}


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("type = s3", {"bucket", "paused"}),
        ("type != s3", {"role"}),
        ("bucket_name = acme-search-logs", {"bucket"}),
        ("bucket_name != acme-search-logs", {"paused"}),
        ("NOT bucket_name = acme-search-logs", {"role", "paused"}),
        ('bucket_name = "acme-*"', {"bucket"}),
        ('bucket_name != "acme-*"', {"paused"}),
        ('NOT bucket_name = "acme-*"', {"role", "paused"}),
        ('bucket_name = "*-logs"', {"bucket"}),
        ('bucket_name = "*search*"', {"bucket", "paused"}),
        ('NOT bucket_name = "*acme*"', {"role", "paused"}),
        ("bucket_name > acme-search-logs", {"paused"}),
        ("NOT bucket_name > acme-search-logs", {"role", "bucket"}),
        ("bucket_name:*", {"bucket", "paused"}),
        ("NOT bucket_name:*", {"role"}),
        ("account = 123456789012", {"role"}),
        ('account = "*9012"', {"role"}),
        ("enabled = false", {"paused"}),
        ("-enabled = false", {"role", "bucket"}),
        ("ttl >= 4102444800", {"paused"}),
        ("ttl != 4102444800", set()),
        ("created_at > 2024-01-15T10:30:00+01:00", {"role", "bucket", "paused"}),
        ("created_at = 2024-01-15T10:30:00Z", set()),
        ("desired_logs:payments", {"role"}),
        ("NOT desired_logs:payments", {"bucket", "paused"}),
        ('desired_logs:"pay*"', {"role"}),
        ('delivers("payments")', {"role", "bucket"}),
        ('delivers("other")', {"bucket"}),
        ("labels.env:* OR labels:*", set()),
        ('labels.env = "prod"', set()),
        ("broken", set()),
        ("acme-search", {"bucket"}),
        ("LogDistributionRole OR search-globex", {"role", "paused"}),
        ("type = s3 AND enabled = true OR acme-search", {"bucket"}),
        ("NOT (type = s3 AND (broken OR enabled = true))", {"role", "paused"}),
    ],
)
@pytest.mark.parametrize("limit", [1, 1000])
def test_search_finds_what_matches(api, several, expression, names, limit):
    tenants = " OR ".join(f"tenant_id = {tenant}" for tenant in sorted({tenant for tenant, _ in several}))
    found = walk(api, f"({expression}) ({tenants})", limit)
    assert len(found) == len(set(found))
    assert {several[key] for key in found} == names


def test_list_takes_the_same_filter_and_shows_how_it_was_read(api, several, tenant):
    listed = api.list_all(filter=f"type = s3 tenant_id = {tenant} OR acme-search", limit=1000).expect(200).data
    assert listed["filter"] == f'type = "s3" AND (tenant_id = "{tenant}" OR "acme-search")'
    assert listed["scanned"] >= len(several)
    assert {several.get((config["tenant_id"], config["type"])) for config in listed["configurations"]} >= {"bucket"}
    unfiltered = api.list_all(limit=1).expect(200).data
    assert not {"filter", "scanned"} & set(unfiltered)


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("bucket_nam = x", "at character 1: bucket_nam is not a field (did you mean bucket_name?)"),
        ("type = s3 AND enabled = yes", "at character 25: expected true or false"),
        ("(type = s3", "at character 11: expected"),
        (" ".join(["a"] * 21), "at character 41: expected at most 20 terms"),
    ],
)
def test_invalid_filter_returns_400_with_its_position(api, expression, error):
    assert error in api.list_all(filter=expression).expect(400).error
    assert error in search(api, {"filter": expression}).expect(400).error


def test_search_requires_a_digest_and_known_members(api):
    assert "X-Body-SHA256" in api.call("POST", SEARCH, {"filter": "type = s3"}).expect(400).error
    assert "did you mean filter" in search(api, {"filters": "type = s3"}).expect(400).error
    assert search(api, {}).expect(200).data["filter"] == ""
