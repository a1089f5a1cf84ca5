"""`POST /api/v1/delivery-configs/batch`: many changes in one signed request."""

import hashlib
import json

from harness import cloudwatch, s3

PATH = "/api/v1/delivery-configs/batch"


def send(api, operations, *, query=None, sign_body=True, **members):
    body = json.dumps({"operations": operations} | members).encode()
    uri = PATH + (f"?{query}" if query else "")
    digest = hashlib.sha256(body).hexdigest() if sign_body else None
    headers = api.sign("POST", uri, digest=digest)
    return api.call("POST", PATH, body, query=query, headers=headers, signed=False)


def create(config):
    return {"op": "create", "config": config}


def upsert(config):
    return {"op": "upsert", "config": config}


def statuses(response):
    return [result["status"] for result in response.data["results"]]


def test_atomic_batch_makes_all_or_nothing(api, new_tenant):
    first, second = new_tenant(), new_tenant()
    operations = [create(s3(first)), create(cloudwatch(first)), create(s3(second))]
    response = send(api, operations).expect(200)
    assert statuses(response) == [201, 201, 201]
    assert response.data["results"][0]["etag"] == api.get(first, "s3").etag
    update = {"op": "update", "tenant_id": first, "type": "s3", "changes": {"enabled": False}}
    response = send(api, [update, create(s3(second))]).expect(207)
    assert statuses(response) == [424, 409]
    assert api.get(first, "s3").data["enabled"] is True


def test_other_batch_makes_what_it_can(api, new_tenant):
    tenant, other = new_tenant(), new_tenant()
    operations = [
        upsert(s3(tenant)),
        create(s3(other, bucket_name="No")),
        {"op": "delete", "tenant_id": other, "type": "cloudwatch"},
    ]
    response = send(api, operations, atomic=False).expect(207)
    assert statuses(response) == [201, 422, 404]
    assert response.error == "2 of 3 operations failed; see data.results"
    summary = {"total": 3, "succeeded": 1, "unchanged": 0, "failed": 2, "not_attempted": 0}
    assert response.data["summary"] == summary
    again = send(api, [upsert(s3(tenant))], atomic=False).expect(200)
    assert again.data["results"][0]["changed"] is False


def test_dry_run_writes_nothing(api, tenant):
    response = send(api, [create(s3(tenant))], dry_run=True).expect(200)
    assert response.data["results"][0]["diff"][0] == {"field": "bucket_name", "from": None, "to": "acme-corp-logs"}
    api.get(tenant, "s3").expect(404)


def test_full_results_have_the_configuration(api, tenant):
    response = send(api, [create(s3(tenant))], query="return=full").expect(200)
    assert response.data["results"][0]["configuration"] == api.get(tenant, "s3").data


def test_invalid_atomic_batch_lists_every_rule(api, tenant):
    response = send(api, [create(s3(tenant, bucket_name="No")), {"op": "delete", "tenant_id": tenant}]).expect(422)
    errors = [(error["index"], error["field"]) for error in response.json["details"]["errors"]]
    assert errors == [(0, "bucket_name"), (1, "type")]


def test_body_must_be_signed_and_may_have_a_mebibyte(api, tenant):
    send(api, [create(s3(tenant))], sign_body=False).expect(400)
    padding = "x" * 50_000
    operations = [
        {"op": "delete", "tenant_id": f"{tenant}-{n}", "type": "s3", "allow_missing": True} for n in range(18)
    ]
    for operation in operations:
        operation["padding"] = padding
    response = send(api, operations, atomic=False).expect(207)
    assert set(statuses(response)) == {422}
    send(api, [*operations, *operations], atomic=False).expect(413)


def test_number_of_operations_is_limited(api, tenant):
    operations = [
        {"op": "delete", "tenant_id": f"{tenant}-{n}", "type": "s3", "allow_missing": True} for n in range(1001)
    ]
    assert "atomic" in send(api, operations[:101]).expect(400).error
    send(api, operations, atomic=False).expect(400)
    response = send(api, operations[:1000], atomic=False, dry_run=True).expect(200)
    assert response.data["summary"]["unchanged"] == 1000
