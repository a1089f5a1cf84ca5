"""A deployment that fails, the end of one, and what comes after it."""

import json

from cloud import (
    ACCOUNT,
    ARCHITECTURE,
    BUCKET,
    CENTRAL_ROLE,
    FUNCTIONS,
    PSK_PARAMETER,
    REGION,
    ROOT,
    STACK,
    TABLE,
    ZIP,
    request,
)
from test_1_mistakes import REGISTRY, image, put_image
from test_3_operation import read_something

# As first described, with only the account's own values in it.
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


def test_failure_names_the_first_resource_that_failed(cloud):
    answer = cloud.deploy(
        *ZIP, "--domain", "api.example.com", "--certificate-arn", f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/x",
        "--hosted-zone-id", "Z0000000000000", fails=True,
    )  # fmt: skip
    assert "The deployment failed and the stack is in UPDATE_ROLLBACK" in answer
    # The emulator tells only of the nested stack as a whole; on AWS it is the record in it, Address4.
    assert "The first to fail was Domain (AWS::CloudFormation::Stack): No hosted zone with id" in answer


def test_after_a_failure_the_api_serves_as_before(cloud):
    assert read_something(cloud) == (200, "kept-logs")


def test_functions_are_not_repacked_in_place(cloud):
    answer = cloud.deploy("--package", "image", fails=True)
    assert "The functions are there as Zip, and Lambda cannot repack a function: run --delete" in answer


def test_delete_keeps_the_table(cloud):
    answer = cloud.run(["./deploy.sh", "--delete"])
    assert f"Deleted. The table {TABLE}, the key and what is in the templates bucket stay." in answer
    assert cloud.aws("dynamodb", "list-tables")["TableNames"] == [TABLE]
    items = cloud.aws("dynamodb", "scan", "--table-name", TABLE)["Items"]
    assert [item["tenant_id"]["S"] for item in items] == ["kept"]
    assert cloud.aws("lambda", "list-functions")["Functions"] == []
    assert cloud.aws("apigateway", "get-rest-apis")["items"] == []
    assert len(cloud.psk()) == 44


def test_delete_of_nothing_is_no_failure(cloud):
    assert f"There is no stack {STACK}." in cloud.run(["./deploy.sh", "--delete"])


def test_new_deployment_takes_the_table_over(cloud):
    answer = cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE)
    assert f"The table {TABLE} is there already and becomes part of the stack, with its items." in answer
    assert read_something(cloud) == (200, "kept-logs")
    resources = cloud.aws("cloudformation", "describe-stack-resources", "--stack-name", STACK)["StackResources"]
    assert TABLE in {resource["PhysicalResourceId"] for resource in resources}
    assert "Nothing: the stack is as it should be." in cloud.deploy("--include-api", *ZIP)


# --- Validation comes and goes with the central role.


def central_role_check(cloud):
    """What a validation says of the central role."""
    base = cloud.base_url()
    url = f"{base}/api/v1/tenants/kept/delivery-configs/s3/validate"
    answer = request(url, key=cloud.psk(), base=base)
    assert answer.status == 200, answer.body
    return next(check for check in answer.json["data"]["checks"] if check["field"] == "central_role")


def functions(cloud):
    return {function["FunctionName"] for function in cloud.aws("lambda", "list-functions")["Functions"]}


def test_without_a_central_role_the_api_function_validates(cloud):
    assert functions(cloud) == set(FUNCTIONS[:2])
    assert not [name for name in cloud.outputs() if name.startswith("Validator")]
    assert central_role_check(cloud)["code"] == "not_configured"


