"""Reading: one configuration, a tenant's, conditions, and HEAD."""

import pytest
from harness import cloudwatch, config_path, s3


def test_configuration_is_read_back(api, tenant):
    stored = api.create(cloudwatch(tenant)).expect(201)
    response = api.get(tenant, "cloudwatch").expect(200)
    assert response.data == stored.data
    assert response.etag == stored.etag


def test_missing_configuration_returns_404(api, tenant):
    assert "no delivery configuration" in api.get(tenant, "s3").expect(404).error


@pytest.mark.parametrize("kind", ["S3", "splunk", "s3x", "cloud-watch"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_unknown_delivery_type_returns_400(api, tenant, method, kind):
    api.call(method, config_path(tenant, kind), {"enabled": True} if method.startswith("P") else None).expect(400)


def test_unknown_tenant_has_an_empty_list(api, tenant):
    assert api.list_tenant(tenant).expect(200).data == {"configurations": [], "count": 0}


def test_tenant_list_has_only_its_own_configurations(api, new_tenant):
    mine, other = new_tenant(), new_tenant()
    stored = [api.create(cloudwatch(mine)).data, api.create(s3(mine)).data]
    api.create(s3(other))
    assert api.list_tenant(mine).data == {"configurations": stored, "count": 2}


@pytest.mark.parametrize("condition", ["{0}", "W/{0}", '"7", {0}', "*"])
def test_current_etag_in_if_none_match_returns_304(api, tenant, condition):
    etag = api.create(s3(tenant)).etag
    response = api.get(tenant, "s3", headers={"If-None-Match": condition.format(etag)}).expect(304)
    assert response.etag == etag


def test_another_etag_in_if_none_match_returns_the_configuration(api, tenant):
    tag = api.create(s3(tenant)).tag
    for condition in (f'"{tag[:-1]}"', f'"0{tag}"', f'"{tag.upper()}x"', '"something-else"'):
        api.get(tenant, "s3", headers={"If-None-Match": condition}).expect(200)
    api.patch(tenant, "s3", {"enabled": False})
    api.get(tenant, "s3", headers={"If-None-Match": f'"{tag}"'}).expect(200)


@pytest.mark.parametrize("condition", ["1", '"', "x", '"1" "2"', ","])
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_malformed_condition_returns_400(api, tenant, name, condition):
    api.create(s3(tenant))
    api.get(tenant, "s3", headers={name: condition}).expect(400)


@pytest.mark.needs("head")
def test_head_is_get_without_the_body(api, tenant):
    api.create(s3(tenant))
    for path in (
        config_path(tenant, "s3"),
        config_path(tenant, "s3") + "/validate",
        f"/api/v1/tenants/{tenant}/delivery-configs",
        "/api/v1/delivery-configs",
    ):
        get, head = api.call("GET", path), api.call("HEAD", path)
        assert (head.status, head.etag) == (get.status, get.etag)
    api.call("HEAD", config_path(tenant, "cloudwatch")).expect(404)


def test_every_response_has_its_own_request_id(api):
    ids = {api.call("GET", "/api/v1/delivery-configs").header("X-Request-Id") for _ in range(5)}
    assert len(ids) == 5
