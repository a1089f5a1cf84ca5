"""A deployment that fails, the deletion of one, and the next one."""

from cloud import (
    ACCOUNT,
    ARCHITECTURE,
    CENTRAL_ROLE,
    DELIVERIES,
    FUNCTIONS,
    HISTORY,
    NOTIFIER,
    RECORDER,
    REGION,
    STACK,
    TABLE,
    WEBHOOKS,
    ZIP,
    request,
)
from faults import credentials_without
from test_3_operation import read_something


def test_failure_names_the_first_resource_that_failed(cloud):
    """The zone does not exist, which this deployer is not allowed to see."""
    blind = credentials_without(cloud, "blind", "route53:GetHostedZone", "acm:DescribeCertificate")
    output = cloud.deploy(
        *ZIP, "--domain", "api.example.com", "--certificate-arn", f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/x",
        "--hosted-zone-id", "Z0000000000000", fails=True, **blind,
    )  # fmt: skip
    assert "The deployment failed and the stack is in UPDATE_ROLLBACK" in output
    # The emulator reports only the nested stack. On AWS it is the record in it, Address4.
    assert "The first resource that failed is Domain (AWS::CloudFormation::Stack): No hosted zone with id" in output


def test_api_serves_as_before_after_a_failed_deployment(cloud):
    assert read_something(cloud) == (200, "kept-logs")


def test_change_of_the_package_type_is_rejected(cloud):
    output = cloud.deploy("--package", "image", fails=True)
    assert "The functions have the package type Zip, which Lambda cannot change: run --delete" in output


def test_delete_keeps_the_table(cloud):
    output = cloud.run(["./deploy.sh", "--delete", "--yes"])
    kept = f"The tables {TABLE}, {HISTORY}, {WEBHOOKS} and {DELIVERIES}, the keys"
    assert f"Deleted. {kept} and the objects in the templates bucket, and the" in output
    assert set(cloud.aws("dynamodb", "list-tables")["TableNames"]) == {TABLE, HISTORY, WEBHOOKS, DELIVERIES}
    items = cloud.aws("dynamodb", "scan", "--table-name", TABLE)["Items"]
    assert [item["tenant_id"]["S"] for item in items] == ["kept"]
    assert cloud.aws("lambda", "list-functions")["Functions"] == []
    assert cloud.aws("apigateway", "get-rest-apis")["items"] == []
    assert len(cloud.psk()) == 44


def test_delete_without_a_stack_succeeds(cloud):
    assert f"The stack {STACK} does not exist." in cloud.run(["./deploy.sh", "--delete", "--yes"])


def test_new_deployment_imports_the_table(cloud):
    # test_3_restore.py has replaced the table: the new one has no tag of the stack, so it must be adopted. It has a
    # stream, so there is a history again.
    output = cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--adopt-table")
    assert f"The table {TABLE} exists and is imported into the stack with its items." in output
    assert f"The table {HISTORY} exists and is imported into the stack with the history that it contains." in output
    assert read_something(cloud) == (200, "kept-logs")
    resources = cloud.aws("cloudformation", "describe-stack-resources", "--stack-name", STACK)["StackResources"]
    assert TABLE in {resource["PhysicalResourceId"] for resource in resources}
    assert "Nothing to change." in cloud.deploy("--include-api", *ZIP)


# --- The validator is deployed with a central role and deleted without one.


def central_role_check(cloud):
    """The check of the central role in a validation."""
    base = cloud.base_url()
    url = f"{base}/api/v1/tenants/kept/delivery-configs/s3/validate"
    response = request(url, key=cloud.psk(), base=base)
    assert response.status == 200, response.body
    return next(check for check in response.json["data"]["checks"] if check["field"] == "central_role")


def deployed_functions(cloud):
    functions = cloud.aws("lambda", "list-functions")["Functions"]
    return {function["FunctionName"] for function in functions} - {RECORDER, NOTIFIER}


def test_api_function_validates_without_a_central_role(cloud):
    assert deployed_functions(cloud) == set(FUNCTIONS[:2])
    assert not [name for name in cloud.outputs() if name.startswith("Validator")]
    assert central_role_check(cloud)["code"] == "not_configured"


def test_central_role_deploys_the_validator(cloud):
    output = cloud.deploy(*ZIP, "--central-role-arn", CENTRAL_ROLE, "--external-id", "ours/4711")
    assert "UPDATE_COMPLETE" in output
    assert deployed_functions(cloud) == set(FUNCTIONS)
    validator, api = (
        cloud.aws("lambda", "get-function-configuration", "--function-name", name)["Environment"]["Variables"]
        for name in (FUNCTIONS[2], FUNCTIONS[1])
    )
    assert (validator["CENTRAL_ROLE_ARN"], validator["EXTERNAL_ID"]) == (CENTRAL_ROLE, "ours/4711")
    assert not {"CENTRAL_ROLE_ARN", "EXTERNAL_ID"} & set(api)
    # The central role trusts the validator of the previous stack, which had another role.
    assert central_role_check(cloud)["code"] == "access_denied"


def test_validator_is_deleted_with_the_central_role(cloud):
    cloud.deploy(*ZIP, "--parameter", "CentralRoleArn=")
    assert deployed_functions(cloud) == set(FUNCTIONS[:2])
    assert central_role_check(cloud)["code"] == "not_configured"
