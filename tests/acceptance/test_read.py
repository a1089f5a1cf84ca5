"""Reading: one configuration, a tenant's, conditions, and HEAD."""

import pytest
from harness import cloudwatch, config_path, s3


def test_a_configuration_is_read_back(api, tenant):
    stored = api.create(cloudwatch(tenant)).expect(201)
    answer = api.get(tenant, "cloudwatch").expect(200)
    assert answer.data == stored.data
    assert answer.etag == stored.etag


def test_a_configuration_that_does_not_exist_is_a_404(api, tenant):
    assert "no delivery configuration" in api.get(tenant, "s3").expect(404).error


@pytest.mark.parametrize("kind", ["S3", "firehose", "s3x", "cloud-watch"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_delivery_type_that_is_none_is_a_400(api, tenant, method, kind):
    api.call(method, config_path(tenant, kind), {"enabled": True} if method.startswith("P") else None).expect(400)


def test_an_unknown_tenant_is_an_empty_list(api, tenant):
    assert api.list_tenant(tenant).expect(200).data == {"configurations": [], "count": 0}


def test_a_tenant_sees_its_own_configurations_only(api, new_tenant):
    mine, other = new_tenant(), new_tenant()
    stored = [api.create(cloudwatch(mine)).data, api.create(s3(mine)).data]
    api.create(s3(other))
    assert api.list_tenant(mine).data == {"configurations": stored, "count": 2}


@pytest.mark.parametrize("condition", ["{0}", "W/{0}", '"7", {0}', "*"])
def test_content_that_the_client_has_returns_304(api, tenant, condition):
    etag = api.create(s3(tenant)).etag
    answer = api.get(tenant, "s3", headers={"If-None-Match": condition.format(etag)}).expect(304)
    assert answer.etag == etag


def test_other_content_is_returned(api, tenant):
    tag = api.create(s3(tenant)).tag
    for condition in (f'"{tag[:-1]}"', f'"0{tag}"', f'"{tag.upper()}x"', '"something-else"'):
        api.get(tenant, "s3", headers={"If-None-Match": condition}).expect(200)
    api.patch(tenant, "s3", {"enabled": False})
    api.get(tenant, "s3", headers={"If-None-Match": f'"{tag}"'}).expect(200)


@pytest.mark.parametrize("condition", ["1", '"', "x", '"1" "2"', ","])
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_a_condition_that_is_no_list_of_entity_tags_is_a_400(api, tenant, name, condition):
    api.create(s3(tenant))
    api.get(tenant, "s3", headers={name: condition}).expect(400)


@pytest.mark.needs("head")
def test_head_answers_as_get_without_the_body(api, tenant):
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


def test_every_answer_has_a_request_id_of_its_own(api):
    ids = {api.call("GET", "/api/v1/delivery-configs").header("X-Request-Id") for _ in range(5)}
    assert len(ids) == 5
