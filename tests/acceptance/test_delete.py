"""`DELETE .../delivery-configs/{type}`."""

import pytest
from harness import cloudwatch, s3


def test_delete_names_the_configuration_and_removes_it(api, tenant):
    api.create(s3(tenant))
    message = api.delete(tenant, "s3").expect(200).json["message"]
    assert tenant in message
    assert "s3" in message
    api.get(tenant, "s3").expect(404)
    api.delete(tenant, "s3").expect(404)


def test_delete_keeps_the_tenants_other_type(api, tenant):
    api.create(s3(tenant))
    api.create(cloudwatch(tenant))
    api.delete(tenant, "s3").expect(200)
    api.get(tenant, "cloudwatch").expect(200)


def test_deleted_configuration_can_be_created_again(api, tenant):
    api.create(s3(tenant))
    api.delete(tenant, "s3")
    api.create(s3(tenant)).expect(201)


@pytest.mark.parametrize("condition", ["{0}", "*"])
def test_delete_with_the_current_etag_succeeds(api, tenant, condition):
    etag = api.create(s3(tenant)).etag
    api.delete(tenant, "s3", headers={"If-Match": condition.format(etag)}).expect(200)


@pytest.mark.parametrize(("condition", "status"), [('"2"', 412), ("W/{0}", 412), ("2", 400)])
def test_delete_with_another_etag_changes_nothing(api, tenant, condition, status):
    etag = api.create(s3(tenant)).etag
    api.delete(tenant, "s3", headers={"If-Match": condition.format(etag)}).expect(status)
    api.get(tenant, "s3").expect(200)
