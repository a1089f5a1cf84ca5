"""Validation of a delivery by the validator, with the roles and policies that docs/validation.md shows. The emulator
enforces all of them, across two accounts."""

import json
import re
import time

import pytest
from cloud import ACCOUNT, CENTRAL_ROLE, PSK_PARAMETER, REGION, ROOT, STACK, TABLE, request
from test_3_operation import decision

TENANT = "acme-corp"
CUSTOMER = "444455556666"
CUSTOMER_ROLE = f"arn:aws:iam::{CUSTOMER}:role/LogDistributionRole"
LOG_GROUP = "/aws/logs/acme-corp"
CUSTOMERS_BUCKET = "acme-corp-logs"
CONFIGS = {
    "cloudwatch": {"log_distribution_role_arn": CUSTOMER_ROLE, "log_group_name": LOG_GROUP, "target_region": REGION},
    "s3": {"bucket_name": CUSTOMERS_BUCKET, "target_region": REGION},
}


def documented_policies(validator_role):
    """The policies of docs/validation.md in their order, with the names of this deployment."""
    page = (ROOT / "docs/validation.md").read_text()
    for name, ours in (
        ("arn:aws:iam::111122223333:role/VALIDATOR", validator_role),
        ("arn:aws:iam::111122223333:role/CentralLogDistribution", CENTRAL_ROLE),
        ("111122223333", ACCOUNT),
    ):
        page = page.replace(name, ours)
    blocks = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if "Statement" in json.loads(block)]


def as_customer(cloud, *arguments):
    return cloud.run(["aws", *arguments], AWS_ACCESS_KEY_ID=CUSTOMER)


def make_role(run, arn, trust, policy):
    name = arn.rpartition("/")[2]
    run("iam", "create-role", "--role-name", name, "--assume-role-policy-document", trust)
    run("iam", "put-role-policy", "--role-name", name, "--policy-name", "delivery", "--policy-document", policy)


def call(cloud, kind, method="GET", *, body=None, tail=""):
    base = cloud.base_url()
    url = f"{base}/api/v1/tenants/{TENANT}/delivery-configs/{kind}{tail}"
    return request(url, method, key=cloud.psk(), body=body, base=base)


def validate(cloud, kind, query=""):
    """Whether the configuration is valid, and of the external checks: status and code by field, check by field."""
    response = call(cloud, kind, tail=f"/validate{query}")
    assert response.status == 200, response.body
    data = response.json["data"]
    fields = [check["field"] for check in data["checks"]]
    external = {check["field"]: check for check in data["checks"][fields.index("central_role") :]}
    return data["valid"], {field: f"{check['status']} {check['code']}" for field, check in external.items()}, external


@pytest.fixture(scope="module", autouse=True)
def began(cloud):
    """Stores the configurations. Returns the time before that, in milliseconds."""
    began = int(time.time() * 1000)
    base = cloud.base_url()
    for kind, config in CONFIGS.items():
        body = {"tenant_id": TENANT, "type": kind} | config
        url = f"{base}/api/v1/tenants/{TENANT}/delivery-configs"
        assert request(url, "POST", key=cloud.psk(), body=body, base=base).status == 201
    yield began
    for kind in CONFIGS:
        assert call(cloud, kind, "DELETE").status == 200


@pytest.fixture(scope="module")
def delivery(cloud):
    """The setup by the operator and by the customer."""
    policies = documented_policies(cloud.outputs()["ValidatorRoleArn"])
    central_trust, central_policy, customer_trust, customer_policy, bucket_policy = policies
    make_role(lambda *command: cloud.run(["aws", *command]), CENTRAL_ROLE, central_trust, central_policy)
    make_role(lambda *command: as_customer(cloud, *command), CUSTOMER_ROLE, customer_trust, customer_policy)
    as_customer(cloud, "logs", "create-log-group", "--log-group-name", LOG_GROUP)
    as_customer(cloud, "s3api", "create-bucket", "--bucket", CUSTOMERS_BUCKET)
    # Of a caller from another account, the emulator's bucket policies know only the account.
    bucket_policy = bucket_policy.replace(CENTRAL_ROLE, f"arn:aws:iam::{ACCOUNT}:root")
    as_customer(cloud, "s3api", "put-bucket-policy", "--bucket", CUSTOMERS_BUCKET, "--policy", bucket_policy)


def test_missing_central_role_names_the_role_to_trust(cloud):
    valid, found, checks = validate(cloud, "cloudwatch")
    assert not valid
    assert found["central_role"] == "invalid access_denied"
    for name in (CENTRAL_ROLE, cloud.outputs()["ValidatorRoleArn"]):
        assert name in checks["central_role"]["message"], "the message names both roles of the trust"
    assert found["customer_role"] == found["log_group"] == "skipped blocked"


def test_delivery_into_a_log_group_is_valid(cloud, delivery):
    valid, found, checks = validate(cloud, "cloudwatch")
    assert (valid, found) == (
        True,
        {
            "central_role": "ok ok",
            "customer_role": "ok ok",
            "log_group": "ok ok",
            "log_streams": "skipped not_provable",
        },
    ), checks
    assert CUSTOMER in checks["log_group"]["message"]


