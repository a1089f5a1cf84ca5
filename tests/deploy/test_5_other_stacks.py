"""Other environments, functions from images, and the update of a stack of an earlier release."""

import json
import shutil

import pytest
from cloud import ARCHITECTURE, BUCKET, CENTRAL_ROLE, FUNCTIONS, ROOT, STACK, ZIP
from test_1_mistakes import REGISTRY, fake_curl, image, put_image

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


PROCESSORS = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "multi-tenant-logging-production-tenant-configs",
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
    assert deployed_functions(cloud) == set(FUNCTIONS)
    authorizer, api, validator = FUNCTIONS
    assert_deployed_from(cloud, authorizer, "logging-authorizer", None)
    assert_deployed_from(cloud, api, "logging-api", ["/api"])
    assert_deployed_from(cloud, validator, "logging-api", ["/validator"])


def test_first_described_commands_deploy_every_function(cloud, arm64_images):
    cloud.run(["bash", "-ec", CREATE_PARAMETER])
    cloud.run(["bash", "-ec", DEPLOY], **arm64_images)
    assert cloud.outputs()["APIEndpoint"].endswith(".amazonaws.com/development")
    assert_all_are_deployed_from_two_images(cloud)
    validator = cloud.aws("lambda", "get-function-configuration", "--function-name", FUNCTIONS[2])
    assert validator["Environment"]["Variables"]["CENTRAL_ROLE_ARN"] == CENTRAL_ROLE


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
