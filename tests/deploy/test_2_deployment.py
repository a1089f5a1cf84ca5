"""From nothing to a deployment that serves, and what clients see of it. Continued in the files after this one."""

import base64
import os
import subprocess
import sys

import pytest
from cloud import ARCHITECTURE, CENTRAL_ROLE, FUNCTIONS, PSK_PARAMETER, ROOT, STACK, TABLE, ZIP, request
from faults import hold_keys

# How the emulator differs from API Gateway. The service must be right on both.
LACKS = {
    "wire-path": "the emulator's authorizer event has no requestContext.path",
    "both-urls": "the emulator serves a stage under one URL",
    "raw-http": "the emulator's own front end answers",
}
# Headers that the emulator adds of its own accord.
EMULATOR_HEADERS = "x-amzn-requestid,x-amz-request-id,x-amzn-errortype"


def test_dry_run_leaves_nothing_behind(cloud):
    cloud.aws("ssm", "put-parameter", "--name", PSK_PARAMETER, "--type", "SecureString", "--value", "x" * 44)
    answer = cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--dry-run")
    assert "Add     TenantConfigs (AWS::DynamoDB::Table)" in answer
    assert "Nothing was changed." in answer
    stacks = cloud.aws("cloudformation", "list-stacks")["StackSummaries"]
    assert {stack["StackStatus"] for stack in stacks} <= {"DELETE_COMPLETE"}
    assert cloud.aws("dynamodb", "list-tables")["TableNames"] == []
    cloud.aws("ssm", "delete-parameter", "--name", PSK_PARAMETER)


def test_dry_run_makes_no_key(cloud):
    answer = cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk", "--dry-run")
    assert f"The parameter {PSK_PARAMETER} would be created." in answer
    assert cloud.aws("ssm", "get-parameters", "--names", PSK_PARAMETER)["Parameters"] == []


def test_first_deployment_serves(cloud):
    answer = cloud.deploy(
        "--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk", "--central-role-arn", CENTRAL_ROLE
    )
    endpoint = cloud.outputs()["APIEndpoint"]
    assert f"curl -i '{endpoint}/health'" in answer
    assert cloud.psk() not in answer, "the key is printed"
    health = request(f"{cloud.base_url()}/health")
    assert health.status == 200, health.body
    assert health.json["data"]["status"] == "healthy"


def test_endpoint_is_found_as_first_described(cloud):
    command = f"""aws cloudformation describe-stacks \
      --stack-name {STACK} \
      --query 'Stacks[0].Outputs[?OutputKey==`APIEndpoint`].OutputValue' \
      --output text"""
    assert cloud.run(["bash", "-c", command]).strip() == cloud.outputs()["APIEndpoint"]


def test_key_has_256_bits(cloud):
    assert len(base64.b64decode(cloud.psk(), validate=True)) == 32


def test_table_is_as_designed(cloud):
    table = cloud.aws("dynamodb", "describe-table", "--table-name", TABLE)["Table"]
    assert {(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]} == {
        ("tenant_id", "HASH"),
        ("type", "RANGE"),
    }
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True


def test_expiry_and_backups_are_on(cloud):
    ttl = cloud.aws("dynamodb", "describe-time-to-live", "--table-name", TABLE)["TimeToLiveDescription"]
    backups = cloud.aws("dynamodb", "describe-continuous-backups", "--table-name", TABLE)
    recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if ttl["TimeToLiveStatus"] == "DISABLED" and recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        pytest.skip(
            "the emulator's CloudFormation passes over a table's TTL and backups; the guards look at the template"
        )
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_logs_have_their_names_and_an_end(cloud):
    groups = cloud.aws("logs", "describe-log-groups")["logGroups"]
    retention = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    for name in (
        f"/aws/apigateway/{STACK}-tenant-api",
        f"/aws/lambda/{STACK}-api-authorizer",
        f"/aws/lambda/{STACK}-api-service",
        f"/aws/lambda/{STACK}-api-validator",
    ):
        assert retention[name] == 90


def test_functions_are_called_by_their_alias(cloud):
    for name in FUNCTIONS:
        alias = cloud.aws("lambda", "get-alias", "--function-name", name, "--name", "live")
        assert alias["FunctionVersion"] == "1"
        function = cloud.aws("lambda", "get-function-configuration", "--function-name", name)
        assert function["Architectures"] == [ARCHITECTURE]
        assert function["Runtime"] == "provided.al2023"
    authorizers = cloud.aws("apigateway", "get-authorizers", "--rest-api-id", cloud.outputs()["RestApiId"])["items"]
    assert [authorizer["authorizerResultTtlInSeconds"] for authorizer in authorizers] == [0]
    assert ":live/invocations" in authorizers[0]["authorizerUri"]


def test_acceptance_suite_passes(cloud):
    """The suite that the local server passes, against what was deployed."""
    hold_keys(cloud)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", "-p", "gateway_differences", "tests/acceptance"],
        cwd=ROOT,
        env=cloud.environment
        | {
            "BASE_URL": cloud.base_url(),
            "PSK": cloud.psk(),
            "LACKS": ";".join(f"{name}={reason}" for name, reason in LACKS.items()),
            "ALLOW_HEADERS": EMULATOR_HEADERS,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/deploy"), str(ROOT / "tests/acceptance")]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout
