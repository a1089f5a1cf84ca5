"""Other environments, functions from images, and the update of a stack of an earlier release."""

import json
import re
import shutil

import pytest
from cloud import ARCHITECTURE, BUCKET, CENTRAL_ROLE, FUNCTIONS, NOTIFIER, RECORDER, ROOT, STACK, ZIP
from test_1_mistakes import REGISTRY, fake_curl, image, move_tag, put_image

# The commands of the first description, with the values of this account.
CREATE_PARAMETER = """aws ssm put-parameter \
  --name "/logging/api/psk" \
  --value "your-256-bit-base64-encoded-key" \
  --type "SecureString" \
  --description "PSK for tenant management API authentication"
"""
DEPLOY = """cd cloudformation/
./deploy.sh -t regional -b your-templates-bucket \
  --central-role-arn arn:aws:iam::123456789012:role/ROSA-CentralLogDistributionRole-abc123 \
  --include-api \
  --api-auth-ssm-parameter "/logging/api/psk" \
  --authorizer-image-uri 123456789012.dkr.ecr.us-east-1.amazonaws.com/logging-authorizer:latest \
  --api-image-uri 123456789012.dkr.ecr.us-east-1.amazonaws.com/logging-api:latest
"""


PRODUCTION_TABLE = f"{STACK.replace('development', 'production')}-tenant-configs"
PROCESSORS = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": PRODUCTION_TABLE,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": "S"} for name in ("tenant_id", "type")
                ],
                "KeySchema": [
                    {"AttributeName": "tenant_id", "KeyType": "HASH"},
                    {"AttributeName": "type", "KeyType": "RANGE"},
                ],
            },
        }
    }
}


def test_environment_without_an_api_has_a_table(cloud):
    output = cloud.run(["./deploy.sh", "-t", "regional", "-b", BUCKET, "-e", "staging"])
    assert f"TableName              {STACK.replace('development', 'staging')}-tenant-configs" in output


def test_table_of_another_stack_is_used_and_left_to_it(cloud):
    stack = ("--stack-name", "processors")
    cloud.aws("cloudformation", "create-stack", *stack, "--template-body", json.dumps(PROCESSORS))
    cloud.run(["aws", "cloudformation", "wait", "stack-create-complete", *stack])
    output = cloud.run(["./deploy.sh", "-t", "regional", "-b", BUCKET, "-e", "production", "--include-api", *ZIP,
                        "--arch", ARCHITECTURE, "--create-psk", "--api-auth-ssm-parameter", "/production"])  # fmt: skip
    assert "belongs to the stack processors and is used without changes." in output
    assert "Time to live is disabled" in output, "log processors would still find expired items"
    assert "has no stream with new and old images, so no history is recorded. To have one: aws dynamodb" in output


def test_stream_of_a_table_of_another_stack_is_enabled_there(cloud):
    """Then the recorder reads it, and moves to another one by itself."""
    table, options = PRODUCTION_TABLE, ("-e", "production", "--set", "IncludeHistory=true")
    output = cloud.run(["./deploy.sh", *options], fails=True)
    assert f"The history needs the stream of the table {table} with new and old images" in output
    command = output.partition(": run ")[2].partition(", then deploy again")[0].split()
    cloud.run(command)
    assert "The recorder compares the table with the history now" in cloud.run(["./deploy.sh", *options])
    stream = ("dynamodb", "describe-table", "--table-name", table, "--query", "Table.LatestStreamArn")
    assert production_outputs(cloud)["HistoryStreamArn"] == cloud.aws(*stream)
    cloud.aws(*command[1:-1], "StreamEnabled=false")
    cloud.run(command)
    assert "it moves to the latest one" in cloud.run(["./deploy.sh", "-e", "production", "--set", "LogLevel=WARN"])
    assert production_outputs(cloud)["HistoryStreamArn"] == cloud.aws(*stream)


