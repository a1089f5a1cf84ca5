"""The first deployment, and what clients and operators see of it. The next files continue with it."""

import base64
import json
import os
import subprocess
import sys

import pytest
from cloud import (
    ARCHITECTURE,
    BINARIES,
    CENTRAL_ROLE,
    FUNCTIONS,
    NOTIFIER,
    PSK_PARAMETER,
    RECORDER,
    ROOT,
    STACK,
    TABLE,
    ZIP,
    request,
)
from metrics import Window

# How the emulator differs from API Gateway. The service must be correct behind both.
LACKS = {
    "wire-path": "the emulator's authorizer event has no requestContext.path",
    "both-urls": "the emulator serves a stage under one URL",
    "raw-http": "the emulator's own front end responds",
}
# Headers that the emulator adds.
EMULATOR_HEADERS = "x-amzn-requestid,x-amz-request-id,x-amzn-errortype"


def test_dry_run_leaves_nothing_behind(cloud):
    cloud.aws("ssm", "put-parameter", "--name", PSK_PARAMETER, "--type", "SecureString", "--value", "x" * 44)
    output = cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--dry-run")
    assert "Add     TenantConfigs (AWS::DynamoDB::Table)" in output
    assert "Nothing was changed." in output
    stacks = cloud.aws("cloudformation", "list-stacks")["StackSummaries"]
    assert {stack["StackStatus"] for stack in stacks} <= {"DELETE_COMPLETE"}
    assert cloud.aws("dynamodb", "list-tables")["TableNames"] == []
    cloud.aws("ssm", "delete-parameter", "--name", PSK_PARAMETER)


def test_dry_run_does_not_create_the_key(cloud):
    output = cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk", "--dry-run")
    assert f"The parameter {PSK_PARAMETER} would be created." in output
    assert cloud.aws("ssm", "get-parameters", "--names", PSK_PARAMETER)["Parameters"] == []


def test_first_deployment_serves(cloud):
    options = ("--include-api", "--arch", ARCHITECTURE, "--create-psk", "--central-role-arn", CENTRAL_ROLE)
    if (BINARIES / ".fingerprint").is_dir():
        # deploy.sh builds the functions itself, and finds that they are up to date.
        output = cloud.deploy("--package", "zip", *options, CARGO_TARGET_DIR=str(BINARIES.parents[1]))
    else:
        output = cloud.deploy(*ZIP, *options)
    endpoint = cloud.outputs()["APIEndpoint"]
    assert f"curl -i '{endpoint}/health'" in output
    assert cloud.psk() not in output, "the output contains the key"
    health = request(f"{cloud.base_url()}/health")
    assert health.status == 200, health.body
    assert health.json["data"]["status"] == "healthy"


def test_first_described_query_finds_the_endpoint(cloud):
    command = f"""aws cloudformation describe-stacks \
      --stack-name {STACK} \
      --query 'Stacks[0].Outputs[?OutputKey==`APIEndpoint`].OutputValue' \
      --output text"""
    assert cloud.run(["bash", "-c", command]).strip() == cloud.outputs()["APIEndpoint"]


def test_key_has_256_bits(cloud):
    assert len(base64.b64decode(cloud.psk(), validate=True)) == 32


def test_table_has_its_keys_and_protection(cloud):
    table = cloud.aws("dynamodb", "describe-table", "--table-name", TABLE)["Table"]
    assert {(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]} == {
        ("tenant_id", "HASH"),
        ("type", "RANGE"),
    }
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True


def test_expiry_and_backups_are_enabled(cloud):
    ttl = cloud.aws("dynamodb", "describe-time-to-live", "--table-name", TABLE)["TimeToLiveDescription"]
    backups = cloud.aws("dynamodb", "describe-continuous-backups", "--table-name", TABLE)
    recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if ttl["TimeToLiveStatus"] == "DISABLED" and recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        pytest.skip("the emulator's CloudFormation ignores TTL and backups of a table; the guards check the template")
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_log_groups_have_their_names_and_retention(cloud):
    groups = cloud.aws("logs", "describe-log-groups")["logGroups"]
    retention = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    for name in (
        f"/aws/apigateway/{STACK}-tenant-api",
        f"/aws/lambda/{STACK}-api-authorizer",
        f"/aws/lambda/{STACK}-api-service",
        f"/aws/lambda/{STACK}-api-validator",
        f"/aws/lambda/{STACK}-api-recorder",
        f"/aws/lambda/{STACK}-api-notifier",
    ):
        assert retention[name] == (365 if name.endswith("-api-service") else 90)


