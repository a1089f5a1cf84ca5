"""`DELETE .../delivery-configs/{type}`."""

import pytest
from harness import cloudwatch, s3


def test_a_deleted_configuration_is_named_and_gone(api, tenant):
    api.create(s3(tenant))
    message = api.delete(tenant, "s3").expect(200).json["message"]
    assert tenant in message
    assert "s3" in message
    api.get(tenant, "s3").expect(404)
    api.delete(tenant, "s3").expect(404)


def test_the_other_type_of_the_tenant_stays(api, tenant):
    api.create(s3(tenant))
    api.create(cloudwatch(tenant))
    api.delete(tenant, "s3").expect(200)
    api.get(tenant, "cloudwatch").expect(200)


def test_a_deleted_configuration_may_be_created_again(api, tenant):
    api.create(s3(tenant))
    api.delete(tenant, "s3")
    api.create(s3(tenant)).expect(201)


@pytest.mark.parametrize("condition", ["{0}", "*"])
def test_the_version_that_was_read_may_be_deleted(api, tenant, condition):
    etag = api.create(s3(tenant)).etag
    api.delete(tenant, "s3", headers={"If-Match": condition.format(etag)}).expect(200)


@pytest.mark.parametrize(("condition", "status"), [('"2"', 412), ("W/{0}", 412), ("2", 400)])
def test_another_version_is_not_deleted(api, tenant, condition, status):
    etag = api.create(s3(tenant)).etag
    api.delete(tenant, "s3", headers={"If-Match": condition.format(etag)}).expect(status)
    api.get(tenant, "s3").expect(200)