def test_delivery_into_a_bucket_is_valid(cloud, delivery):
    valid, found, checks = validate(cloud, "s3")
    assert (valid, found) == (
        True,
        {
            "central_role": "ok ok",
            "bucket": "ok ok",
            "bucket_region": "ok ok",
            "bucket_access": "ok ok",
            "bucket_policy": "skipped aws_error",  # the emulator has no GetBucketPolicyStatus
            "bucket_writes": "skipped not_provable",
        },
    ), checks


def test_missing_log_group_is_a_warning(cloud, delivery):
    assert call(cloud, "cloudwatch", "PATCH", body={"log_group_name": "/aws/logs/other"}).status == 200
    valid, found, _ = validate(cloud, "cloudwatch")
    assert call(cloud, "cloudwatch", "PATCH", body={"log_group_name": LOG_GROUP}).status == 200
    assert valid
    assert (found["customer_role"], found["log_group"]) == ("ok ok", "warning not_found")


def test_bucket_of_another_region_is_reported(cloud, delivery):
    assert call(cloud, "s3", "PATCH", body={"target_region": "eu-west-1"}).status == 200
    valid, found, checks = validate(cloud, "s3")
    assert call(cloud, "s3", "PATCH", body={"target_region": REGION}).status == 200
    assert not valid
    assert found["bucket_region"] == "invalid wrong_region", checks
    assert f"PATCH target_region to {REGION}" in checks["bucket_region"]["message"]


def test_wrong_external_id_in_a_trust_policy_names_the_right_one(cloud, delivery):
    name = CUSTOMER_ROLE.rpartition("/")[2]
    _, _, trust, *_ = documented_policies(cloud.outputs()["ValidatorRoleArn"])

    def set_trust(document):
        as_customer(
            cloud, "iam", "update-assume-role-policy", "--role-name", name, "--policy-document", json.dumps(document)
        )

    other = json.loads(trust)
    other["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = "somebody-else"
    set_trust(other)
    valid, found, checks = validate(cloud, "cloudwatch")
    set_trust(json.loads(trust))
    assert not valid
    assert (found["central_role"], found["customer_role"]) == ("ok ok", "invalid access_denied")
    assert f"requires {ACCOUNT}" in checks["customer_role"]["message"]


@pytest.mark.parametrize("kind", CONFIGS)
def test_external_checks_are_skipped_on_request(cloud, kind):
    valid, found, _ = validate(cloud, kind, "?live=false")
    assert valid
    assert set(found.values()) == {"skipped not_requested"}


def test_head_is_validated_like_get(cloud, delivery):
    response = call(cloud, "s3", "HEAD", tail="/validate")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_other_method_returns_405_with_allow(cloud, method):
    response = call(cloud, "s3", method, tail="/validate")
    assert response.status == 405
    assert response.headers["Allow"] == "GET,HEAD"


def lines(cloud, function, began):
    group = f"/aws/lambda/{STACK}-{function}"
    events = cloud.aws("logs", "filter-log-events", "--log-group-name", group, "--start-time", str(began))["events"]
    return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]


def test_validator_serves_validations_and_logs_no_credentials(cloud, began):
    validator = lines(cloud, "api-validator", began)
    routes = {line["route"] for line in validator if line.get("target") == "request"}
    assert routes == {"/api/v1/tenants/{tenant_id}/delivery-configs/{type}/validate"}
    assert any(line["message"] == "an AWS call failed during validation" for line in validator)
    assert not re.search(r"\bASIA[A-Z0-9]{12,}|SessionToken", json.dumps(validator)), "credentials of a session"
    here = [line for line in lines(cloud, "api-service", began) if line.get("route", "").endswith("/validate")]
    assert {line["status"] for line in here} == {405}, "the API function serves only the other methods"


def test_validator_is_allowed_to_read_one_tenant_and_assume_one_role(cloud):
    outputs = cloud.outputs()
    validator = outputs["ValidatorRoleArn"]
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}"
    assert decision(cloud, validator, "dynamodb:Query", table) == "allowed"
    assert decision(cloud, validator, "sts:AssumeRole", CENTRAL_ROLE) == "allowed"
    for role, action, resource in (
        (validator, "dynamodb:PutItem", table),
        (validator, "dynamodb:DeleteItem", table),
        (validator, "dynamodb:Scan", table),
        (validator, "dynamodb:Query", f"{table}-other"),
        (validator, "dynamodb:GetItem", table),
        (validator, "sts:AssumeRole", CUSTOMER_ROLE),
        (validator, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin"),
        (validator, "ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{PSK_PARAMETER}"),
        (outputs["ApiRoleArn"], "sts:AssumeRole", CENTRAL_ROLE),
        (outputs["AuthorizerRoleArn"], "sts:AssumeRole", CENTRAL_ROLE),
    ):
        assert decision(cloud, role, action, resource) == "implicitDeny", (role, action, resource)