def test_functions_are_invoked_by_their_alias(cloud):
    for name in (*FUNCTIONS, RECORDER, NOTIFIER):
        alias = cloud.aws("lambda", "get-alias", "--function-name", name, "--name", "live")
        assert alias["FunctionVersion"] == "1"
        function = cloud.aws("lambda", "get-function-configuration", "--function-name", name)
        assert function["Architectures"] == [ARCHITECTURE]
        assert function["Runtime"] == "provided.al2023"
    authorizers = cloud.aws("apigateway", "get-authorizers", "--rest-api-id", cloud.outputs()["RestApiId"])["items"]
    assert [authorizer["authorizerResultTtlInSeconds"] for authorizer in authorizers] == [0]
    assert ":live/invocations" in authorizers[0]["authorizerUri"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/templates",
        "/api/v1/templates/one",
        "/api/v1/tenants/acme/nothing",
        "/api/v1/tenants/acme/delivery-configs/s3/history/one/two",
        "/api/v1/tenants/acme/delivery-configs/s3/validate/all",
        "/api/v2/anything",
        "/new",
        "/",
    ],
)
def test_route_that_is_added_to_the_api_alone_is_reachable(cloud, method, path):
    """A path that no release has reaches the function's router, which alone decides what it is. Without a signature it
    reaches no function."""
    base = cloud.base_url()
    window = Window(cloud)
    response = request(f"{base}{path}", method, key=cloud.psk(), base=base)
    assert response.status == 404
    assert response.json["error"].startswith("Not found: no route matches this URL.")
    assert response.json["timestamp"].endswith("Z"), "the gateway's own errors have another form"
    (line,) = [line for line in window.lines(FUNCTIONS[1]) if line.get("target") == "request"]
    assert (line["method"], line["route"], line["status"]) == (method, "unmatched", 404)
    assert request(f"{base}{path}", method).status in (401, 403)
    assert len([line for line in window.lines(FUNCTIONS[1]) if line.get("target") == "request"]) == 1


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/api/v1/health", "/api/v1/openapi.json"])
def test_only_reads_of_health_and_of_the_description_are_open(cloud, path):
    url = f"{cloud.base_url()}{path}"
    assert request(url).status == request(url, "HEAD").status == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert request(url, method).status in (401, 403)
        assert request(url, method, key=cloud.psk(), base=cloud.base_url()).status == 405


def test_preflight_invokes_no_function(cloud):
    window = Window(cloud)
    for path in ("/health", "/api/v1/delivery-configs", "/api/v1/nothing"):
        response = request(f"{cloud.base_url()}{path}", "OPTIONS", headers={"Origin": "https://a.example"})
        assert (response.status, response.body) == (204, b"")
        assert response.headers["Access-Control-Allow-Origin"] is None
    assert not any(window.lines(name) for name in FUNCTIONS)


def test_daily_call_fails_in_no_function(cloud):
    """What EventBridge sends once a day, sent now."""
    rules = cloud.aws("events", "list-rules")["Rules"]
    (rule,) = (rule["Name"] for rule in rules if rule["ScheduleExpression"] == "rate(1 day)")
    responses = {}
    for target in cloud.aws("events", "list-targets-by-rule", "--rule", rule)["Targets"]:
        file = cloud.work / target["Id"]
        named = ("--function-name", target["Arn"], "--payload", target["Input"])
        invoked = cloud.aws("lambda", "invoke", *named, str(file))
        assert "FunctionError" not in invoked, file.read_text()
        responses[target["Id"]] = json.loads(file.read_text())
    assert responses["api"]["statusCode"] == 200
    assert responses["validator"]["statusCode"] == 404
    assert responses["authorizer"]["policyDocument"]["Statement"][0]["Effect"] == "Deny"


def test_acceptance_suite_passes(cloud):
    """The suite that the local server passes."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", "-p", "gateway_differences", "tests/acceptance"],
        cwd=ROOT,
        env=cloud.environment
        | {
            "BASE_URL": cloud.base_url(),
            "PSK": cloud.psk(),
            "LACKS": ";".join(f"{name}={reason}" for name, reason in LACKS.items()),
            "ALLOW_HEADERS": EMULATOR_HEADERS,
            # A hundred processes that start beside a build on two cores do not start in time.
            "PARALLEL_CLIENTS": "16",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/deploy"), str(ROOT / "tests/acceptance")]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout
