"""One configuration through its whole life, with the generated client."""

import os
import uuid

import tenant_api
from signing import SigningPool
from tenant_api import DeliveryConfigChanges, DeliveryConfigCreation, DeliveryType, S3Creation


def client(url):
    made = tenant_api.ApiClient(tenant_api.Configuration(host=url))
    made.rest_client.pool_manager = SigningPool(os.environ["PSK"])
    return made


def walk(lists):
    last_key = None
    while True:
        page = lists.list_delivery_configs(limit=1, last_key=last_key).data
        yield from page.configurations
        last_key = page.last_key
        if last_key is None:
            return


def is_missing(configs, tenant, delivery_type):
    try:
        configs.get_delivery_config(tenant, delivery_type)
    except tenant_api.exceptions.NotFoundException as missing:
        return missing.data.status == "error"
    return False


def main():
    api = client(os.environ["BASE_URL"])
    configs, lists = tenant_api.DeliveryConfigurationsApi(api), tenant_api.ListsApi(api)
    tenant = f"python-{uuid.uuid4()}"
    s3 = DeliveryType.S3
    assert tenant_api.ServiceApi(api).get_health().data.status == "healthy"

    creation = S3Creation(tenant_id=tenant, type=s3, bucket_name="generated-logs", desired_logs=["ü"], labels={"env": "test"})
    created = configs.create_delivery_config(tenant, DeliveryConfigCreation(creation)).data
    assert created.enabled is True
    assert (created.bucket_prefix, created.desired_logs) == ("ROSA/cluster-logs/", ["ü"])
    assert created.labels == {"env": "test"}

    assert configs.get_delivery_config(tenant, s3).data == created
    assert lists.list_tenant_delivery_configs(tenant).data.configurations == [created]
    assert created in walk(lists)

    assert configs.patch_delivery_config(tenant, s3, DeliveryConfigChanges(enabled=False)).data.enabled is False
    labelled = DeliveryConfigChanges(labels={"env": None, "team": "a"})
    assert configs.patch_delivery_config(tenant, s3, labelled).data.labels == {"team": "a"}
    moved = configs.put_delivery_config(tenant, s3, DeliveryConfigChanges(target_region="us-west-2")).data
    assert (moved.target_region, moved.enabled) == ("us-west-2", False)
    # What this client sets to None it sends as null, which removes the value.
    moved = configs.patch_delivery_config(tenant, s3, DeliveryConfigChanges(target_region=None)).data
    assert moved.target_region is None
    assert configs.validate_delivery_config(tenant, s3, live=False).data.valid is True

    assert tenant in configs.delete_delivery_config(tenant, s3).message
    assert is_missing(configs, tenant, s3)

    odd = tenant_api.ListsApi(client(os.environ["ODD_URL"])).list_tenant_delivery_configs("odd").data
    assert len(odd.configurations) == int(os.environ["ODD_COUNT"])


main()
