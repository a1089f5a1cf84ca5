"""`GET .../validate`. Items written by hand cannot be made over HTTP; the api crate's own tests drive those. A
deployment may look beyond the table, where these tenants have nothing: what it finds there is not asked for here."""

from harness import cloudwatch, s3


def test_stored_configuration_is_valid_field_by_field(api, tenant):
    api.create(cloudwatch(tenant, desired_logs=["a"], labels={"env": "prod"}))
    path = f"/api/v1/tenants/{tenant}/delivery-configs/cloudwatch/validate"
    data = api.call("GET", path, query={"live": "false"}).expect(200).data
    assert (data["tenant_id"], data["type"], data["valid"]) == (tenant, "cloudwatch", True)
    for check in data["checks"]:
        assert {"field", "status", "message"} <= set(check)
        assert check["status"] in ("ok", "missing", "invalid", "warning", "skipped")
    statuses = {check["field"]: check["status"] for check in data["checks"]}
    for name in ("log_distribution_role_arn", "log_group_name", "enabled", "desired_logs", "labels"):
        assert statuses[name] == "ok", statuses


def test_s3_validation_has_no_cloudwatch_fields(api, tenant):
    api.create(s3(tenant))
    path = f"/api/v1/tenants/{tenant}/delivery-configs/s3/validate"
    data = api.call("GET", path, query={"live": "false"}).expect(200).data
    assert data["valid"] is True
    assert not {"log_group_name", "log_distribution_role_arn"} & {check["field"] for check in data["checks"]}


def test_external_checks_are_listed_in_every_deployment(api, tenant):
    api.create(s3(tenant))
    path = f"/api/v1/tenants/{tenant}/delivery-configs/s3/validate"
    left_out, asked_for = (api.call("GET", path, query=query).expect(200).data for query in ({"live": "false"}, None))
    assert [check["field"] for check in left_out["checks"]] == [check["field"] for check in asked_for["checks"]]
    assert {"field": "central_role", "status": "skipped", "code": "not_requested"}.items() <= next(
        check for check in left_out["checks"] if check["field"] == "central_role"
    ).items()


def test_validation_of_a_missing_configuration_returns_404(api, tenant):
    api.call("GET", f"/api/v1/tenants/{tenant}/delivery-configs/s3/validate").expect(404)