def production_outputs(cloud):
    name = PRODUCTION_TABLE.removesuffix("-tenant-configs")
    stack = cloud.aws("cloudformation", "describe-stacks", "--stack-name", name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


# --- A table and a log group that exist already, in no stack.


STAGING = f"{STACK.replace('development', 'staging')}2"
STAGING_TABLE = f"{STAGING}-tenant-configs"
STAGING_OPTIONS = ("-t", "regional", "-b", BUCKET, "-e", "staging2", "--include-api", *ZIP, "--arch", ARCHITECTURE)


@pytest.fixture(scope="module")
def existing(cloud):
    """A table and a log group with the names of an environment, made by another tool."""
    properties = PROCESSORS["Resources"]["Table"]["Properties"]
    cloud.aws(
        "dynamodb", "create-table", "--table-name", STAGING_TABLE, "--billing-mode", properties["BillingMode"],
        "--attribute-definitions", json.dumps(properties["AttributeDefinitions"]),
        "--key-schema", json.dumps(properties["KeySchema"]),
    )  # fmt: skip
    item = json.dumps({"tenant_id": {"S": "kept"}, "type": {"S": "s3"}})
    cloud.aws("dynamodb", "put-item", "--table-name", STAGING_TABLE, "--item", item)
    cloud.aws("logs", "create-log-group", "--log-group-name", f"/aws/lambda/{STAGING}-api-service")


def test_table_of_another_tool_is_used_without_changes(cloud, existing):
    output = cloud.run(["./deploy.sh", *STAGING_OPTIONS, "--create-psk", "--dry-run"])
    assert f"The table {STAGING_TABLE} exists, and no stack of this name left it: it is used without changes." in output


def test_table_is_adopted_on_request_and_log_groups_are_used(cloud, existing):
    output = cloud.run(["./deploy.sh", *STAGING_OPTIONS, "--create-psk", "--adopt-table"])
    assert f"The table {STAGING_TABLE} exists and is imported into the stack with its items." in output
    assert f"The log group /aws/lambda/{STAGING}-api-service exists and is used as it is" in output
    assert "The release works." in output
    assert "has no stream with new and old images, so no history is recorded." in output
    stack = cloud.aws("cloudformation", "describe-stack-resources", "--stack-name", STAGING)["StackResources"]
    assert STAGING_TABLE in {resource["PhysicalResourceId"] for resource in stack}
    assert len(cloud.aws("dynamodb", "scan", "--table-name", STAGING_TABLE)["Items"]) == 1


def test_deletion_keeps_what_was_adopted(cloud, existing):
    cloud.run(["./deploy.sh", "--delete", "-e", "staging2", "--yes"])
    assert STAGING_TABLE in cloud.aws("dynamodb", "list-tables")["TableNames"]
    groups = {group["logGroupName"] for group in cloud.aws("logs", "describe-log-groups")["logGroups"]}
    assert f"/aws/lambda/{STAGING}-api-service" in groups
    assert f"/aws/lambda/{STAGING}-api-authorizer" not in groups


# --- Images. Functions from images are deployed but not called: the emulator starts those only with Docker.


@pytest.fixture(scope="module")
def arm64_images(cloud, tmp_path_factory):
    """Puts the two images into the registry; the environment in which `curl` finds that they are for arm64."""
    put_image(cloud, "logging-authorizer", "latest", image("b"))
    put_image(cloud, "logging-api", "latest", image("c"))
    return fake_curl(cloud, tmp_path_factory.mktemp("curl"), "arm64")


def deployed_functions(cloud):
    functions = cloud.aws("lambda", "list-functions")["Functions"]
    return {name for name in (function["FunctionName"] for function in functions) if name.startswith(f"{STACK}-")}


def assert_deployed_from(cloud, name, repository, entry_point):
    function = cloud.aws("lambda", "get-function", "--function-name", name)
    assert function["Configuration"]["PackageType"] == "Image"
    assert function["Configuration"]["Architectures"] == ["arm64"]
    assert function["Code"]["ImageUri"].startswith(f"{REGISTRY}/{repository}@sha256:")
    image_config = function["Configuration"].get("ImageConfigResponse", {}).get("ImageConfig", {})
    assert image_config.get("EntryPoint") == entry_point


def assert_all_are_deployed_from_two_images(cloud):
    assert deployed_functions(cloud) == {*FUNCTIONS, RECORDER, NOTIFIER}
    authorizer, api, validator = FUNCTIONS
    assert_deployed_from(cloud, authorizer, "logging-authorizer", None)
    assert_deployed_from(cloud, api, "logging-api", ["/api"])
    assert_deployed_from(cloud, validator, "logging-api", ["/validator"])
    assert_deployed_from(cloud, RECORDER, "logging-api", ["/recorder"])
    assert_deployed_from(cloud, NOTIFIER, "logging-api", ["/notifier"])


def test_first_described_commands_deploy_every_function(cloud, arm64_images):
    cloud.run(["bash", "-ec", CREATE_PARAMETER])
    cloud.run(["bash", "-ec", DEPLOY], **arm64_images)
    assert cloud.outputs()["APIEndpoint"].endswith(".amazonaws.com/development")
    assert_all_are_deployed_from_two_images(cloud)
    validator = cloud.aws("lambda", "get-function-configuration", "--function-name", FUNCTIONS[2])
    assert validator["Environment"]["Variables"]["CENTRAL_ROLE_ARN"] == CENTRAL_ROLE


def test_architecture_is_that_of_the_images(cloud, arm64_images, tmp_path):
    """The first described commands work on a machine whose images are built for x86_64."""
    amd64 = fake_curl(cloud, tmp_path, "amd64")
    output = cloud.run(["bash", "-ec", f"{DEPLOY.strip()} --dry-run"], **amd64)
    assert "The images are built for x86_64, so the functions run on it." in output
    output = cloud.run(["bash", "-ec", f"{DEPLOY.strip()} --dry-run --arch arm64"], fails=True, **amd64)
    assert "is built for x86_64: build it for arm64, or deploy with --arch x86_64." in output


def test_image_that_may_be_deleted_is_reported(cloud, arm64_images):
    expiry = {"rulePriority": 1, "action": {"type": "expire"}}
    rule = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
    policy = json.dumps({"rules": [expiry | {"selection": rule}]})
    cloud.aws("ecr", "put-lifecycle-policy", "--repository-name", "logging-api", "--lifecycle-policy-text", policy)
    assert "The repository logging-api expires images" in cloud.deploy("--dry-run", **arm64_images)
    cloud.aws("ecr", "delete-lifecycle-policy", "--repository-name", "logging-api")
    move_tag(cloud, "logging-api", "latest", image("f"))  # the tag moves from the image that runs
    running = cloud.run(["./deploy.sh", "--status"], **arm64_images)
    assert re.search(r"The image \S+/logging-api@sha256:[0-9a-f]{64} has no tag, so a cleanup may delete it", running)
    move_tag(cloud, "logging-api", "latest", image("c"))


@pytest.mark.parametrize(
    "options",
    [
        ("--validator-image-uri", f"{REGISTRY}/logging-validator:latest"),
        ("--parameter", "ValidatorImageUri=somewhere"),
    ],
    ids=["option", "parameter"],
)
def test_validator_image_is_ignored_with_a_notice(cloud, options):
    output = cloud.deploy(*options)
    assert "ValidatorImageUri is ignored" in output or "--validator-image-uri is ignored" in output
    assert "the validator is deployed from the API image." in output
    assert "Nothing to change" in output


# --- An earlier release took the image of the validator as a third one.


@pytest.fixture(scope="module")
def earlier_stack(cloud, arm64_images, tmp_path_factory):
    """Deploys a stack whose template has the parameter of that image."""
    cloud.run(["./deploy.sh", "--delete", "--yes"])
    release = tmp_path_factory.mktemp("release")
    shutil.copy(ROOT / "deploy.sh", release)
    shutil.copytree(ROOT / "cloudformation", release / "cloudformation")
    template = release / "cloudformation/regional.yaml"
    parameter = f"  ValidatorImageUri: {{Type: String, Default: {REGISTRY}/logging-validator@sha256:{'d' * 64}}}\n"
    template.write_text(template.read_text().replace("Parameters:\n", f"Parameters:\n{parameter}", 1))
    cloud.run(["bash", "-ec", DEPLOY], cwd=release, **arm64_images)
    assert "ValidatorImageUri" in parameters(cloud)


def parameters(cloud):
    return {parameter["ParameterKey"] for parameter in cloud.stack()["Parameters"]}


def test_earlier_stack_needs_a_new_api_image(cloud, earlier_stack):
    output = cloud.deploy(fails=True)
    assert "The API image of this stack does not contain the validator" in output
    assert "ValidatorImageUri" in parameters(cloud)


def test_update_of_an_earlier_stack_drops_the_validator_image(cloud, earlier_stack, arm64_images):
    output = cloud.run(["bash", "-ec", DEPLOY], **arm64_images)
    assert "UPDATE_COMPLETE" in output
    assert "ValidatorImageUri" not in parameters(cloud)
    assert_all_are_deployed_from_two_images(cloud)
