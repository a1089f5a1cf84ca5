"""`GET /api/v1/delivery-configs`: pages and the walk through them."""

import threading

import pytest
from harness import cloudwatch, s3

LIST = "/api/v1/delivery-configs"


@pytest.fixture
def several(api, new_tenant):
    """Seven configurations, as pairs of tenant and type."""
    keys = []
    for number in range(4):
        tenant = new_tenant()
        api.create(s3(tenant)).expect(201)
        keys.append((tenant, "s3"))
        if number:
            api.create(cloudwatch(tenant)).expect(201)
            keys.append((tenant, "cloudwatch"))
    return keys


def key(config):
    return config["tenant_id"], config["type"]


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_walk_returns_every_item_exactly_once(api, several, limit):
    walked = [key(config) for config in api.walk(limit)]
    assert len(walked) == len(set(walked))
    assert set(several) <= set(walked)


def test_default_limit_is_50(api):
    assert api.call("GET", LIST).expect(200).data["limit"] == 50


@pytest.mark.parametrize(
    "limit", ["0", "1001", "-1", "x", "", "1.5", "%2B5", "5%20", "99999999999999999999", "0x10", "%D9%A3"]
)
def test_limit_outside_1_to_1000_returns_400(api, limit):
    api.call("GET", LIST, query=f"limit={limit}").expect(400)


@pytest.mark.parametrize("last_key", ["x", "acme%23", "%23s3", "acme%23splunk", "acme%23s3%23x", "a.b%23s3", "%00"])
def test_malformed_last_key_returns_400(api, last_key):
    api.call("GET", LIST, query=f"last_key={last_key}").expect(400)


@pytest.mark.parametrize(
    "last_key",
    [
        ".O.27Neil%23.s3",
        ".acme.20corp%23.CloudWatch",
        ".a.23b%23..2E",
        "%3DO%27Neil%23%3Ds3",
        "%3Dacme%2520corp%23%3Ds3",
    ],
)
def test_last_key_of_a_hand_written_item_is_accepted_in_both_forms(api, last_key):
    api.call("GET", LIST, query=f"last_key={last_key}").expect(200)


def test_empty_last_key_is_the_first_page(api, several):
    assert api.call("GET", LIST, query="last_key=").expect(200).data == api.call("GET", LIST).data


def test_filter_that_does_not_exist_is_rejected_with_the_parameters_that_do(api):
    rejected = api.call("GET", LIST, query={"enabled": "false"}).expect(400)
    assert '"enabled"' in rejected.error
    for name in ("last_key", "limit"):
        assert name in rejected.error
    assert "did you mean limit?" in api.call("GET", LIST, query={"limits": "1"}).expect(400).error


def test_last_key_works_after_its_item_is_deleted(api, several):
    page = api.list_all(limit=3).expect(200).data
    last = page["configurations"][-1]
    assert page["last_key"] == f"{last['tenant_id']}#{last['type']}"
    rest = [key(config) for config in api.list_all(limit=1000, last_key=page["last_key"]).data["configurations"]]
    deleted = key(last) in several and api.delete(*key(last)).expect(200)
    after = [key(config) for config in api.list_all(limit=1000, last_key=page["last_key"]).data["configurations"]]
    assert deleted is False or after == rest


def test_last_key_of_an_item_that_never_existed_works(api, several):
    tenant = several[0][0]
    api.list_all(limit=1000, last_key=f"{tenant}x#s3").expect(200)


def test_last_page_has_no_last_key(api, several):
    data = api.list_all(limit=1000).expect(200).data
    assert data["count"] == len(data["configurations"])
    assert "last_key" not in data


@pytest.mark.needs("parallel")
@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_walk_returns_stable_items_exactly_once_during_writes_and_deletes(api, several, new_tenant, limit):
    stop, failures = threading.Event(), []
    passing = [new_tenant() for _ in range(6)]

    def write(tenants):
        try:
            while not stop.is_set():
                for tenant in tenants:
                    api.create(s3(tenant)).expect(201)
                    api.patch(tenant, "s3", {"enabled": False}).expect(200)
                for tenant in tenants:
                    api.delete(tenant, "s3").expect(200)
        except Exception as failure:  # reported by the test's own thread
            failures.append(failure)

    writers = [threading.Thread(target=write, args=(passing[half::2],)) for half in (0, 1)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            walked = [key(config) for config in api.walk(limit)]
            assert len(walked) == len(set(walked))
            assert set(several) <= set(walked)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert not failures