def test_central_role_brings_the_validator_along(cloud):
    answer = cloud.deploy(*ZIP, "--central-role-arn", CENTRAL_ROLE, "--external-id", "ours/4711")
    assert "UPDATE_COMPLETE" in answer
    assert functions(cloud) == set(FUNCTIONS)
    validator, api = (
        cloud.aws("lambda", "get-function-configuration", "--function-name", name)["Environment"]["Variables"]
        for name in (FUNCTIONS[2], FUNCTIONS[1])
    )
    assert (validator["CENTRAL_ROLE_ARN"], validator["EXTERNAL_ID"]) == (CENTRAL_ROLE, "ours/4711")
    assert not {"CENTRAL_ROLE_ARN", "EXTERNAL_ID"} & set(api)
    # The role trusts the validator of the stack before this one, which was another role.
    assert central_role_check(cloud)["code"] == "access_denied"


def test_validator_goes_with_the_central_role(cloud):
    cloud.deploy(*ZIP, "--parameter", "CentralRoleArn=")
    assert functions(cloud) == set(FUNCTIONS[:2])
    assert central_role_check(cloud)["code"] == "not_configured"


def test_table_of_another_stack_is_left_to_it(cloud):
    answer = cloud.run(["./deploy.sh", "-t", "regional", "-b", BUCKET, "-e", "staging"])
    assert f"TableName              {STACK.replace('development', 'staging')}-tenant-configs" in answer
    template = {
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
    cloud.aws("cloudformation", "create-stack", "--stack-name", "processors", "--template-body", json.dumps(template))
    cloud.run(["aws", "cloudformation", "wait", "stack-create-complete", "--stack-name", "processors"])
    answer = cloud.run(["./deploy.sh", "-t", "regional", "-b", BUCKET, "-e", "production", "--include-api", *ZIP,
                        "--arch", ARCHITECTURE])  # fmt: skip
    assert "belongs to the stack processors and is used as it is." in answer
    assert "Its time to live is off" in answer, "log processors would go on finding what has expired"


def test_first_described_commands_are_taken_word_for_word(cloud, tmp_path):
    """Functions from images are made but not called: the emulator starts those with Docker only."""
    cloud.run(["./deploy.sh", "--delete"])
    cloud.aws("ssm", "delete-parameter", "--name", PSK_PARAMETER)
    put_image(cloud, "logging-authorizer", "latest", image("b"))
    put_image(cloud, "logging-api", "latest", image("c"))
    curl = tmp_path / "curl"  # the registry's download is not emulated
    curl.write_text("""#!/bin/sh\necho '{"architecture":"arm64","os":"linux"}'\n""")
    curl.chmod(0o755)

    cloud.run(["bash", "-ec", CREATE_PARAMETER])
    answer = cloud.run(["bash", "-ec", DEPLOY], cwd=ROOT, PATH=f"{tmp_path}:{cloud.environment['PATH']}")
    assert "validated no further than the table; looking beyond it takes --validator-image-uri." in answer

    assert cloud.outputs()["APIEndpoint"].endswith(f".execute-api.{REGION}.amazonaws.com/development")
    names = {name for name in functions(cloud) if name.startswith(STACK)}
    assert names == set(FUNCTIONS[:2]), "there is no image for a validator"
    for name, repository in zip(FUNCTIONS[:2], ("logging-authorizer", "logging-api"), strict=True):
        check_image(cloud, name, repository)


def check_image(cloud, name, repository):
    function = cloud.aws("lambda", "get-function", "--function-name", name)
    assert function["Configuration"]["PackageType"] == "Image"
    assert function["Configuration"]["Architectures"] == ["arm64"]
    assert function["Code"]["ImageUri"].startswith(f"{REGISTRY}/{repository}@sha256:")


def test_image_of_the_validator_is_added_later(cloud):
    put_image(cloud, "logging-validator", "latest", image("d"))
    cloud.deploy("--validator-image-uri", f"{REGISTRY}/logging-validator:latest")
    check_image(cloud, FUNCTIONS[2], "logging-validator")
    variables = cloud.aws("lambda", "get-function-configuration", "--function-name", FUNCTIONS[2])["Environment"]
    assert variables["Variables"]["CENTRAL_ROLE_ARN"] == CENTRAL_ROLE, "named by the deployment before"
